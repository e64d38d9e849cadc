/**
 * Budget forcing (s1, Muennighoff et al. 2025, arXiv:2501.19393), with the budget given in time: thoughts that take longer are
 * ended and the answer is asked for; thoughts that end sooner than wanted go on behind a "Wait".
 *
 * Time for the answer is kept free before the deadline, so that a run never ends in the middle of a thought without one.
 * Several lines of thought are decoded together, and their answers vote (self-consistency, Wang et al. 2022, arXiv:2203.11171).
 *
 * @module
 */
import * as v from 'valibot';
import { tallyVotes, type AnswerVotes } from '../answers/vote.ts';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { number, numberOrInfinity, readOptions, text, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { forcedAnswerSchema } from './forced-answer.ts';
import { sameAnswerEntries, solutionEntries, solutionPolicy } from './solution-policy.ts';
import { longestReport, StrategyRun } from './strategy-run.ts';
import { LineOfThought, type ThinkingBudget, type ThinkingPolicy, type ThinkingReport } from './thinking.ts';

export const budgetForcingEntries = {
  ...solutionEntries,
  /** How many lines of thought. Whole number ≥ 1. @default 1 */
  branches: v.optional(wholeNumber(1), 1),
  /** Milliseconds after which thoughts are ended. Above 0. @default until there is just time for the answer */
  thinkMs: v.optional(numberOrInfinity(Number.MIN_VALUE)),
  /** Thoughts that the model ends sooner than after this many milliseconds go on, up to `maxWaits` times. At most `thinkMs`. @default 0 */
  minThinkMs: v.optional(number(0), 0),
  /** How often a line of thought is kept going. Whole number ≥ 0. @default 1 */
  maxWaits: v.optional(wholeNumber(), 1),
  /** What is written in place of the end of the thoughts to keep them going. @default 'Wait' */
  wait: v.optional(text, 'Wait'),
  /** The text that ends thoughts; `false` where the model has none and its text ends with them. @default '</think>' */
  thinkingEnd: v.optional(v.union([v.literal(false), text], 'text that is not empty, or false'), '</think>'),
  /** How the answer is asked for after thoughts that were ended. @default as suits the model and the prompt */
  forcedAnswer: v.optional(forcedAnswerSchema, {}),
  ...sameAnswerEntries,
};

export interface BudgetForcingOptions extends OptionsOf<typeof budgetForcingEntries> {}

export interface BudgetForcingResult extends StrategyResult {
  /** Votes of the lines of thought, most first. `confidence` is the winner's share of them. */
  readonly votes: readonly AnswerVotes[];
  /** How each line of thought went. */
  readonly thinking: readonly ThinkingReport[];
}

export class BudgetForcing implements Strategy<BudgetForcingResult> {
  readonly name = 'budget-forcing';
  readonly #branches: number;
  readonly #policy: ThinkingPolicy;
  readonly #budget: ThinkingBudget;
  readonly #isSame: AnswerEquivalence;

  /** @throws {InvalidOptionError} */
  constructor(options: BudgetForcingOptions = {}) {
    const { branches, isSame, ...settings } = readOptions(budgetForcingEntries, options);
    const { thinkMs = Infinity, minThinkMs, maxWaits, wait, thinkingEnd, forcedAnswer } = settings;
    if (minThinkMs > thinkMs) throw new InvalidOptionError('minThinkMs', `at most \`thinkMs\` (${thinkMs})`, minThinkMs);
    this.#branches = branches;
    this.#policy = { ...solutionPolicy(settings), forced: forcedAnswer };
    this.#budget = { thinkMs, minThinkMs, maxWaits, wait, thinkingEnd: thinkingEnd === false ? undefined : thinkingEnd };
    this.#isSame = isSame;
  }

  run(request: StrategyRequest): Promise<BudgetForcingResult> {
    return StrategyRun.conduct(this.name, request, { sampling: this.#policy.sampling }, async (run) => {
      const lines = run.branch(this.#branches).map((recorder) => ({ recorder, line: new LineOfThought(run, this.#policy, this.#budget) }));
      const ends = await Promise.all(lines.map(({ recorder, line }) => line.solve(recorder)));
      const votes = tallyVotes(new Map(ends.map(({ answer }, index) => [index, answer])), this.#isSame);
      const [winner] = votes;
      const result = run.conclude({
        chosen: winner ? ends[winner.voters[0]!] : longestReport(run.reports()),
        answer: winner?.answer,
        confidence: winner ? winner.votes / votes.reduce((sum, group) => sum + group.votes, 0) : 0,
        stopReason: run.stopReason(),
      });
      return { ...result, votes, thinking: lines.map(({ line }) => line.report()) };
    });
  }
}

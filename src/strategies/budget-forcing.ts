/**
 * Budget forcing (s1, Muennighoff et al. 2025, arXiv:2501.19393), with the budget given in time: thoughts that take longer are
 * ended and the answer is asked for; thoughts that end sooner than wanted go on behind a "Wait".
 *
 * Time for the answer is kept free before the deadline, so that a run never ends in the middle of a thought without one.
 * Several lines of thought are decoded together, and their answers vote (self-consistency, Wang et al. 2022, arXiv:2203.11171).
 *
 * @module
 */
import { isSameMeaning } from '../answers/same-meaning.ts';
import { tallyVotes, type AnswerVotes } from '../answers/vote.ts';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireNumber, requireWholeNumber } from '../options.ts';
import { resolveForcedAnswer, type ForcedAnswerOptions } from './forced-answer.ts';
import { resolveSolutionPolicy, type SolutionOptions } from './solution-policy.ts';
import { longestReport, StrategyRun } from './strategy-run.ts';
import { LineOfThought, type ThinkingBudget, type ThinkingPolicy, type ThinkingReport } from './thinking.ts';

export interface BudgetForcingOptions extends Omit<SolutionOptions, 'forcedAnswer'> {
  /** How many lines of thought. Whole number ≥ 1. @default 1 */
  readonly branches?: number;
  /** Milliseconds after which thoughts are ended; above 0. @default until there is just time for the answer */
  readonly thinkMs?: number;
  /** Thoughts that the model ends sooner than after this many milliseconds go on, up to `maxWaits` times. At most `thinkMs`. @default 0 */
  readonly minThinkMs?: number;
  /** How often a line of thought is kept going. Whole number ≥ 0. @default 1 */
  readonly maxWaits?: number;
  /** What is written in place of the end of the thoughts to keep them going. @default 'Wait' */
  readonly wait?: string;
  /** The text that ends thoughts; `false` where the model has none and its text ends with them. @default '</think>' */
  readonly thinkingEnd?: string | false;
  /** How the answer is asked for behind thoughts that were ended. @default `{}` */
  readonly forcedAnswer?: ForcedAnswerOptions;
  /** Whether two answers count as one. @default by meaning, as `equivalent` says */
  readonly isSame?: AnswerEquivalence;
}

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
    const { branches = 1, thinkMs = Infinity, minThinkMs = 0, maxWaits = 1, wait = 'Wait', thinkingEnd = '</think>', isSame = isSameMeaning } = options;
    requireWholeNumber('branches', branches, 1);
    if (thinkMs !== Infinity) requireNumber('thinkMs', thinkMs, Number.MIN_VALUE);
    requireNumber('minThinkMs', minThinkMs, 0, Math.min(thinkMs, Number.MAX_VALUE));
    requireWholeNumber('maxWaits', maxWaits);
    if (wait === '') throw new InvalidOptionError('wait', 'text that is not empty', wait);
    if (thinkingEnd === '') throw new InvalidOptionError('thinkingEnd', 'text that is not empty, or false', thinkingEnd);
    this.#branches = branches;
    this.#policy = { ...resolveSolutionPolicy(options), forced: resolveForcedAnswer(options.forcedAnswer ?? {}) };
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

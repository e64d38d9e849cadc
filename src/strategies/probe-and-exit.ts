/**
 * Probe and exit (Dynasor, Fu et al. 2024, arXiv:2412.20993): every so many tokens a fork of a line of thought is made to
 * answer at once, and the line is stopped when the last few probes agree. Models often know their answer long before they stop
 * thinking about it.
 *
 * The rule is the one the authors describe: the last `agreements` answers are all there, all the same and free of hedging; one
 * that is not starts the count again. Probes decode in the batch of their lines and hold nothing up. Several lines vote.
 *
 * @module
 */
import * as v from 'valibot';
import { tallyVotes, isDecided, type AnswerVotes } from '../answers/vote.ts';
import type { StopReason, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { readOptions, value, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { forcedAnswerSchema } from './forced-answer.ts';
import { ProbedLine, type ProbedLineReport, type ProbePolicy } from './probed-line.ts';
import { sameAnswerEntries, solutionEntries, solutionPolicy, type SolutionPolicy } from './solution-policy.ts';
import { longestReport, StrategyRun } from './strategy-run.ts';

const HEDGES = ['wait', 'hold', 'but', 'okay', 'no', 'hmm'] as const;

export const probeAndExitEntries = {
  ...solutionEntries,
  /** Lines of thought that are decoded at once and vote. Whole number ≥ 1. @default 1 */
  branches: v.optional(wholeNumber(1), 1),
  /** Tokens between two probes of a line. Whole number ≥ 1. @default 64 */
  interval: v.optional(wholeNumber(1), 64),
  /** How many probes in a row have to agree. Whole number ≥ 1. @default 3 */
  agreements: v.optional(wholeNumber(1), 3),
  /** How a probe is made to answer. @default as suits the model and the prompt */
  probe: v.optional(forcedAnswerSchema, {}),
  /** A probe that says one of these words, in either case, is not sure. @default ['wait', 'hold', 'but', 'okay', 'no', 'hmm'] */
  hedges: v.optional(
    value<readonly string[]>(
      'a list of single words',
      (given) => Array.isArray(given) && given.every((word) => typeof word === 'string' && /^\p{L}+$/u.test(word)),
    ),
    HEDGES,
  ),
  ...sameAnswerEntries,
};

export interface ProbeAndExitOptions extends OptionsOf<typeof probeAndExitEntries> {}

export interface ProbeAndExitResult extends StrategyResult {
  /** Votes of the lines, most first. `confidence` is the winner's share of them. */
  readonly votes: readonly AnswerVotes[];
  /** How each line went. */
  readonly lines: readonly ProbedLineReport[];
}

export class ProbeAndExit implements Strategy<ProbeAndExitResult> {
  readonly name = 'probe-and-exit';
  readonly #branches: number;
  readonly #policy: SolutionPolicy;
  readonly #probing: ProbePolicy;

  /** @throws {InvalidOptionError} */
  constructor(options: ProbeAndExitOptions = {}) {
    const { branches, interval, agreements, probe, hedges, isSame, ...solution } = readOptions(probeAndExitEntries, options);
    this.#branches = branches;
    this.#policy = solutionPolicy(solution);
    this.#probing = { interval, agreements, probe, hedges: new Set(hedges.map((word) => word.toLowerCase())), isSame };
  }

  run(request: StrategyRequest): Promise<ProbeAndExitResult> {
    return StrategyRun.conduct(this.name, request, { sampling: this.#policy.sampling }, async (run) => {
      const lines = run.branch(this.#branches).map((recorder) => new ProbedLine(run, recorder, this.#policy, this.#probing));
      let isSettled = false;
      const solve = async (line: ProbedLine): Promise<void> => {
        await line.solve();
        const pending = [...lines.keys()].filter((index) => !lines[index]!.outcome);
        isSettled ||= pending.length > 0 && isDecided(this.#votes(lines), pending);
        if (isSettled) for (const index of pending) lines[index]!.stop();
      };
      await Promise.all(lines.map(solve));
      return this.#conclude(run, lines, isSettled);
    });
  }

  #votes(lines: readonly ProbedLine[]): AnswerVotes[] {
    return tallyVotes(new Map(lines.map(({ outcome }, index) => [index, outcome?.answer])), this.#probing.isSame);
  }

  #conclude(run: StrategyRun, lines: readonly ProbedLine[], isSettled: boolean): ProbeAndExitResult {
    const votes = this.#votes(lines);
    const [winner] = votes;
    const isCut = lines.some((line) => line.isCut);
    const stopReason: StopReason = isCut ? 'deadline' : isSettled ? 'consensus' : 'completed';
    const result = run.conclude({
      chosen: winner
        ? lines[winner.voters[0]!]!.outcome
        : longestReport(lines.flatMap(({ outcome }) => (outcome && outcome.finish !== 'failed' ? outcome : []))),
      answer: winner?.answer,
      confidence: winner ? winner.votes / votes.reduce((sum, group) => sum + group.votes, 0) : 0,
      stopReason,
    });
    return { ...result, votes, lines: lines.map((line) => line.report()) };
  }
}

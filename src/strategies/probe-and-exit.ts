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
import { isSameMeaning } from '../answers/same-meaning.ts';
import { tallyVotes, isDecided, type AnswerVotes } from '../answers/vote.ts';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { StopReason, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireKnownOptions, requireWholeNumber, type OptionNames } from '../options.ts';
import { resolveForcedAnswer, type ForcedAnswerOptions } from './forced-answer.ts';
import { ProbedLine, type ProbedLineReport, type ProbePolicy } from './probed-line.ts';
import { resolveSolutionPolicy, SOLUTION_NAMES, type SolutionOptions, type SolutionPolicy } from './solution-policy.ts';
import { longestReport, StrategyRun } from './strategy-run.ts';

export interface ProbeAndExitOptions extends SolutionOptions {
  /** Lines of thought that are decoded at once and vote. Whole number ≥ 1. @default 1 */
  readonly branches?: number;
  /** Tokens between two probes of a line. Whole number ≥ 1. @default 64 */
  readonly interval?: number;
  /** How many probes in a row have to agree. Whole number ≥ 1. @default 3 */
  readonly agreements?: number;
  /** How a probe is made to answer. @default `{}` */
  readonly probe?: ForcedAnswerOptions;
  /** A probe that says one of these words, in either case, is not sure. @default ['wait', 'hold', 'but', 'okay', 'no', 'hmm'] */
  readonly hedges?: readonly string[];
  /** Whether two answers count as one. @default by meaning, as `equivalent` says */
  readonly isSame?: AnswerEquivalence;
}

export interface ProbeAndExitResult extends StrategyResult {
  /** Votes of the lines, most first. `confidence` is the winner's share of them. */
  readonly votes: readonly AnswerVotes[];
  /** How each line went. */
  readonly lines: readonly ProbedLineReport[];
}

const HEDGES = ['wait', 'hold', 'but', 'okay', 'no', 'hmm'];

const NAMES: OptionNames<ProbeAndExitOptions> = {
  ...SOLUTION_NAMES,
  ...{ branches: true, interval: true, agreements: true, probe: true, hedges: true, isSame: true },
};

export class ProbeAndExit implements Strategy<ProbeAndExitResult> {
  readonly name = 'probe-and-exit';
  readonly #branches: number;
  readonly #policy: SolutionPolicy;
  readonly #probing: ProbePolicy;

  /** @throws {InvalidOptionError} */
  constructor(options: ProbeAndExitOptions = {}) {
    requireKnownOptions('options', options, NAMES);
    const { branches = 1, interval = 64, agreements = 3, probe = {}, hedges = HEDGES, isSame = isSameMeaning } = options;
    requireWholeNumber('branches', branches, 1);
    requireWholeNumber('interval', interval, 1);
    requireWholeNumber('agreements', agreements, 1);
    if (!hedges.every((word) => /^\p{L}+$/u.test(word))) throw new InvalidOptionError('hedges', 'a list of single words', hedges);
    this.#branches = branches;
    this.#policy = resolveSolutionPolicy(options);
    const words = new Set(hedges.map((word) => word.toLowerCase()));
    this.#probing = { interval, agreements, probe: resolveForcedAnswer(probe), hedges: words, isSame };
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

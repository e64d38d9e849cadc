/**
 * Best of N: sample many solutions, have a reward model score them, return the best (Cobbe et al. 2021, arXiv:2110.14168); or
 * the best of the answer whose solutions score most together (Li et al. 2023, arXiv:2206.02336).
 *
 * Finished branches are scored while others still decode. At the deadline unfinished branches are asked for their answer, and
 * time is kept free for scoring them, as far as the scorer knows how long it takes. Solutions without a score are compared by
 * votes and likelihood only where no solution has one.
 *
 * @module
 */
import { isSameMeaning } from '../answers/same-meaning.ts';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { BranchOptions, SamplingOptions } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { BranchReport, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import type { EarlyDecision } from '../contracts/vote.ts';
import { InvalidOptionError } from '../errors.ts';
import { resolveEarlyDecision, type EarlyDecisionName } from '../maths/early-decision.ts';
import { resolveSampling } from '../maths/sampling.ts';
import { requireKnownOptions, requireNumber, requireWholeNumber, type OptionNames } from '../options.ts';
import { BranchScores, resolveScoring, type ScoringCoverage, type ScoringOptions, type ScoringPolicy } from './branch-scores.ts';
import { launchAtOnce } from './launch-schedule.ts';
import {
  conductSolutions,
  isSingleBranch,
  resolveSolutionSource,
  SOURCE_NAMES,
  type Solutions,
  type SolutionSource,
  type SolutionSourceOptions,
} from './solutions.ts';
import { SolutionVote, type SolutionVotePolicy } from './solution-vote.ts';
import { longestReport } from './strategy-run.ts';
import { rewardWeights } from './vote-weights.ts';

export interface BestOfNOptions extends SolutionSourceOptions, ScoringOptions {
  /**
   * `highest`: the solution with the highest score. `by-answer`: scores add up by answer, and the highest of the winning
   * answer's solutions is returned. @default 'highest'
   */
  readonly select?: 'highest' | 'by-answer';
  /** With `highest`: a score that is good enough; the first branch to reach it ends the run. @default none is */
  readonly acceptAt?: number;
  /**
   * With `acceptAt`: how many branches begin. The others follow when these have ended and none has been accepted: easy problems
   * take the time of few branches. Whole number ≥ 1. @default all of them
   */
  readonly firstWave?: number;
  /**
   * With `firstWave`: how the branches that begin choose their tokens; omitted fields are those of `sampling`. One branch at
   * temperature 0 is the likeliest text, which is right more often than most samples. @default as the others do
   */
  readonly firstSampling?: SamplingOptions;
  /** With `by-answer`: whether two answers count as one. @default by meaning, as `equivalent` says */
  readonly isSame?: AnswerEquivalence;
  /** With `by-answer`: weight of a score, at least 0. @default the score */
  readonly weigh?: (score: number) => number;
  /** With `by-answer`: when the run ends before every branch has voted. @default 'exact' */
  readonly earlyDecision?: EarlyDecisionName | EarlyDecision;
}

export interface BestOfNResult extends StrategyResult {
  /** Score of the returned solution; `undefined` when it has none. */
  readonly score: number | undefined;
  /** Scores by branch, of those that have one. */
  readonly scores: ReadonlyMap<number, number>;
  /**
   * How many of the solutions have a score. With `partial` the choice is among those; with `none` it is the answer with most
   * votes, its likeliest solution.
   */
  readonly scoring: ScoringCoverage;
  /** What calls of the scorer failed with. */
  readonly scoringErrors: readonly unknown[];
}

/** What a selection has come to. */
interface Selection {
  readonly chosen: BranchReport | undefined;
  readonly confidence: number;
  readonly isDecided: boolean;
  readonly scores: ReadonlyMap<number, number>;
  readonly scoring: ScoringCoverage;
  readonly scoringErrors: readonly unknown[];
}

const NAMES: OptionNames<BestOfNOptions> = {
  ...SOURCE_NAMES,
  ...{ scorer: true, aggregation: true, select: true, acceptAt: true, firstWave: true, firstSampling: true, isSame: true, weigh: true, earlyDecision: true },
};

/** `confidence` is the returned answer's share: of the votes with `highest`, of the scores with `by-answer`. */
export class BestOfN implements Strategy<BestOfNResult> {
  readonly name = 'best-of-n';
  readonly #source: SolutionSource;
  readonly #scoring: ScoringPolicy;
  readonly #acceptAt: number;
  readonly #firstWave: number;
  readonly #first: BranchOptions | undefined;
  readonly #isSame: AnswerEquivalence;
  /** `undefined` with `highest`. */
  readonly #vote: SolutionVotePolicy | undefined;

  /** @throws {InvalidOptionError} */
  constructor(options: BestOfNOptions) {
    requireKnownOptions('options', options, NAMES);
    const { select = 'highest', acceptAt = Infinity, firstWave, firstSampling, isSame = isSameMeaning, earlyDecision = 'exact' } = options;
    if (select !== 'highest' && select !== 'by-answer') throw new InvalidOptionError('select', "'highest' or 'by-answer'", select);
    if (acceptAt !== Infinity) requireNumber('acceptAt', acceptAt, -Number.MAX_VALUE);
    const idle = (select === 'highest' ? (['weigh', 'earlyDecision'] as const) : (['acceptAt', 'firstWave', 'firstSampling'] as const)).find(
      (option) => options[option] !== undefined,
    );
    if (idle) throw new InvalidOptionError(idle, `left out with select: '${select}'`, options[idle]);
    this.#source = resolveSolutionSource(options);
    this.#scoring = resolveScoring(options);
    if (firstWave !== undefined) requireFirstWave(firstWave, options);
    else if (firstSampling) throw new InvalidOptionError('firstSampling', 'left out without `firstWave`', firstSampling, 'Say how many branches begin.');
    resolveSampling(firstSampling);
    this.#acceptAt = acceptAt;
    this.#firstWave = firstWave ?? Infinity;
    this.#first = firstSampling && { sampling: firstSampling };
    this.#isSame = isSame;
    const weights = rewardWeights(options);
    this.#vote = select === 'by-answer' ? { isSame, weights, earlyDecision: resolveEarlyDecision(earlyDecision), launch: launchAtOnce() } : undefined;
  }

  get isSingleBranch(): boolean {
    return isSingleBranch(this.#source);
  }

  run(request: StrategyRequest): Promise<BestOfNResult> {
    const { scorer } = this.#scoring;
    return conductSolutions(this.name, request, this.#source, { scorer }, async (solutions) => {
      const selection = await (this.#vote ? selectByAnswer(solutions, request.prompt, this.#vote) : this.#selectHighest(solutions, request.prompt));
      const { chosen, scores, scoring, scoringErrors } = selection;
      const result = solutions.conclude({
        chosen,
        answer: chosen?.answer,
        confidence: selection.confidence,
        stopReason: solutions.stopReason(selection.isDecided),
        scoring: { coverage: scoring, errors: scoringErrors, otherwise: 'votes and likelihood' },
      });
      return { ...result, score: chosen && scores.get(chosen.branch), scores, scoring, scoringErrors };
    });
  }

  async #selectHighest(solutions: Solutions, prompt: Prompt): Promise<Selection> {
    const scores = new BranchScores(solutions.scope, prompt, this.#scoring);
    let isDecided = false;
    try {
      scores.onScore = () => {
        if (isDecided || ![...scores.entries().values()].some((score) => score >= this.#acceptAt)) return;
        isDecided = true;
        solutions.stop();
      };
      await solutions.decode((report) => {
        if (report && isCandidate(report)) scores.add(report);
        if (!report) return Math.min(this.#firstWave, solutions.branches);
        // They begin while the last of the first wave is scored: a score that is good enough ends them.
        return isDecided || solutions.pending().length > 0 ? 0 : solutions.branches - solutions.launched;
      }, this.#first);
      if (!isDecided) await scores.settle();
    } finally {
      scores.close();
    }
    const chosen = this.#highest(solutions.reports(), scores.entries());
    const confidence = this.#shareOf(chosen, solutions.reports());
    return { chosen, confidence, isDecided, scores: scores.entries(), scoring: scores.coverage(), scoringErrors: scores.errors };
  }

  #highest(reports: readonly BranchReport[], scores: ReadonlyMap<number, number>): BranchReport | undefined {
    const scored = highestOf(reports, ({ branch }) => scores.get(branch));
    if (scored) return scored;
    const candidates = reports.filter(isCandidate);
    const votes = (report: BranchReport): number => this.#votersFor(report, candidates).length;
    const most = Math.max(...candidates.map(votes));
    return highestOf(candidates, (report) => (votes(report) === most ? (report.meanLogprob ?? -Infinity) : undefined)) ?? longestReport(reports);
  }

  #shareOf(chosen: BranchReport | undefined, reports: readonly BranchReport[]): number {
    if (chosen?.answer === undefined) return 0;
    return this.#votersFor(chosen, reports).length / reports.filter(({ answer }) => answer !== undefined).length;
  }

  #votersFor({ answer }: BranchReport, reports: readonly BranchReport[]): BranchReport[] {
    return reports.filter((other) => answer !== undefined && other.answer !== undefined && this.#isSame(answer, other.answer));
  }
}

async function selectByAnswer(solutions: Solutions, prompt: Prompt, policy: SolutionVotePolicy): Promise<Selection> {
  const { votes, confidence, isDecided, scoring = 'none', scores, scoringErrors } = await new SolutionVote(solutions, prompt, policy).run();
  const reports = solutions.reports();
  const members = reports.filter(({ branch }) => votes[0]?.voters.includes(branch));
  const chosen = highestOf(members, ({ branch }) => scores.get(branch)) ?? highestOf(members, ({ meanLogprob }) => meanLogprob ?? -Infinity);
  return { chosen: chosen ?? longestReport(reports), confidence, isDecided, scoring, scores, scoringErrors };
}

/** @throws {InvalidOptionError} */
function requireFirstWave(firstWave: number, { acceptAt, source, expectedTokens }: BestOfNOptions): void {
  requireWholeNumber('firstWave', firstWave, 1);
  if (acceptAt === undefined) throw new InvalidOptionError('firstWave', 'left out without `acceptAt`', firstWave, 'Say which score ends the run.');
  const other = source ? 'source' : expectedTokens === undefined ? undefined : 'expectedTokens';
  if (other) throw new InvalidOptionError('firstWave', `left out beside \`${other}\``, firstWave, 'It says itself how many branches begin.');
}

/** An unfinished text without an answer is no solution, however well it reads so far. */
function isCandidate({ answer, finish }: BranchReport): boolean {
  return finish === 'end' || answer !== undefined;
}

/** The report with the highest value, of equals the first; those without one are left out. */
function highestOf(reports: readonly BranchReport[], valueOf: (report: BranchReport) => number | undefined): BranchReport | undefined {
  let best: { readonly report: BranchReport; readonly value: number } | undefined;
  for (const report of reports) {
    const value = valueOf(report);
    if (value !== undefined && (!best || value > best.value)) best = { report, value };
  }
  return best?.report;
}

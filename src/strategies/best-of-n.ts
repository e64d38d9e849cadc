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
import * as v from 'valibot';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { BranchOptions } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { BranchReport, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { earlyDecisionSchema, exactDecision } from '../maths/early-decision.ts';
import { samplingSchema } from '../maths/sampling.ts';
import { func, numberOrInfinity, oneOf, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { BranchScores, scoringEntries, type ScoringCoverage, type ScoringPolicy } from './branch-scores.ts';
import { launchAtOnce } from './launch-schedule.ts';
import { sameAnswerEntries } from './solution-policy.ts';
import { conductSolutions, isSingleBranch, solutionSource, sourceEntries, type Solutions, type SolutionSource } from './solutions.ts';
import { SolutionVote, type SolutionVotePolicy } from './solution-vote.ts';
import { longestReport } from './strategy-run.ts';
import { rewardWeights } from './vote-weights.ts';

export const bestOfNEntries = {
  ...sourceEntries,
  ...scoringEntries,
  /**
   * `highest`: the solution with the highest score. `by-answer`: scores add up by answer, and the highest of the winning
   * answer's solutions is returned. @default 'highest'
   */
  select: v.optional(oneOf(['highest', 'by-answer']), 'highest'),
  /** With `highest`: a score that is good enough; the first branch to reach it ends the run. @default none is */
  acceptAt: v.optional(numberOrInfinity(-Number.MAX_VALUE)),
  /**
   * With `acceptAt`: how many branches begin. The others follow when these have ended and none has been accepted: easy problems
   * take the time of few branches. Whole number ≥ 1. @default all of them
   */
  firstWave: v.optional(wholeNumber(1)),
  /**
   * With `firstWave`: how the branches that begin choose their tokens; omitted fields are those of `sampling`. One branch at
   * temperature 0 is the likeliest text, which is right more often than most samples. @default as the others do
   */
  firstSampling: v.optional(samplingSchema),
  ...sameAnswerEntries,
  /** With `by-answer`: weight of a score, at least 0. @default the score */
  weigh: v.optional(func<(score: number) => number>()),
  /** With `by-answer`: when the run ends before every branch has voted. @default 'exact' */
  earlyDecision: v.optional(earlyDecisionSchema),
};

export interface BestOfNOptions extends OptionsOf<typeof bestOfNEntries> {}

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
    const { select, acceptAt, firstWave, firstSampling, isSame, weigh, earlyDecision, scorer, aggregation, ...source } = readOptions(bestOfNEntries, options);
    const idle = (select === 'highest' ? (['weigh', 'earlyDecision'] as const) : (['acceptAt', 'firstWave', 'firstSampling'] as const)).find(
      (option) => options[option] !== undefined,
    );
    if (idle) throw new InvalidOptionError(idle, `left out with select: '${select}'`, options[idle]);
    this.#source = solutionSource(options, source);
    this.#scoring = { scorer, aggregation };
    if (firstWave !== undefined) requireUseOfFirstWave(firstWave, options);
    else if (firstSampling) throw new InvalidOptionError('firstSampling', 'left out without `firstWave`', firstSampling, 'Say how many branches begin.');
    this.#acceptAt = acceptAt ?? Infinity;
    this.#firstWave = firstWave ?? Infinity;
    this.#first = firstSampling && { sampling: firstSampling };
    this.#isSame = isSame;
    const weights = rewardWeights({ ...this.#scoring, ...(weigh && { weigh }) });
    this.#vote = select === 'by-answer' ? { isSame, weights, earlyDecision: earlyDecision ?? exactDecision(), launch: launchAtOnce() } : undefined;
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
function requireUseOfFirstWave(firstWave: number, { acceptAt, source, expectedTokens }: BestOfNOptions): void {
  if (acceptAt === undefined) throw new InvalidOptionError('firstWave', 'left out without `acceptAt`', firstWave, 'Say which score ends the run.');
  const other = source ? 'source' : expectedTokens === undefined ? undefined : 'expectedTokens';
  if (other) throw new InvalidOptionError('firstWave', `left out together with \`${other}\``, firstWave, 'It says itself how many branches begin.');
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

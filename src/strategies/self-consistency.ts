/**
 * Self-consistency (Wang et al. 2022, arXiv:2203.11171): sample many solutions, take the answer most of them reach, or the one
 * whose votes weigh most.
 *
 * All branches are decoded together. The run ends as soon as pending branches cannot change the winner, which gives the
 * same answer as waiting for them, or by a rule that guesses; at the deadline unfinished branches are asked for their answer
 * at once.
 *
 * @module
 */
import * as v from 'valibot';
import type { StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { earlyDecisionSchema, exactDecision, noDecision } from '../maths/early-decision.ts';
import { readOptions, type OptionsOf } from '../option-schemas.ts';
import type { ScoringCoverage } from './branch-scores.ts';
import { launchAtOnce, launchScheduleSchema } from './launch-schedule.ts';
import { sameAnswerEntries } from './solution-policy.ts';
import { conductSolutions, isSingleBranch, solutionSource, sourceEntries, type SolutionSource } from './solutions.ts';
import { SolutionVote, type SolutionVotePolicy, type WeighedVotes } from './solution-vote.ts';
import { longestReport } from './strategy-run.ts';
import { voteWeightsSchema } from './vote-weights.ts';

export const selfConsistencyEntries = {
  ...sourceEntries,
  ...sameAnswerEntries,
  /** What a vote weighs. @default one vote a branch */
  weights: v.optional(voteWeightsSchema),
  /**
   * When the run ends before every branch has voted. `exact`: once pending branches cannot change the winner; `none`: never;
   * the others guess. @default 'exact'; 'none' together with `launch`, which ends a run itself
   */
  earlyDecision: v.optional(earlyDecisionSchema),
  /** When branches are launched. @default 'at-once' */
  launch: v.optional(launchScheduleSchema),
};

export interface SelfConsistencyOptions extends OptionsOf<typeof selfConsistencyEntries> {}

export interface SelfConsistencyResult extends StrategyResult {
  /** The winner first, then by weight; ties in the order of the first voter. `confidence` is the winner's share of the weight. */
  readonly votes: readonly WeighedVotes[];
  /** What votes were weighed by: the name of the weights, `mean-logprob` where the engine could not tell them, or `votes`. */
  readonly weightedBy: string;
  /** How many votes a reward model has scored, where one weighs them. Those without a score weigh the average of the others. */
  readonly scoring?: ScoringCoverage;
  /** What calls of the reward model failed with. */
  readonly scoringErrors: readonly unknown[];
}

export class SelfConsistency implements Strategy<SelfConsistencyResult> {
  readonly name = 'self-consistency';
  readonly #source: SolutionSource;
  readonly #policy: SolutionVotePolicy;

  /** @throws {InvalidOptionError} */
  constructor(options: SelfConsistencyOptions = {}) {
    const { launch, isSame, weights, earlyDecision, ...settings } = readOptions(selfConsistencyEntries, options);
    const other = launch && (['expectedTokens', 'source'] as const).find((option) => settings[option] !== undefined);
    if (other) throw new InvalidOptionError(other, 'left out together with `launch`', settings[other], 'Both say when branches are launched.');
    this.#source = solutionSource(options, settings);
    this.#policy = { isSame, weights, earlyDecision: earlyDecision ?? (launch ? noDecision() : exactDecision()), launch: launch ?? launchAtOnce() };
  }

  get isSingleBranch(): boolean {
    return isSingleBranch(this.#source);
  }

  run(request: StrategyRequest): Promise<SelfConsistencyResult> {
    const { weights } = this.#policy;
    const isScored = weights !== undefined && 'scoring' in weights;
    const options = isScored ? { scorer: weights.scoring.scorer } : { session: weights?.session ?? {} };
    return conductSolutions(this.name, request, this.#source, options, async (solutions) => {
      const outcome = await new SolutionVote(solutions, request.prompt, this.#policy).run();
      const { votes, weightedBy, scoring, scoringErrors } = outcome;
      const reports = solutions.reports();
      const [winner] = votes;
      const result = solutions.conclude({
        chosen: winner ? reports.find(({ branch }) => branch === winner.voters[0]) : longestReport(reports),
        answer: winner?.answer,
        confidence: outcome.confidence,
        stopReason: solutions.stopReason(outcome.isDecided),
        scoring: scoring && { coverage: scoring, errors: scoringErrors, otherwise: 'the number of votes' },
      });
      return { ...result, votes, weightedBy, scoringErrors, ...(scoring && { scoring }) };
    });
  }
}

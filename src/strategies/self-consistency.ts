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
import { isSameMeaning } from '../answers/same-meaning.ts';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import type { EarlyDecision, LaunchSchedule } from '../contracts/vote.ts';
import { InvalidOptionError } from '../errors.ts';
import { resolveEarlyDecision, type EarlyDecisionName } from '../maths/early-decision.ts';
import { requireKnownOptions, type OptionNames } from '../options.ts';
import type { ScoringCoverage } from './branch-scores.ts';
import { launchAtOnce, resolveLaunchSchedule, type LaunchScheduleName } from './launch-schedule.ts';
import { conductSolutions, isSingleBranch, resolveSolutionSource, SOURCE_NAMES, type SolutionSource, type SolutionSourceOptions } from './solutions.ts';
import { SolutionVote, type SolutionVotePolicy, type WeighedVotes } from './solution-vote.ts';
import { longestReport } from './strategy-run.ts';
import type { VoteWeights } from './vote-weights.ts';

export interface SelfConsistencyOptions extends SolutionSourceOptions {
  /** Whether two answers count as one. @default by meaning, as `equivalent` says */
  readonly isSame?: AnswerEquivalence;
  /** What a vote weighs. @default one vote a branch */
  readonly weights?: VoteWeights;
  /**
   * When the run ends before every branch has voted. `exact`: once pending branches cannot change the winner; `none`: never;
   * the others guess. @default 'exact'; 'none' beside `launch`, which ends a run itself
   */
  readonly earlyDecision?: EarlyDecisionName | EarlyDecision;
  /** When branches are launched. @default 'at-once' */
  readonly launch?: LaunchScheduleName | LaunchSchedule;
}

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

const NAMES: OptionNames<SelfConsistencyOptions> = { ...SOURCE_NAMES, isSame: true, weights: true, earlyDecision: true, launch: true };

export class SelfConsistency implements Strategy<SelfConsistencyResult> {
  readonly name = 'self-consistency';
  readonly #source: SolutionSource;
  readonly #policy: SolutionVotePolicy;

  /** @throws {InvalidOptionError} */
  constructor(options: SelfConsistencyOptions = {}) {
    requireKnownOptions('options', options, NAMES);
    const { launch, isSame = isSameMeaning, weights } = options;
    const { earlyDecision = launch === undefined ? 'exact' : 'none' } = options;
    if (weights !== undefined && typeof weights?.heaviest !== 'number') throw new InvalidOptionError('weights', 'such as meanLogprobWeights()', weights);
    if (launch !== undefined && options.expectedTokens !== undefined) {
      throw new InvalidOptionError('expectedTokens', 'left out beside `launch`', options.expectedTokens, 'Both say when branches are launched.');
    }
    if (launch !== undefined && options.source) throw new InvalidOptionError('launch', 'left out beside `source`', launch);
    this.#source = resolveSolutionSource(options);
    this.#policy = {
      isSame,
      weights,
      earlyDecision: resolveEarlyDecision(earlyDecision),
      launch: launch === undefined ? launchAtOnce() : resolveLaunchSchedule(launch),
    };
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

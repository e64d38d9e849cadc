import { tallyVotes, type AnswerVotes } from '../answers/vote.ts';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { BranchReport } from '../contracts/result.ts';
import type { AnswerTally, EarlyDecision, LaunchSchedule, LaunchStep, VoteState } from '../contracts/vote.ts';
import { BranchScores, type ScoringCoverage } from './branch-scores.ts';
import type { Solutions } from './solutions.ts';
import { meanLogprobWeights, type ConfidenceWeights, type VoteWeights } from './vote-weights.ts';
import { bordaWeights, finalWeight, ONE_VOTE, rewardWeight, weighVotes, type VoteWeight } from './weigh-votes.ts';

export interface SolutionVotePolicy {
  readonly isSame: AnswerEquivalence;
  /** `undefined` for one vote a branch. */
  readonly weights: VoteWeights | undefined;
  readonly earlyDecision: EarlyDecision;
  readonly launch: LaunchSchedule;
}

/** Votes for one answer, and what they weigh together. */
export interface WeighedVotes extends AnswerVotes {
  readonly weight: number;
}

export interface VoteOutcome {
  /** The winner first, the others from the heaviest. */
  readonly votes: readonly WeighedVotes[];
  /** What the votes were weighed by in the end. */
  readonly weightedBy: string;
  /** The winner's share of the weight. */
  readonly confidence: number;
  /** Whether the run ended before all branches had voted. */
  readonly isDecided: boolean;
  /** How many votes were scored, where they were to be. */
  readonly scoring: ScoringCoverage | undefined;
  readonly scores: ReadonlyMap<number, number>;
  readonly scoringErrors: readonly unknown[];
}

/** A vote of solutions as they come in: weights, scores, the early decision and further launches. */
export class SolutionVote {
  readonly #solutions: Solutions;
  readonly #policy: SolutionVotePolicy;
  readonly #scores: BranchScores | undefined;
  #leader = '';
  #winner: string | undefined;
  #isDecided = false;

  constructor(solutions: Solutions, prompt: Prompt, policy: SolutionVotePolicy) {
    this.#solutions = solutions;
    this.#policy = policy;
    const { weights } = policy;
    if (weights && 'scoring' in weights) this.#scores = new BranchScores(solutions.scope, prompt, weights.scoring);
  }

  /** Decodes and counts until the vote is decided or nothing more can come. Rejects only with the run's abort reason. */
  async run(): Promise<VoteOutcome> {
    const scores = this.#scores;
    try {
      if (scores) scores.onScore = () => void this.#decide();
      await this.#solutions.decode((report) => this.#count(report));
      if (!this.#isDecided) await scores?.settle();
    } finally {
      scores?.close();
    }
    return this.#outcome();
  }

  /** @returns how many branches to launch. */
  #count(report: BranchReport | undefined): number {
    if (report && report.answer !== undefined) this.#scores?.add(report);
    const state = this.#decide();
    if (!state) return 0;
    const step: LaunchStep = this.#policy.launch.next(state);
    if ('launch' in step) return step.launch;
    this.#end(step.settled);
    return 0;
  }

  /** Ends the vote where the rule says so. @returns the state of a vote that goes on. */
  #decide(): VoteState | undefined {
    if (this.#isDecided) return undefined;
    const state = this.#state();
    this.#tellLeader(state.tallies[0]);
    if (!this.#policy.earlyDecision.decide(state)) return state;
    this.#end(state.tallies[0]?.answer);
    return undefined;
  }

  #end(winner: string | undefined): void {
    this.#isDecided = true;
    this.#winner = winner;
    this.#solutions.stop();
  }

  #tellLeader(first: AnswerTally | undefined): void {
    const leader = first ? `${first.voters.length} ${first.answer}` : '';
    if (!first || leader === this.#leader) return;
    this.#leader = leader;
    this.#solutions.scope.emit('vote-change', { answer: first.answer, votes: first.voters.length, of: this.#solutions.branches });
  }

  #state(): VoteState {
    const { launched, branches } = this.#solutions;
    const { tallies, heaviest } = this.#weigh();
    return { tallies, launched, branches, pending: this.#solutions.pending(), heaviest };
  }

  #outcome(): VoteOutcome {
    const { tallies, weightedBy } = this.#weigh();
    const settled = tallies.filter(({ answer }) => answer === this.#winner);
    const votes = [...settled, ...tallies.filter((tally) => !settled.includes(tally))];
    const share = (of: (tally: AnswerTally) => number): number => of(votes[0]!) / votes.reduce((sum, tally) => sum + of(tally), 0);
    const byWeight = votes.some(({ weight }) => weight > 0);
    return {
      votes: votes.map(({ answer, voters, weight }) => ({ answer, votes: voters.length, voters, weight })),
      weightedBy,
      confidence: votes.length === 0 ? 0 : share(({ voters, weight }) => (byWeight ? weight : voters.length)),
      isDecided: this.#isDecided,
      scoring: this.#scores?.coverage(),
      scores: this.#scores?.entries() ?? new Map<number, number>(),
      scoringErrors: this.#scores?.errors ?? [],
    };
  }

  #weigh(): { readonly tallies: AnswerTally[]; readonly heaviest: number; readonly weightedBy: string } {
    const reports = this.#solutions.reports().filter(({ answer }) => answer !== undefined);
    const groups = tallyVotes(new Map(reports.map(({ branch, answer }) => [branch, answer])), this.#policy.isSame);
    const { weights } = this.#policy;
    if (weights && 'scoring' in weights) {
      const scored = new Map([...this.#scores!.entries()].map(([branch, score]) => [branch, weights.weigh(score)]));
      const weightOf = (voter: number): VoteWeight => rewardWeight(scored, voter, this.#scores!.isPending(voter), weights.heaviest);
      return { tallies: weighVotes(groups, weightOf), heaviest: weights.heaviest, weightedBy: weights.name };
    }
    for (const measure of weights ? [weights, meanLogprobWeights()] : []) {
      const weightOf = this.#measured(measure, reports);
      if (weightOf) return { tallies: weighVotes(groups, weightOf), heaviest: this.#heaviest(measure), weightedBy: measure.name };
    }
    return { tallies: weighVotes(groups, () => ONE_VOTE), heaviest: 1, weightedBy: 'votes' };
  }

  /** Weights by a measure; `undefined` when the engine tells it of no branch. One it does not tell of weighs nothing. */
  #measured(weights: ConfidenceWeights, reports: readonly BranchReport[]): ((voter: number) => VoteWeight) | undefined {
    const measures = new Map(
      reports.flatMap((report) => {
        const measure = weights.measure(report, this.#solutions.segmentsOf(report.branch));
        return measure === undefined ? [] : [[report.branch, measure] as const];
      }),
    );
    if (measures.size === 0) return undefined;
    const { bordaPower } = weights;
    const borda = bordaPower === undefined ? undefined : bordaWeights(measures, bordaPower, this.#open());
    return (voter) => borda?.get(voter) ?? finalWeight(measures.get(voter) ?? 0);
  }

  #heaviest({ heaviest, bordaPower }: ConfidenceWeights): number {
    return bordaPower === undefined ? heaviest : this.#solutions.branches ** bordaPower;
  }

  /** Votes that may yet be cast. */
  #open(): number {
    const { launched, branches } = this.#solutions;
    return this.#solutions.pending().length + branches - launched;
  }
}

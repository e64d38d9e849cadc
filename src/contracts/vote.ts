/** The votes for one answer. */
export interface AnswerTally {
  /** The answer as its first voter wrote it. */
  readonly answer: string;
  /** Branches that voted for it, ascending. */
  readonly voters: readonly number[];
  /** What the votes weigh together as things stand; without weights their number. */
  readonly weight: number;
  /** Least and most the votes cast can come to weigh, where weights may still change: a score is missing, ranks shift. */
  readonly least: number;
  readonly most: number;
}

/** A vote under way. Branches are numbered from 0 in the order of their launch. */
export interface VoteState {
  /** Heaviest first; of equals the one whose first voter has the lower number. */
  readonly tallies: readonly AnswerTally[];
  readonly launched: number;
  /** Branches that may be launched in all. */
  readonly branches: number;
  /** Launched branches that are not done, ascending. */
  readonly pending: readonly number[];
  /** Most that one vote can weigh; `Infinity` where there is no bound. */
  readonly heaviest: number;
}

/** Says when a vote may end before every branch has voted. Holds no state. */
export interface EarlyDecision {
  readonly name: string;
  /** Whether the leading answer is taken as the outcome. */
  decide(state: VoteState): boolean;
}

/** What a schedule does next: launches branches, 0 to wait, or ends the vote with an answer. */
export type LaunchStep = { readonly launch: number } | { readonly settled: string };

/** Says when how many branches are launched. Holds no state. */
export interface LaunchSchedule {
  readonly name: string;
  /** Asked at the start and after every vote. A wait with nothing pending ends the vote with the leading answer. */
  next(state: VoteState): LaunchStep;
}

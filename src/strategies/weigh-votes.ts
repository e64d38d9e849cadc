import type { AnswerVotes } from '../answers/vote.ts';
import type { AnswerTally } from '../contracts/vote.ts';

/** What one vote weighs, and how far that may still change. */
export interface VoteWeight {
  readonly weight: number;
  readonly least: number;
  readonly most: number;
}

export const ONE_VOTE: VoteWeight = { weight: 1, least: 1, most: 1 };

/** A weight that is final. */
export function finalWeight(weight: number): VoteWeight {
  return { weight, least: weight, most: weight };
}

/** Adds weights up by answer; heaviest first, and among equals the one whose first voter has the lower number. */
export function weighVotes(groups: readonly AnswerVotes[], weightOf: (voter: number) => VoteWeight): AnswerTally[] {
  const tallies = groups.map(({ answer, voters }) => {
    const weights = voters.map(weightOf);
    const sum = (field: keyof VoteWeight): number => weights.reduce((total, weight) => total + weight[field], 0);
    return { answer, voters, weight: sum('weight'), least: sum('least'), most: sum('most') };
  });
  return tallies.sort((left, right) => right.weight - left.weight || left.voters[0]! - right.voters[0]!);
}

/**
 * Borda counts (votes − rank + 1)^power: rank 1 has the largest measure, of equals the lower voter number. With each further
 * vote a count stays or moves up one place, never down.
 *
 * @param measures - By voter. @param open - Votes that may yet be cast.
 */
export function bordaWeights(measures: ReadonlyMap<number, number>, power: number, open: number): Map<number, VoteWeight> {
  const ranked = [...measures].sort(([left, leftMeasure], [right, rightMeasure]) => rightMeasure - leftMeasure || left - right);
  return new Map(
    ranked.map(([voter], index) => {
      const place = ranked.length - index;
      return [voter, { weight: place ** power, least: place ** power, most: (place + open) ** power }];
    }),
  );
}

/**
 * Weights by scores. A vote whose score is missing weighs what the scored ones weigh on average, one vote where none is; while
 * its score may still come, anything up to `heaviest`.
 *
 * @param scores - Weights of the scored voters.
 */
export function rewardWeight(scores: ReadonlyMap<number, number>, voter: number, isPending: boolean, heaviest: number): VoteWeight {
  const own = scores.get(voter);
  if (own !== undefined) return finalWeight(own);
  const average = scores.size === 0 ? 1 : [...scores.values()].reduce((sum, weight) => sum + weight, 0) / scores.size;
  return isPending ? { weight: average, least: 0, most: heaviest } : finalWeight(average);
}

/**
 * Plurality votes over answers (self-consistency, Wang et al. 2022, arXiv:2203.11171) and their exact early decision.
 *
 * @module
 */
import type { AnswerEquivalence } from '../contracts/answer.ts';

/** Votes for one answer. */
export interface AnswerVotes {
  /** The answer as the first voter wrote it. */
  readonly answer: string;
  readonly votes: number;
  /** Who voted for it, ascending. */
  readonly voters: readonly number[];
}

/**
 * Counts votes; most votes first, and among equals the one with the lowest voter number first, so that ties do not
 * depend on who finished when.
 *
 * @param answers - By voter; `undefined` abstains.
 */
export function countVotes(answers: ReadonlyMap<number, string | undefined>, isSame: AnswerEquivalence = Object.is): AnswerVotes[] {
  const groups: { answer: string; voters: number[] }[] = [];
  for (const voter of [...answers.keys()].sort((left, right) => left - right)) {
    const answer = answers.get(voter);
    if (answer === undefined) continue;
    const group = groups.find((candidate) => isSame(candidate.answer, answer));
    if (group) group.voters.push(voter);
    else groups.push({ answer, voters: [voter] });
  }
  return groups
    .map(({ answer, voters }) => ({ answer, voters, votes: voters.length }))
    .sort((left, right) => right.votes - left.votes || left.voters[0]! - right.voters[0]!);
}

/**
 * Whether no outcome of the pending votes can change the winner: the leader's margin over every rival, an unseen
 * answer included, exceeds what is pending, or equals it and the tie goes to the leader.
 *
 * @param ranked - From `countVotes`.
 * @param pending - Numbers of the voters that have not voted.
 */
export function isDecided(ranked: readonly AnswerVotes[], pending: readonly number[]): boolean {
  const [leader, ...rivals] = ranked;
  if (!leader) return pending.length === 0;
  const firstPending = Math.min(...pending, Infinity);
  return [...rivals, { votes: 0, voters: [Infinity] }].every((rival) => {
    const margin = leader.votes - rival.votes;
    const tieWinner = Math.min(rival.voters[0]!, firstPending);
    return margin > pending.length || (margin === pending.length && leader.voters[0]! < tieWinner);
  });
}

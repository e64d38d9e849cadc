/**
 * Plurality votes over answers (self-consistency, Wang et al. 2022, arXiv:2203.11171) and their exact early decision.
 *
 * @module
 */
import type { AnswerEquivalence } from '../contracts/answer.ts';
import { equivalent } from './equivalent.ts';
import { groupAnswers } from './group-answers.ts';

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
 * depend on who finished when. Votes for answers that are the same count together, as `groupAnswers` divides them.
 *
 * @param answers - By voter; `undefined` abstains.
 * @param isSame - @default equivalent
 */
export function countVotes(answers: ReadonlyMap<number, string | undefined>, isSame: AnswerEquivalence = equivalent): AnswerVotes[] {
  return tallyVotes(answers, isSame);
}

/** As `countVotes`, without a comparison of its own. */
export function tallyVotes(answers: ReadonlyMap<number, string | undefined>, isSame: AnswerEquivalence): AnswerVotes[] {
  const voters = [...answers.keys()].filter((voter) => answers.get(voter) !== undefined).sort((left, right) => left - right);
  const groups = groupAnswers(
    voters.map((voter) => answers.get(voter)!),
    isSame,
  );
  return (
    groups
      .map((indices) => indices.map((index) => voters[index]!))
      .map((group) => ({ answer: answers.get(group[0]!)!, voters: group, votes: group.length }))
      // Groups come in the order of their first voters, which sorting keeps among equals.
      .sort((left, right) => right.votes - left.votes)
  );
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

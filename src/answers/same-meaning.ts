/**
 * Voting by meaning. Comparing answers takes as much code as all the rest of a vote, so a bundle has it in a file of its own,
 * which a run loads beside reading its prompt.
 *
 * @module
 */
import type { AnswerEquivalence } from '../contracts/answer.ts';

let equivalent: AnswerEquivalence | undefined;

/** Needed once, before `isSameMeaning` is asked. */
export async function meaningLoaded(): Promise<void> {
  if (!equivalent) ({ equivalent } = await import('./equivalent.ts'));
}

/** Whether two answers mean the same, as `equivalent` says. */
export const isSameMeaning: AnswerEquivalence = (left, right) => left === right || equivalent!(left, right);

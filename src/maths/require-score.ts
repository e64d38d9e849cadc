import { ModelError } from '../errors.ts';

/** What a scorer gave for a text: a number, or one for each step. */
export type GivenScore = number | readonly number[];

/** @throws {ModelError} for anything but a score: it would win every comparison, or lose it. */
function requireScore(scorer: string, score: unknown): GivenScore | undefined {
  if (score === undefined || Number.isFinite(score)) return score as number | undefined;
  if (Array.isArray(score) && score.every((step) => Number.isFinite(step))) return score as readonly number[];
  throw new ModelError(`The scorer ${scorer} gave ${describeScore(score)} for a text. A score is a finite number, or a list of them for a scorer of steps.`);
}

/**
 * The valid scores among what a scorer gave for some texts; `undefined` in place of the others.
 *
 * @param onError - Called with an error for each invalid score.
 * @throws {ModelError} where there is not one for each text.
 */
export function requireScores(scorer: string, scores: unknown, count: number, onError: (error: unknown) => void): (GivenScore | undefined)[] {
  if (!Array.isArray(scores)) throw new ModelError(`The scorer ${scorer} gave ${describeScore(scores)} in place of a list of ${count} scores.`);
  if (scores.length !== count) throw new ModelError(`The scorer ${scorer} gave ${scores.length} scores for ${count} texts.`);
  return scores.map((score: unknown) => {
    try {
      return requireScore(scorer, score);
    } catch (error) {
      onError(error);
      return undefined;
    }
  });
}

/** A value as a message names it. */
export function describeScore(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `a list with ${describeScore(value.find((step) => !Number.isFinite(step)))} in it`;
  return value === null || value === undefined ? String(value) : `a value of type ${typeof value}`;
}

import type { PassShape, ProfiledPart } from '../../contracts/profile.ts';
import { InvalidOptionError } from '../../errors.ts';
import { requireNumber } from '../../options.ts';

/** @throws {InvalidOptionError} Counts may be means, hence not whole. */
export function requireShape({ rows, newTokens, contextTokens }: PassShape): void {
  requireNumber('shape.rows', rows, 1);
  requireNumber('shape.newTokens', newTokens, 1);
  requireNumber('shape.contextTokens', contextTokens, 0);
}

/** @throws {InvalidOptionError} for a part that `parts` lacks. */
export function requirePart(part: ProfiledPart, parts: readonly ProfiledPart[]): void {
  if (!parts.includes(part)) throw new InvalidOptionError('part', `one of ${parts.join(', ')}`, part, 'The profile has no such part.');
}

/** @throws {InvalidOptionError} */
export function requireProbability(probability: number): void {
  if (!(probability > 0 && probability < 1)) throw new InvalidOptionError('probability', 'a number above 0 and below 1', probability);
}

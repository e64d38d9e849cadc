import { hashText } from './hash-text.ts';
import { randomAt } from './random.ts';

/**
 * The seed of one of many things that are named. Of things with the very same seed the n-th branches draw the same numbers, so
 * that what is luck for one is luck for all, and no average over them takes it out.
 *
 * @returns an unsigned 32-bit integer.
 */
export function seedFor(seed: number, name: string): number {
  return Math.floor(randomAt(seed, hashText(name), 0) * 2 ** 32);
}

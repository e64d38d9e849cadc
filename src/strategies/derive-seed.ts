import { philox4x32 } from '../maths/random.ts';

/**
 * A seed that follows from another one, independent of it and of those with other coordinates.
 *
 * @param index - Unsigned 32-bit integer: which of several.
 * @param purpose - Unsigned 32-bit integer: what it is for.
 */
export function deriveSeed(seed: number, index: number, purpose: number): number {
  const words = Uint32Array.of(index, 0, purpose, 0);
  philox4x32(words, seed >>> 0, Math.floor(seed / 0x100000000) >>> 0);
  return words[0]! + (words[1]! >>> 11) * 0x100000000;
}

/**
 * Counter-based random numbers: every draw is a pure function of where it is used.
 *
 * The generator is Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
 * A branch at a position therefore draws the same number however the batch around it was scheduled.
 *
 * @module
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(left: number, right: number): number {
  const leftLow = left & 0xffff;
  const leftHigh = left >>> 16;
  const rightLow = right & 0xffff;
  const rightHigh = right >>> 16;
  const middle = leftHigh * rightLow + ((leftLow * rightLow) >>> 16);
  const cross = leftLow * rightHigh + (middle % 0x10000);
  return leftHigh * rightHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000);
}

/**
 * Runs Philox4x32-10 on one counter block, in place.
 *
 * @param block - Four unsigned 32-bit words: the counter on entry, the random words on return.
 * @param key0 - First key word.
 * @param key1 - Second key word.
 */
export function philox4x32(block: Uint32Array, key0: number, key1: number): void {
  let word0 = block[0]!;
  let word1 = block[1]!;
  let word2 = block[2]!;
  let word3 = block[3]!;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, word0);
    const low0 = Math.imul(MULTIPLIER_0, word0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, word2);
    const low1 = Math.imul(MULTIPLIER_1, word2) >>> 0;
    word0 = (high1 ^ word1 ^ key0) >>> 0;
    word1 = low1;
    word2 = (high0 ^ word3 ^ key1) >>> 0;
    word3 = low0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  block[0] = word0;
  block[1] = word1;
  block[2] = word2;
  block[3] = word3;
}

const scratch = new Uint32Array(4);

/**
 * A uniform number in [0, 1) with 53 random bits, fixed by its four coordinates.
 *
 * @param seed - Safe integer; both of its 32-bit halves enter the key.
 * @param stream - Unsigned 32-bit integer: which independent sequence, e.g. the branch.
 * @param position - Unsigned 32-bit integer: which draw of the sequence, e.g. the token position.
 * @param purpose - Unsigned 32-bit integer: separates draws made at the same position. @default 0
 */
export function randomAt(seed: number, stream: number, position: number, purpose = 0): number {
  scratch[0] = position;
  scratch[1] = stream;
  scratch[2] = purpose;
  scratch[3] = 0;
  philox4x32(scratch, seed >>> 0, Math.floor(seed / 0x100000000) >>> 0);
  return ((scratch[0]! >>> 5) * 0x4000000 + (scratch[1]! >>> 6)) / 0x20000000000000;
}

/** A source of uniform numbers in [0, 1). */
export type RandomSource = () => number;

/** The sequence `randomAt(seed, stream, 0 | 1 | 2 | …, purpose)` as a function without arguments. */
export function randomSequence(seed: number, stream = 0, purpose = 0): RandomSource {
  let position = 0;
  return () => randomAt(seed, stream, position++, purpose);
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { philox4x32, randomAt, randomSequence } from '../../src/maths/random.ts';

const word = fc.integer({ min: 0, max: 0xffffffff });

function philox(counter: readonly number[], key: readonly [number, number]): string {
  const block = Uint32Array.from(counter);
  philox4x32(block, ...key);
  return [...block].map((value) => value.toString(16).padStart(8, '0')).join(' ');
}

/** The definition in Salmon et al. 2011, in whole-number arithmetic without tricks. */
function philoxByDefinition(counter: readonly number[], key: readonly [number, number]): string {
  const mask = 0xffffffffn;
  let [word0, word1, word2, word3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [key0, key1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const product0 = 0xd2511f53n * word0;
    const product1 = 0xcd9e8d57n * word2;
    [word0, word1, word2, word3] = [(product1 >> 32n) ^ word1 ^ key0, product1 & mask, (product0 >> 32n) ^ word3 ^ key1, product0 & mask];
    key0 = (key0 + 0x9e3779b9n) & mask;
    key1 = (key1 + 0xbb67ae85n) & mask;
  }
  return [word0, word1, word2, word3].map((value) => value.toString(16).padStart(8, '0')).join(' ');
}

/** Sum over bins of squared deviation from the expected count, in units of that count. */
function chiSquare(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe('philox4x32', () => {
  // Random123, known-answer vectors `philox4x32 10`.
  test.each([
    { counter: [0, 0, 0, 0], key: [0, 0] as const, words: '6627e8d5 e169c58d bc57ac4c 9b00dbd8' },
    { counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], key: [0xffffffff, 0xffffffff] as const, words: '408f276d 41c83b0e a20bc7c6 6d5451fd' },
    { counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], key: [0xa4093822, 0x299f31d0] as const, words: 'd16cfe09 94fdcceb 5001e420 24126ea1' },
  ])('gives the published words for counter $counter', ({ counter, key, words }) => {
    expect(philox(counter, key)).toBe(words);
  });

  test('equals the definition in exact arithmetic for any counter and key', () => {
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        expect(philox(counter, key)).toBe(philoxByDefinition(counter, key));
      }),
    );
  });
});

describe('randomAt', () => {
  test('is in [0, 1)', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), word, word, word, (seed, stream, position, purpose) => {
        const value = randomAt(seed, stream, position, purpose);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThan(1);
      }),
    );
  });

  test('takes 27 and 26 bits of the first two words', () => {
    // The words of counter 0 and key 0 are published, see above.
    expect(randomAt(0, 0, 0)).toBe(((0x6627e8d5 >>> 5) * 2 ** 26 + (0xe169c58d >>> 6)) / 2 ** 53);
  });

  test('is a pure function of its coordinates, whatever was drawn in between', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), word, word, word, (seed, stream, position, purpose) => {
        const before = randomAt(seed, stream, position, purpose);
        randomAt(seed + 1, stream, position + 1);
        expect(randomAt(seed, stream, position, purpose)).toBe(before);
      }),
    );
  });

  test('changes with every coordinate, the upper half of the seed included', () => {
    const draws = [
      randomAt(7, 1, 2, 3),
      randomAt(8, 1, 2, 3),
      randomAt(7 + 2 ** 32, 1, 2, 3),
      randomAt(7, 2, 2, 3),
      randomAt(7, 1, 3, 3),
      randomAt(7, 1, 2, 4),
    ];
    expect(new Set(draws).size).toBe(draws.length);
  });

  test('fills 256 bins evenly', () => {
    const counts = new Array<number>(256).fill(0);
    for (let position = 0; position < 256 * 200; position++) counts[Math.floor(randomAt(20_241, 0, position) * 256)]!++;
    // 255 degrees of freedom: a uniform source stays in [170, 360] with probability above 0.9999.
    expect(chiSquare(counts, 200)).toBeGreaterThan(170);
    expect(chiSquare(counts, 200)).toBeLessThan(360);
  });

  test.each([
    { pair: 'neighbouring streams', other: (position: number) => randomAt(5, 1, position) },
    { pair: 'neighbouring positions', other: (position: number) => randomAt(5, 0, position + 1) },
    { pair: 'neighbouring purposes', other: (position: number) => randomAt(5, 0, position, 1) },
    { pair: 'neighbouring seeds', other: (position: number) => randomAt(6, 0, position) },
  ])('draws $pair independently: pairs fill a 16 × 16 grid evenly', ({ other }) => {
    const counts = new Array<number>(256).fill(0);
    for (let position = 0; position < 256 * 200; position++) {
      counts[Math.floor(randomAt(5, 0, position) * 16) * 16 + Math.floor(other(position) * 16)]!++;
    }
    expect(chiSquare(counts, 200)).toBeLessThan(360);
  });
});

describe('randomSequence', () => {
  test('is randomAt at positions 0, 1, 2, …', () => {
    const draw = randomSequence(11, 4, 9);
    expect([draw(), draw(), draw()]).toEqual([randomAt(11, 4, 0, 9), randomAt(11, 4, 1, 9), randomAt(11, 4, 2, 9)]);
  });

  test('two sequences do not disturb each other', () => {
    const [left, right] = [randomSequence(1), randomSequence(1)];
    const alone = [left(), left()];
    expect([right(), right()]).toEqual(alone);
  });
});

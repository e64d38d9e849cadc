import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { randomSequence } from '../../src/maths/random.ts';
import { effectiveSampleSize, multinomialCounts, particleWeights, systematicCounts } from '../../src/maths/resampling.ts';

const someWeights = fc
  .array(fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1, noNaN: true })), { minLength: 1, maxLength: 20 })
  .filter((weights) => weights.some((weight) => weight > 0));
const offset = fc.double({ min: 0, max: 0.999, noNaN: true });
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('particleWeights', () => {
  test('are the softmax of the logits', () => {
    const weights = particleWeights([0.9, 0.8, 0.5, 0.2]);
    for (const [index, weight] of [0.6316, 0.2807, 0.0702, 0.0175].entries()) expect(weights[index]).toBeCloseTo(weight, 4);
    expect(effectiveSampleSize(weights)).toBeCloseTo(2.071, 3);
  });

  test('sum to 1 and are finite, whatever the scores', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0.01, max: 50, noNaN: true }),
        (scores, temperature) => {
          const weights = particleWeights(scores, temperature);
          expect(weights.every((weight) => weight >= 0 && weight <= 1)).toBe(true);
          expect(sum(weights)).toBeCloseTo(1, 9);
        },
      ),
      { seed: 3 },
    );
    expect(particleWeights([1, 1, 0])[0]).toBeCloseTo(0.5, 6);
  });

  test('a higher temperature makes them more equal', () => {
    const sizes = [0.5, 1, 2, 10].map((temperature) => effectiveSampleSize(particleWeights([0.9, 0.6, 0.3], temperature)));
    expect(sizes).toEqual([...sizes].sort((left, right) => left - right));
    expect(() => particleWeights([0.5], 0)).toThrow(InvalidOptionError);
  });
});

describe('effectiveSampleSize', () => {
  test('counts equal weights, and one where one has all', () => {
    expect(effectiveSampleSize([0.2, 0.2, 0.2])).toBeCloseTo(3, 12);
    expect(effectiveSampleSize([0, 5, 0])).toBe(1);
    expect(effectiveSampleSize([0, 0])).toBe(0);
  });
});

describe('systematicCounts', () => {
  test('every particle is drawn within one of its share, and none without weight', () => {
    fc.assert(
      fc.property(someWeights, fc.nat(100), offset, (weights, count, start) => {
        const counts = systematicCounts(weights, count, start);
        expect(sum(counts)).toBe(count);
        for (const [index, weight] of weights.entries()) {
          expect(Math.abs(counts[index]! - (count * weight) / sum(weights))).toBeLessThan(1 + 1e-9);
          if (weight === 0) expect(counts[index]).toBe(0);
        }
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  test('points lie at the offset and every further step', () => {
    expect(systematicCounts([0.5, 0.25, 0.25], 4, 0.5)).toEqual([2, 1, 1]);
    expect(systematicCounts([0.3, 0.3, 0.4], 2, 0)).toEqual([1, 1, 0]);
    expect(systematicCounts([0.3, 0.3, 0.4], 2, 0.7)).toEqual([0, 1, 1]);
  });

  test('over all offsets the mean count is the share', () => {
    const weights = [0.1, 0.45, 0.05, 0.4];
    const means = weights.map(() => 0);
    for (let step = 0; step < 1000; step++) systematicCounts(weights, 7, (step + 0.5) / 1000).forEach((count, index) => (means[index]! += count / 1000));
    for (const [index, weight] of weights.entries()) expect(means[index]).toBeCloseTo(7 * weight, 2);
  });
});

describe('multinomialCounts', () => {
  test('sum to the count and give nothing to what has no weight', () => {
    fc.assert(
      fc.property(someWeights, fc.nat(50), fc.nat(), (weights, count, seed) => {
        const counts = multinomialCounts(weights, count, randomSequence(seed));
        expect(sum(counts)).toBe(count);
        for (const [index, weight] of weights.entries()) if (weight === 0) expect(counts[index]).toBe(0);
      }),
      { seed: 5 },
    );
  });

  test('every point draws the particle it falls on', () => {
    const points = [0, 0.24, 0.25, 0.74, 0.75, 0.999_999];
    expect(multinomialCounts([1, 2, 1], points.length, () => points.shift()!)).toEqual([2, 2, 2]);
  });
});

test('weights that are negative, not numbers or all zero are refused', () => {
  for (const weights of [[-1, 2], [Number.NaN], [0, 0], []]) {
    expect(() => systematicCounts(weights, 2, 0)).toThrow(InvalidOptionError);
    expect(() => multinomialCounts(weights, 2, () => 0)).toThrow(InvalidOptionError);
  }
  for (const start of [-0.1, 1]) expect(() => systematicCounts([1], 2, start)).toThrow(InvalidOptionError);
});

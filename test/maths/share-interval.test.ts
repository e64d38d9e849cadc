import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareInterval } from '../../src/maths/share-interval.ts';

const bernoulliError = (share: number, count: number): number => Math.sqrt((share * (1 - share)) / count);

test('is that of Wilson', () => {
  // 8 of 10: Brown, Cai and DasGupta 2001 give 0.490 to 0.943.
  const [low, high] = shareInterval(0.8, bernoulliError(0.8, 10), 10);
  expect([low, high].map((bound) => bound.toFixed(3))).toEqual(['0.490', '0.943']);
});

test('30 of 30 are not certainty, nor none of 30 impossibility', () => {
  const [low, high] = shareInterval(1, 0, 30);
  expect(low).toBeCloseTo(0.886, 2);
  expect(high).toBe(1);
  expect(shareInterval(0, 0, 30)).toEqual([0, expect.closeTo(1 - low, 10)]);
});

test('a share that was computed is as it is', () => {
  for (const share of [0, 0.3, 1]) expect(shareInterval(share, 0, 0)).toEqual([share, share]);
});

test('holds the share, within 0 and 1, and is the narrower the smaller the error', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0.001, max: 0.3, noNaN: true }),
      fc.integer({ min: 1, max: 1000 }),
      (share, error, count) => {
        const [low, high] = shareInterval(share, error, count);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(share);
        expect(high).toBeGreaterThanOrEqual(share);
        expect(high).toBeLessThanOrEqual(1);
        const [closerLow, closerHigh] = shareInterval(share, error / 2, count);
        expect(closerHigh - closerLow).toBeLessThanOrEqual(high - low + 1e-12);
      },
    ),
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { rebaseWidths } from '../../src/maths/rebase-weights.ts';

const someScores = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 20 });

describe('rebaseWidths', () => {
  test.each([
    [[0.9, 0.7, 0.5, 0.1], 16, [11, 4, 1, 0]],
    [[0.9, 0.7, 0.5, 0.1], 4, [3, 1, 0, 0]],
    [[0.5, 0.5, 0.5, 0.5], 16, [4, 4, 4, 4]],
    [[0.99, 0.2, 0.2, 0.2], 16, [16, 0, 0, 0]],
    [[0.1, 0.5, 0.9, 0.7], 16, [0, 1, 11, 4]],
    [[0.3, 0.3, 0.3], 12, [4, 4, 4]],
    [[1e-300, 0], 5, [3, 2]],
    [[0.4], 7, [7]],
    [[0.4, 0.2], 0, [0, 0]],
    [[], 5, []],
  ])('%j share %i as %j', (scores, width, widths) => {
    expect(rebaseWidths(scores, width, 0.2)).toEqual(widths);
  });

  test('widths are whole, sum to the width and never give a worse node more', () => {
    fc.assert(
      fc.property(someScores, fc.nat(200), fc.double({ min: 1e-3, max: 100, noNaN: true }), (scores, width, temperature) => {
        const widths = rebaseWidths(scores, width, temperature);
        expect(widths.every((share) => Number.isInteger(share) && share >= 0)).toBe(true);
        expect(widths.reduce((sum, share) => sum + share, 0)).toBe(width);
        for (const [left, score] of scores.entries()) {
          for (const [right, other] of scores.entries()) if (score > other) expect(widths[left]).toBeGreaterThanOrEqual(widths[right]!);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('equal scores share within one, the first of them first', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(200), fc.double({ min: 0, max: 1, noNaN: true }), (count, width, score) => {
        const widths = rebaseWidths(Array<number>(count).fill(score), width);
        expect(widths[0]! - widths.at(-1)!).toBeLessThanOrEqual(1);
        expect(widths).toEqual([...widths].sort((left, right) => right - left));
      }),
      { seed: 2 },
    );
  });

  test('a width or a temperature out of range is refused', () => {
    for (const width of [-1, 1.5]) expect(() => rebaseWidths([0.5], width)).toThrow(InvalidOptionError);
    for (const temperature of [0, -1, Number.NaN]) expect(() => rebaseWidths([0.5], 1, temperature)).toThrow(InvalidOptionError);
  });
});

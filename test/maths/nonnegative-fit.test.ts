import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nonnegativeFit } from '../../src/maths/nonnegative-fit.ts';

describe('nonnegativeFit', () => {
  test('finds what made the values', () => {
    const rows = [1, 2, 4, 8].flatMap((load) => [10, 300].map((length) => [1, load, length]));
    const values = rows.map(([, load, length]) => 20 + 3 * load! + 0.5 * length!);
    const found = nonnegativeFit(rows, values);
    for (const [index, expected] of [20, 3, 0.5].entries()) expect(found[index]).toBeCloseTo(expected, 8);
  });

  test('is the line of least squares where that has no negative part', () => {
    // By hand: mean x 2, mean y 10/3, slope (1·4/3 + 1·5/3) / 2 = 1.5.
    const [intercept, slope] = nonnegativeFit([[1, 1], [1, 2], [1, 3]], [2, 3, 5]); // prettier-ignore
    expect(slope).toBeCloseTo(1.5, 10);
    expect(intercept).toBeCloseTo(1 / 3, 10);
  });

  test('does not fall, and does not begin below zero', () => {
    expect(nonnegativeFit([[1, 1], [1, 2], [1, 3]], [9, 6, 3])).toEqual([6, 0]); // prettier-ignore
    const [intercept, slope] = nonnegativeFit([[1, 1], [1, 2], [1, 3]], [0, 3, 6]); // prettier-ignore
    expect([intercept, slope]).toEqual([0, 24 / 14]);
  });

  test('leaves out what the values do not decide', () => {
    expect(nonnegativeFit([[1, 4]], [8])[0]! + nonnegativeFit([[1, 4]], [8])[1]! * 4).toBeCloseTo(8, 10);
    expect(nonnegativeFit([[1, 4], [1, 4]], [7, 9])).toEqual([8, 0]); // prettier-ignore
  });

  test('no other coefficients without a negative one are nearer', () => {
    const number = fc.double({ min: 0, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number, number), { minLength: 3, maxLength: 8 }), fc.tuple(number, number, number), (points, other) => {
        const rows = points.map(([x, y]) => [1, x, y]);
        const values = points.map(([, , value]) => value);
        const distance = (coefficients: readonly number[]): number =>
          rows.reduce((sum, row, index) => sum + (values[index]! - row.reduce((total, x, column) => total + x * coefficients[column]!, 0)) ** 2, 0);
        expect(distance(nonnegativeFit(rows, values))).toBeLessThanOrEqual(distance(other) * (1 + 1e-6) + 1e-6);
      }),
    );
  });
});

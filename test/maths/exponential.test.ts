import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expNonPositive } from '../../src/maths/exponential.ts';

test('expNonPositive is e to the power of x to within two units in the last place', () => {
  fc.assert(
    fc.property(fc.double({ min: -700, max: 0, noNaN: true }), (x) => {
      const expected = Math.exp(x);
      expect(Math.abs(expNonPositive(x) - expected)).toBeLessThanOrEqual(2 * Number.EPSILON * expected);
    }),
    { numRuns: 20_000 },
  );
});

test('expNonPositive keeps order: a likelier token never becomes less likely', () => {
  // Around every place where one table entry hands over to the next, for some of the exponents.
  for (let step = 0; step < 5000; step++) {
    const border = (-(step + 0.5) * Math.LN2) / 256;
    expect(expNonPositive(border * (1 + 1e-14))).toBeLessThanOrEqual(expNonPositive(border * (1 - 1e-14)));
  }
});

test.each([
  [0, 1],
  [-0, 1],
  [-Number.MIN_VALUE, 1],
  [-Infinity, 0],
  [-1000, 0],
  [NaN, NaN],
])('expNonPositive of %d is %d', (x, expected) => {
  expect(expNonPositive(x)).toBe(expected);
});

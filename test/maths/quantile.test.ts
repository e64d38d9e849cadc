import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { quantile } from '../../src/maths/quantile.ts';

test('quantile interpolates as NumPy does', () => {
  // numpy.percentile([3, 1, 2, 10], [0, 10, 25, 50, 90, 100])
  const shares = [0, 0.1, 0.25, 0.5, 0.9, 1];
  const expected = [1, 1.3, 1.75, 2.5, 7.9, 10];
  for (const [index, share] of shares.entries()) expect(quantile([3, 1, 2, 10], share)).toBeCloseTo(expected[index]!, 12);
});

test('quantile lies between the values, rises with the share and does not depend on the order', () => {
  const some = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 20 });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(some, share, share, (values, left, right) => {
      const value = quantile(values, Math.min(left, right));
      expect(value).toBeGreaterThanOrEqual(Math.min(...values));
      expect(value).toBeLessThanOrEqual(quantile(values, Math.max(left, right)) + 1e-9);
      expect(quantile([...values].reverse(), left)).toBe(quantile(values, left));
    }),
  );
});

test('quantile refuses no values and a share outside its range', () => {
  expect(() => quantile([], 0.5)).toThrow(InvalidOptionError);
  for (const share of [-0.1, 1.1, Number.NaN]) expect(() => quantile([1], share)).toThrow(InvalidOptionError);
});

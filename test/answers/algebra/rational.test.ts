import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GivenUp } from '../../../src/answers/algebra/effort.ts';
import { add, compare, floor, multiply, power, rational, toNumber } from '../../../src/answers/algebra/rational.ts';

const integer = fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n });
const fraction = fc
  .tuple(
    integer,
    integer.filter((value) => value !== 0n),
  )
  .map(([top, bottom]) => rational(top, bottom));

describe('rational', () => {
  test('is in lowest terms with a positive denominator', () => {
    expect(rational(6n, -4n)).toEqual({ numerator: -3n, denominator: 2n });
    expect(rational(0n, -4n)).toEqual({ numerator: 0n, denominator: 1n });
    expect(() => rational(1n, 0n)).toThrow(GivenUp);
  });

  test('adds, multiplies and compares like fractions', () => {
    fc.assert(
      fc.property(fraction, fraction, (left, right) => {
        const bottom = left.denominator * right.denominator;
        expect(add(left, right)).toEqual(rational(left.numerator * right.denominator + right.numerator * left.denominator, bottom));
        expect(multiply(left, right)).toEqual(rational(left.numerator * right.numerator, bottom));
        expect(Math.sign(compare(left, right))).toBe(Math.sign(toNumber(add(left, multiply(right, rational(-1n))))));
      }),
    );
  });

  test('has a floor at most itself and above itself less one', () => {
    fc.assert(
      fc.property(fraction, (value) => {
        const whole = rational(floor(value));
        expect(compare(whole, value)).toBeLessThanOrEqual(0);
        expect(compare(add(whole, rational(1n)), value)).toBeGreaterThan(0);
      }),
    );
  });

  test('has powers up to a length', () => {
    expect(power(rational(2n, 3n), -2n)).toEqual(rational(9n, 4n));
    expect(power(rational(-1n), 10n ** 30n + 1n)).toEqual(rational(-1n));
    expect(() => power(rational(10n), 10n ** 9n)).toThrow(GivenUp);
    expect(() => power(rational(0n), 0n)).toThrow(GivenUp);
  });

  test('is a double also where numerator and denominator are not', () => {
    expect(toNumber(rational(3n * 10n ** 400n, 10n ** 400n + 1n))).toBeCloseTo(3, 12);
    expect(toNumber(rational(1n, 10n ** 400n))).toBe(0);
    expect(toNumber(rational(7n * 10n ** 320n, 10n ** 20n * 3n)) / 2.3333333333333335e300).toBeCloseTo(1, 12);
    expect(toNumber(rational(-(10n ** 400n)))).toBe(-Infinity);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Effort, GivenUp } from '../../../src/answers/algebra/effort.ts';
import { binomial, factorial, factorise, squareRoot } from '../../../src/answers/algebra/integers.ts';

describe('factorise', () => {
  test('gives ascending factors whose product is the integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 12n }), (integer) => {
        const factors = factorise(integer, new Effort(10_000));
        expect(factors.reduce((product, { base, exponent }) => product * base ** exponent, 1n)).toBe(integer);
        expect(factors.map(({ base }) => base)).toEqual(factors.map(({ base }) => base).sort((left, right) => (left < right ? -1 : 1)));
      }),
    );
  });

  test('gives primes up to the square of its bound, and squares of larger ones', () => {
    expect(factorise(360n, new Effort(100))).toEqual([
      { base: 2n, exponent: 3n },
      { base: 3n, exponent: 2n },
      { base: 5n, exponent: 1n },
    ]);
    expect(factorise(999_983n ** 2n, new Effort(10_000))).toEqual([{ base: 999_983n, exponent: 2n }]);
    expect(factorise(1n, new Effort(1))).toEqual([]);
  });

  test('stops where the effort ends', () => {
    expect(() => factorise(999_983n, new Effort(20))).toThrow(GivenUp);
  });
});

describe('squareRoot', () => {
  test('is the largest integer whose square fits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 40n }), (integer) => {
        const root = squareRoot(integer);
        expect(root * root <= integer && (root + 1n) * (root + 1n) > integer).toBe(true);
      }),
    );
  });
});

describe('factorial and binomial', () => {
  test('agree with each other', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(70), (total, chosen) => {
        const [all, some] = [BigInt(total), BigInt(chosen)];
        const expected = some > all ? 0n : factorial(all) / (factorial(some) * factorial(all - some));
        expect(binomial(all, some)).toBe(expected);
      }),
    );
  });

  test('refuse what is too long', () => {
    expect(() => factorial(1_000_000n)).toThrow(GivenUp);
    expect(() => factorial(-1n)).toThrow(GivenUp);
    expect(() => binomial(10n ** 9n, 5n)).toThrow(GivenUp);
  });
});

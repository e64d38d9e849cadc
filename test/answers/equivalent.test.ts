import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equivalent } from '../../src/answers/equivalent.ts';
import { anyAnswer, costlyAnswers, knownAnswer } from './answer-arbitraries.ts';
import { allPairs, pairsByKind } from './answer-pairs.ts';

describe.each([...pairsByKind])('equivalent: %s', (_, pairs) => {
  test.each(pairs.filter(({ isSame }) => isSame))('$left is $right', ({ left, right }) => {
    expect(equivalent(left, right)).toBe(true);
    expect(equivalent(right, left)).toBe(true);
  });

  test.each(pairs.filter(({ isSame }) => !isSame))('$left is not $right', ({ left, right }) => {
    expect(equivalent(left, right)).toBe(false);
    expect(equivalent(right, left)).toBe(false);
  });
});

describe('equivalent', () => {
  test('has hundreds of examples of both kinds', () => {
    expect(allPairs.filter(({ isSame }) => isSame).length).toBeGreaterThan(500);
    expect(allPairs.filter(({ isSame }) => !isSame).length).toBeGreaterThan(150);
  });

  test('is reflexive, whatever the text', () => {
    fc.assert(
      fc.property(anyAnswer, (answer) => {
        expect(equivalent(answer, answer)).toBe(true);
        expect(equivalent(answer, ` ${answer}\n`)).toBe(true);
      }),
    );
  });

  test('is symmetric and never throws, whatever the texts', () => {
    fc.assert(
      fc.property(anyAnswer, anyAnswer, (left, right) => {
        expect(equivalent(left, right)).toBe(equivalent(right, left));
      }),
      { numRuns: 2_000 },
    );
  });

  test('gives the same answer each time, whatever was asked in between', () => {
    const questions = fc.array(fc.tuple(knownAnswer, knownAnswer), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(questions, (pairs) => {
        const ask = (): boolean[] => pairs.map(([left, right]) => equivalent(left, right));
        expect(ask()).toEqual(ask());
      }),
    );
  });

  test('knows that lists of more answers than it remembers are still the same', () => {
    for (let index = 0; index < 1_200; index++) expect(equivalent(`x=${index}`, `${index}.0`)).toBe(true);
    expect(equivalent('x=0', '0.0')).toBe(true);
  });

  test.each([40, 300])('comes to an end on answers built to be costly, of size %i', (size) => {
    const answers = costlyAnswers(size);
    for (const [index, answer] of answers.entries()) {
      expect(equivalent(answer, answer)).toBe(true);
      expect(typeof equivalent(answer, answers[(index + 1) % answers.length]!)).toBe('boolean');
      expect(equivalent(answer, 'no')).toBe(false);
    }
  });

  test('reads brackets down to some depth', () => {
    const nested = (depth: number): string => `${'('.repeat(depth)}1${')'.repeat(depth)}`;
    expect(equivalent(nested(20), '1')).toBe(true);
    expect(equivalent(nested(100), '1')).toBe(false);
  });

  test('compares a megabyte as text', () => {
    const long = 'x'.repeat(1_000_000);
    expect(equivalent(long, `${long}y`)).toBe(false);
    expect(equivalent(long, ` ${long} `)).toBe(true);
    expect(equivalent(long, long.toUpperCase())).toBe(true);
  });

  test('tells marks apart that it does not read', () => {
    expect(equivalent('👍', '👎')).toBe(false);
    expect(equivalent('', '\\')).toBe(false);
    expect(equivalent('★', '★★')).toBe(false);
    expect(equivalent('constructor', '__proto__')).toBe(false);
  });
});

describe('equivalent to a value worked out here', () => {
  interface Fraction {
    readonly text: string;
    readonly top: bigint;
    readonly bottom: bigint;
  }

  /** Arithmetic over fractions, written in LaTeX or plain, with its value. */
  const { calculation } = fc.letrec<{ calculation: Fraction; number: Fraction; compound: Fraction }>((tie) => ({
    calculation: fc.oneof({ depthSize: 'small' }, tie('number'), tie('compound')),
    number: fc.integer({ min: 0, max: 30 }).map((value) => ({ text: String(value), top: BigInt(value), bottom: 1n })),
    compound: fc
      .tuple(fc.constantFrom('+', '-', '*', '/', 'frac', 'square', 'negative'), tie('calculation'), tie('calculation'))
      .map(([operation, left, right]) => combine(operation, left, right)),
  }));

  function combine(operation: string, left: Fraction, right: Fraction): Fraction {
    const isDivision = operation === '/' || operation === 'frac';
    if (isDivision && right.top !== 0n) {
      const text = operation === '/' ? `(${left.text})/(${right.text})` : String.raw`\frac{${left.text}}{${right.text}}`;
      return { text, top: left.top * right.bottom, bottom: left.bottom * right.top };
    }
    if (operation === '*')
      return { text: String.raw`\left(${left.text}\right)\cdot(${right.text})`, top: left.top * right.top, bottom: left.bottom * right.bottom };
    if (operation === 'square') return { text: `(${left.text})^{2}`, top: left.top ** 2n, bottom: left.bottom ** 2n };
    if (operation === 'negative') return { text: `-(${left.text})`, top: -left.top, bottom: left.bottom };
    const sign = operation === '-' ? -1n : 1n;
    return {
      text: `(${left.text})${operation === '-' ? '-' : '+'}(${right.text})`,
      top: left.top * right.bottom + sign * right.top * left.bottom,
      bottom: left.bottom * right.bottom,
    };
  }

  test('arithmetic over fractions', () => {
    fc.assert(
      fc.property(calculation, ({ text, top, bottom }) => {
        fc.pre(String(top).length + String(bottom).length < 300 && text.length < 1_500);
        expect(equivalent(text, `${top}/${bottom}`)).toBe(true);
        expect(equivalent(text, String.raw`\frac{${top + bottom}}{${bottom}}`)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('decimals, with and without separators and powers of ten', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999_999 }), fc.integer({ min: 0, max: 6 }), (digits, places) => {
        const fraction = `${digits}/${10 ** places}`;
        const decimal = (digits / 10 ** places).toFixed(places);
        expect(equivalent(decimal, fraction)).toBe(true);
        expect(equivalent(String.raw`${digits}\times 10^{-${places}}`, fraction)).toBe(true);
        expect(equivalent(`${digits}e-${places}`, decimal)).toBe(true);
        expect(equivalent(Number(decimal).toLocaleString('en-US', { maximumFractionDigits: 6 }), decimal)).toBe(true);
        expect(equivalent(decimal, `${digits + 10 ** places}/${10 ** places}`)).toBe(false);
      }),
    );
  });

  test('polynomials, from their roots and multiplied out', () => {
    const roots = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(roots, fc.nat(5), (values, changed) => {
        const coefficients = values.reduce((known, root) => [...known, 0].map((one, power) => one - root * (known[power - 1] ?? 0)), [1]);
        const write = (numbers: readonly number[]): string => numbers.map((one, index) => `(${one})x^{${numbers.length - 1 - index}}`).join('+');
        const factors = values.map((root) => `(x-(${root}))`).join('');
        expect(equivalent(factors, write(coefficients))).toBe(true);
        expect(equivalent(factors, write(coefficients.with(changed % coefficients.length, 999_983)))).toBe(false);
      }),
    );
  });

  test('square roots, with what is square taken out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 2, max: 500 }), (factor, radicand) => {
        expect(equivalent(String.raw`${factor}\sqrt{${radicand}}`, String.raw`\sqrt{${factor * factor * radicand}}`)).toBe(true);
        expect(equivalent(String.raw`\frac{${radicand}}{\sqrt{${radicand}}}`, String.raw`\sqrt${radicand}`)).toBe(true);
        expect(equivalent(String.raw`${factor}\sqrt{${radicand}}`, String.raw`\sqrt{${factor * factor * radicand + 1}}`)).toBe(false);
      }),
    );
  });

  test('lists, sets and votes in any order, tuples only in theirs', () => {
    const items = fc.uniqueArray(fc.integer({ min: -99, max: 99 }), { minLength: 2, maxLength: 7 });
    fc.assert(
      fc.property(
        items.chain((values) => fc.tuple(fc.constant(values), fc.shuffledSubarray(values, { minLength: values.length }))),
        ([values, shuffled]) => {
          expect(equivalent(values.join(', '), shuffled.join(' and '))).toBe(true);
          expect(equivalent(String.raw`\{${values.join(',')}\}`, String.raw`\{${shuffled.join(', ')}\}`)).toBe(true);
          expect(equivalent(`(${values.join(',')})`, `(${shuffled.join(',')})`)).toBe(values.join() === shuffled.join());
          expect(equivalent(values.join(', '), [...shuffled.slice(1), 1_000].join(', '))).toBe(false);
        },
      ),
    );
  });
});

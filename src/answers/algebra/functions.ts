/** Functions of exactly known arguments; others stay as they are, with their arguments in normal form. */
import { attempt, type Effort, GivenUp } from './effort.ts';
import { binomial, factorial, factorise } from './integers.ts';
import { power } from './powers.ts';
import * as quotients from './quotient.ts';
import type { Quotient } from './quotient.ts';
import * as rationals from './rational.ts';
import type { Rational } from './rational.ts';

type ExactFunction = (inputs: readonly Quotient[], effort: Effort) => Quotient | undefined;

/** The value of a call, exact where it is known. */
export function applyFunction(name: string, inputs: readonly Quotient[], effort: Effort): Quotient {
  effort.spend();
  const exact = EXACT[name];
  return (exact && attempt(() => exact(inputs, effort))) ?? quotients.atomOf(`${name}(${inputs.map(quotients.print).join(', ')})`);
}

const EXACT: Readonly<Record<string, ExactFunction>> = {
  degrees: ([angle], effort) => quotients.multiply(angle!, quotients.multiply(PI, quotients.constantOf(rationals.rational(1n, 180n)), effort), effort),
  abs: ofRational((value) => rationals.absolute(value)),
  floor: ofRational((value) => rationals.rational(rationals.floor(value))),
  ceil: ofRational((value) => rationals.rational(-rationals.floor(rationals.negate(value)))),
  factorial: ofRational((value) => rationals.rational(factorial(integerIn(value)))),
  'double factorial': ofRational((value) => rationals.rational(factorial(integerIn(value), 2n))),
  binomial: ofRational((total, chosen) => rationals.rational(binomial(integerIn(total), integerIn(chosen)))),
  exp: ([exponent], effort) => power(quotients.atomOf('e'), exponent!, effort),
  ln: ([argument], effort) => logarithm(argument!, effort),
  log: ([argument, base], effort) => dividedBy(logarithm(argument!, effort), logarithm(base ?? TEN, effort), effort),
  sin: ([angle], effort) => sineOf(angle!, 0n, effort),
  cos: ([angle], effort) => sineOf(angle!, 6n, effort),
  tan: ([angle], effort) => dividedBy(sineOf(angle!, 0n, effort), sineOf(angle!, 6n, effort), effort),
  cot: ([angle], effort) => dividedBy(sineOf(angle!, 6n, effort), sineOf(angle!, 0n, effort), effort),
  sec: ([angle], effort) => dividedBy(ONE, sineOf(angle!, 6n, effort), effort),
  csc: ([angle], effort) => dividedBy(ONE, sineOf(angle!, 0n, effort), effort),
};

const ONE = quotients.constantOf(rationals.ONE);
const TEN = quotients.constantOf(rationals.rational(10n));
const PI = quotients.atomOf('pi');

function ofRational(apply: (...values: readonly [Rational, Rational]) => Rational): ExactFunction {
  return (inputs) => {
    const values = inputs.map(quotients.rationalValue);
    const [first, second = rationals.ZERO] = values;
    return first && values.every((value) => value !== undefined) ? quotients.constantOf(apply(first, second)) : undefined;
  };
}

function integerIn(value: Rational): bigint {
  if (!rationals.isInteger(value)) throw new GivenUp('An integer is needed.');
  return value.numerator;
}

function dividedBy(dividend: Quotient | undefined, divisor: Quotient | undefined, effort: Effort): Quotient | undefined {
  return dividend && divisor && quotients.multiply(dividend, quotients.invert(divisor, effort), effort);
}

/** `ln 12 = 2 ln 2 + ln 3`, `ln e^k = k`. */
function logarithm(argument: Quotient, effort: Effort): Quotient | undefined {
  const value = quotients.rationalValue(argument);
  if (!value) return logarithmOfE(argument);
  if (value.numerator <= 0n) return undefined;
  let sum = quotients.constantOf(rationals.ZERO);
  for (const [part, sign] of [
    [value.numerator, 1n],
    [value.denominator, -1n],
  ] as const)
    for (const { base, exponent } of factorise(part, effort)) {
      const term = quotients.multiply(quotients.constantOf(rationals.rational(sign * exponent)), quotients.atomOf(`ln(${base})`), effort);
      sum = quotients.add(sum, term, effort);
    }
  return sum;
}

function logarithmOfE({ numerator, denominator }: Quotient): Quotient | undefined {
  const [term] = numerator.values();
  if (numerator.size !== 1 || denominator.size !== 1 || !term || !rationals.isEqual(term.coefficient, rationals.ONE)) return undefined;
  const [first] = term.powers;
  return term.powers.length === 1 && first!.atom === 'e' ? quotients.constantOf(first!.exponent) : undefined;
}

/** Sines of 0°, 30°, 45°, 60° and 90°, squared, by twelfths of a half turn. */
const SQUARED_SINES = new Map<bigint, Rational>([
  [0n, rationals.ZERO],
  [2n, rationals.rational(1n, 4n)],
  [3n, rationals.HALF],
  [4n, rationals.rational(3n, 4n)],
  [6n, rationals.ONE],
]);

/** The sine of an angle of a multiple of 30° or 45°, shifted by twelfths of a half turn. */
function sineOf(angle: Quotient, shift: bigint, effort: Effort): Quotient | undefined {
  const halfTurns = quotients.rationalValue(quotients.multiply(angle, quotients.atomOf('pi', rationals.MINUS_ONE), effort));
  if (!halfTurns || 12n % halfTurns.denominator !== 0n) return undefined;
  const twelfths = (((halfTurns.numerator * (12n / halfTurns.denominator) + shift) % 24n) + 24n) % 24n;
  const inHalfTurn = twelfths % 12n;
  const squared = SQUARED_SINES.get(inHalfTurn > 6n ? 12n - inHalfTurn : inHalfTurn);
  if (!squared) return undefined;
  const sine = power(quotients.constantOf(squared), quotients.constantOf(rationals.HALF), effort);
  return twelfths > 12n ? quotients.multiply(sine, quotients.constantOf(rationals.MINUS_ONE), effort) : sine;
}

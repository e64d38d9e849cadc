/** Fractions of polynomials. Only denominators of several terms remain; others become negative exponents. */
import { type Effort, GivenUp } from './effort.ts';
import * as polynomials from './polynomial.ts';
import type { Polynomial, Term } from './polynomial.ts';
import * as rationals from './rational.ts';
import type { Rational } from './rational.ts';

export interface Quotient {
  readonly numerator: Polynomial;
  /** 1, or several terms of which the first in print has coefficient 1. */
  readonly denominator: Polynomial;
}

const ONE: Polynomial = polynomials.constant(rationals.ONE);

export const wholeOf = (numerator: Polynomial): Quotient => ({ numerator, denominator: ONE });
export const constantOf = (value: Rational): Quotient => wholeOf(polynomials.constant(value));
export const atomOf = (atom: string, exponent: Rational = rationals.ONE): Quotient => wholeOf(polynomials.powerOf(atom, exponent));

export function add(left: Quotient, right: Quotient, effort: Effort): Quotient {
  if (polynomials.print(left.denominator) === polynomials.print(right.denominator))
    return simplified(polynomials.add(left.numerator, right.numerator, effort), left.denominator, effort);
  const [first, second] = [polynomials.multiply(left.numerator, right.denominator, effort), polynomials.multiply(right.numerator, left.denominator, effort)];
  return simplified(polynomials.add(first, second, effort), polynomials.multiply(left.denominator, right.denominator, effort), effort);
}

export function multiply(left: Quotient, right: Quotient, effort: Effort): Quotient {
  const numerator = polynomials.multiply(left.numerator, right.numerator, effort);
  return simplified(numerator, polynomials.multiply(left.denominator, right.denominator, effort), effort);
}

/** @throws {GivenUp} for 0. */
export function invert({ numerator, denominator }: Quotient, effort: Effort): Quotient {
  return simplified(denominator, numerator, effort);
}

/** Whether two quotients are the same function, by cross-multiplication. */
export function isEqual(left: Quotient, right: Quotient, effort: Effort): boolean {
  if (left.denominator.size === 1 && right.denominator.size === 1) return polynomials.isEqual(left.numerator, right.numerator);
  const first = polynomials.multiply(left.numerator, right.denominator, effort);
  const second = polynomials.multiply(right.numerator, left.denominator, effort);
  return polynomials.add(first, polynomials.scale(second, rationals.MINUS_ONE), effort).size === 0;
}

/** The value of a quotient without atoms, else `undefined`. */
export function rationalValue({ numerator, denominator }: Quotient): Rational | undefined {
  return denominator.size === 1 ? polynomials.rationalValue(numerator) : undefined;
}

/** Whether unequal means different: nothing in it was left as it was read. */
export function isDecidable({ numerator, denominator }: Quotient): boolean {
  const terms = [...numerator.values(), ...denominator.values()];
  return terms.every(({ powers }) => powers.every(({ atom }) => !atom.includes('(')));
}

/** Text that reads as the same quotient. */
export function print({ numerator, denominator }: Quotient): string {
  if (denominator.size === 1) return polynomials.print(numerator);
  return `(${polynomials.print(numerator)})/(${polynomials.print(denominator)})`;
}

function simplified(numerator: Polynomial, denominator: Polynomial, effort: Effort): Quotient {
  if (denominator.size === 0) throw new GivenUp('A denominator is 0.');
  if (numerator.size === 0) return wholeOf(numerator);
  const only = polynomials.onlyTerm(denominator);
  if (only) return wholeOf(only.powers.length === 0 && rationals.isEqual(only.coefficient, rationals.ONE) ? numerator : byTerm(numerator, only, effort));
  const conjugate = conjugateOf(denominator);
  if (conjugate) return simplified(polynomials.multiply(numerator, conjugate, effort), polynomials.multiply(denominator, conjugate, effort), effort);
  const leading = rationals.invert(polynomials.sortedTerms(denominator)[0]!.coefficient);
  const [top, bottom] = [polynomials.scale(numerator, leading), polynomials.scale(denominator, leading)];
  return proportion(top, bottom) ?? { numerator: top, denominator: bottom };
}

function byTerm(numerator: Polynomial, { coefficient, powers }: Term, effort: Effort): Polynomial {
  const inverse = polynomials.termOf(
    rationals.invert(coefficient),
    powers.map(({ atom, exponent }) => ({ atom, exponent: rationals.negate(exponent) })),
  );
  return polynomials.multiply(numerator, polynomials.collect([inverse]), effort);
}

/** For `a + b` with rational squares, such as `1 + √2` and `3 − 4i`: `a − b`, which makes the denominator rational. */
function conjugateOf(denominator: Polynomial): Polynomial | undefined {
  const [first, second, ...others] = polynomials.sortedTerms(denominator);
  if (!first || !second || others.length > 0 || !hasRationalSquare(first) || !hasRationalSquare(second)) return undefined;
  return polynomials.collect([first, { coefficient: rationals.negate(second.coefficient), powers: second.powers }]);
}

function hasRationalSquare({ powers }: Term): boolean {
  return powers.every(({ atom, exponent }) => atom === polynomials.IMAGINARY_UNIT || (atom.startsWith('#') && exponent.denominator === 2n));
}

/** The constant that one polynomial is of the other. */
function proportion(numerator: Polynomial, denominator: Polynomial): Quotient | undefined {
  const [first] = polynomials.sortedTerms(numerator);
  if (numerator.size !== denominator.size || !first) return undefined;
  const isProportional = polynomials.print(polynomials.scale(denominator, first.coefficient)) === polynomials.print(numerator);
  return isProportional ? constantOf(first.coefficient) : undefined;
}

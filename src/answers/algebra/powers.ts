/** Powers of quotients, exact where radicals allow it. */
import { attempt, type Effort, GivenUp } from './effort.ts';
import { factorise } from './integers.ts';
import * as polynomials from './polynomial.ts';
import type { Polynomial, Term } from './polynomial.ts';
import * as quotients from './quotient.ts';
import type { Quotient } from './quotient.ts';
import * as rationals from './rational.ts';
import type { Rational } from './rational.ts';

/** Largest exponent of a sum that is multiplied out. */
const LARGEST_EXPANSION = 40n;
const MOST_EXPANDED_TERMS = 300;

/** @throws {GivenUp} where the power is undefined or too long. */
export function power(base: Quotient, exponent: Quotient, effort: Effort): Quotient {
  effort.spend();
  const constant = quotients.rationalValue(exponent);
  if (constant === undefined) return symbolicPower(base, exponent, effort);
  if (rationals.isInteger(constant)) return integerPower(base, constant.numerator, effort);
  return fractionalPower(base, constant, effort);
}

function integerPower(base: Quotient, exponent: bigint, effort: Effort): Quotient {
  if (exponent === 0n && quotients.rationalValue(base)?.numerator !== 0n) return quotients.constantOf(rationals.ONE);
  if (exponent < 0n) return quotients.invert(integerPower(base, -exponent, effort), effort);
  const only = base.denominator.size === 1 ? polynomials.onlyTerm(base.numerator) : undefined;
  if (only) return attempt(() => quotients.wholeOf(polynomials.collect([termPower(only, exponent)]))) ?? opaquePower(base, rationals.rational(exponent));
  if (base.numerator.size === 0) return quotients.constantOf(rationals.power(rationals.ZERO, exponent));
  if (expandedSize(base, exponent) > MOST_EXPANDED_TERMS) return opaquePower(base, rationals.rational(exponent));
  let result = quotients.constantOf(rationals.ONE);
  for (let step = 0n; step < exponent; step++) result = quotients.multiply(result, base, effort);
  return result;
}

function termPower({ coefficient, powers }: Term, exponent: bigint): Term {
  const factor = rationals.rational(exponent);
  return polynomials.termOf(
    rationals.power(coefficient, exponent),
    powers.map((one) => ({ atom: one.atom, exponent: rationals.multiply(one.exponent, factor) })),
  );
}

/** An upper bound on the terms of a power. */
function expandedSize({ numerator, denominator }: Quotient, exponent: bigint): number {
  if (exponent > LARGEST_EXPANSION) return Infinity;
  let size = 1;
  const terms = Math.max(numerator.size, denominator.size);
  for (let step = 1; step <= Number(exponent); step++) size = (size * (terms - 1 + step)) / step;
  return size;
}

/** Something kept as one atom, to a power. */
function opaquePower(base: Quotient, exponent: Rational): Quotient {
  return quotients.atomOf(`(${quotients.print(base)})`, exponent);
}

/** A power kept as one atom; in brackets, so that it can be raised again. */
function opaqueTower(base: string, exponent: string, multiple = rationals.ONE): Quotient {
  return quotients.atomOf(`(${/^\w+$/.test(base) ? base : `(${base})`}^(${exponent}))`, multiple);
}

function fractionalPower(base: Quotient, exponent: Rational, effort: Effort): Quotient {
  const value = quotients.rationalValue(base);
  if (value) return rootOfRational(value, exponent, effort);
  if (base.denominator.size > 1) return opaquePower(base, exponent);
  const content = contentOf(base.numerator);
  const primitive = polynomials.scale(base.numerator, rationals.invert(content));
  const only = polynomials.onlyTerm(primitive);
  const rest = only && only.coefficient.numerator > 0n ? rootOfTerm(only, exponent) : undefined;
  return quotients.multiply(rootOfRational(content, exponent, effort), rest ?? opaquePower(quotients.wholeOf(primitive), exponent), effort);
}

function rootOfRational(value: Rational, exponent: Rational, effort: Effort): Quotient {
  if (value.numerator === 0n) return quotients.constantOf(rationals.power(rationals.ZERO, exponent.numerator));
  const magnitude = quotients.wholeOf(polynomials.collect([rootOfPositive(rationals.absolute(value), exponent, effort)]));
  if (value.numerator > 0n) return magnitude;
  // The real root where there is one: (−8)^(1/3) = −2. Else √−a = i√a; higher even roots are left alone.
  if (exponent.denominator % 2n === 1n)
    return exponent.numerator % 2n === 0n ? magnitude : quotients.multiply(magnitude, quotients.constantOf(rationals.MINUS_ONE), effort);
  if (exponent.denominator !== 2n) return opaquePower(quotients.constantOf(value), exponent);
  const turn = quotients.wholeOf(polynomials.powerOf(polynomials.IMAGINARY_UNIT, rationals.rational(exponent.numerator)));
  return quotients.multiply(magnitude, turn, effort);
}

function rootOfPositive(value: Rational, exponent: Rational, effort: Effort): Term {
  const exponents = new Map<string, Rational>();
  for (const [part, sign] of [
    [value.numerator, 1n],
    [value.denominator, -1n],
  ] as const)
    for (const factor of factorise(part, effort))
      exponents.set(polynomials.primeAtom(factor.base), rationals.multiply(exponent, rationals.rational(sign * factor.exponent)));
  return polynomials.termOf(
    rationals.ONE,
    [...exponents].map(([atom, power]) => ({ atom, exponent: power })),
  );
}

/** `√x`, `√π`, `√(2^n)`: of one symbol to the first power, and of whatever is positive. */
function rootOfTerm({ powers }: Term, exponent: Rational): Quotient | undefined {
  const isSimple = powers.length === 1 && rationals.isEqual(powers[0]!.exponent, rationals.ONE) && powers[0]!.atom !== polynomials.IMAGINARY_UNIT;
  if (!isSimple && !powers.every(({ atom }) => isPositive(atom))) return undefined;
  const scaled = powers.map((one) => ({ atom: one.atom, exponent: rationals.multiply(one.exponent, exponent) }));
  return quotients.wholeOf(polynomials.collect([polynomials.termOf(rationals.ONE, scaled)]));
}

function isPositive(atom: string): boolean {
  return atom.startsWith('#') || atom === 'pi' || atom === 'e' || /^\((?:\d+|e|pi)\^(?!.*\bi\b)/.test(atom);
}

/** The positive rational that all coefficients share. */
function contentOf(polynomial: Polynomial): Rational {
  let [numerator, denominator] = [0n, 1n];
  for (const { coefficient } of polynomial.values()) {
    numerator = rationals.greatestCommonDivisor(numerator, coefficient.numerator);
    denominator = (denominator * coefficient.denominator) / rationals.greatestCommonDivisor(denominator, coefficient.denominator);
  }
  return rationals.rational(numerator, denominator);
}

/** `2^(n+1) = 2 · 2^n`, `4^n = (2^n)^2`: the exponent is taken apart so that equal powers have equal atoms. */
function symbolicPower(base: Quotient, exponent: Quotient, effort: Effort): Quotient {
  if (base.numerator.size === 0) throw new GivenUp('A power of 0 is undefined.');
  if (exponent.denominator.size > 1) return opaqueTower(quotients.print(base), quotients.print(exponent));
  let result = quotients.constantOf(rationals.ONE);
  for (const { coefficient, powers } of exponent.numerator.values()) {
    const factor =
      powers.length === 0
        ? power(base, quotients.constantOf(coefficient), effort)
        : powerOfEachBase(base, polynomials.print(polynomials.collect([{ coefficient: rationals.ONE, powers }])), coefficient, effort);
    result = quotients.multiply(result, factor, effort);
  }
  return result;
}

function powerOfEachBase(base: Quotient, exponent: string, multiple: Rational, effort: Effort): Quotient {
  const value = quotients.rationalValue(base);
  if (!value || value.numerator <= 0n) return opaqueTower(quotients.print(base), exponent, multiple);
  const { numerator, denominator } = value;
  const factors = [...factorise(numerator, effort), ...factorise(denominator, effort).map((factor) => ({ ...factor, exponent: -factor.exponent }))];
  return factors.reduce((product, factor) => {
    const scaled = rationals.multiply(multiple, rationals.rational(factor.exponent));
    return quotients.multiply(product, opaqueTower(String(factor.base), exponent, scaled), effort);
  }, quotients.constantOf(rationals.ONE));
}

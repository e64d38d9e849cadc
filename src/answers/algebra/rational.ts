/** Exact rational numbers of bounded length. */
import { GivenUp, isModestPower, requireModestSize } from './effort.ts';

/** In lowest terms; the denominator is positive. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const ZERO: Rational = { numerator: 0n, denominator: 1n };
export const ONE: Rational = { numerator: 1n, denominator: 1n };
export const MINUS_ONE: Rational = { numerator: -1n, denominator: 1n };
export const HALF: Rational = { numerator: 1n, denominator: 2n };

export function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  while (right !== 0n) [left, right] = [right, left % right];
  return left < 0n ? -left : left;
}

/** @throws {GivenUp} for a denominator of 0, and for results that are too long. */
export function rational(numerator: bigint, denominator = 1n): Rational {
  if (denominator === 1n) return { numerator: requireModestSize(numerator), denominator };
  if (denominator === 0n) throw new GivenUp('A denominator is 0.');
  const divisor = greatestCommonDivisor(numerator, denominator) * (denominator < 0n ? -1n : 1n);
  return { numerator: requireModestSize(numerator / divisor), denominator: requireModestSize(denominator / divisor) };
}

export function add(left: Rational, right: Rational): Rational {
  if (left.denominator === 1n && right.denominator === 1n) return rational(left.numerator + right.numerator);
  return rational(left.numerator * right.denominator + right.numerator * left.denominator, left.denominator * right.denominator);
}

export function negate({ numerator, denominator }: Rational): Rational {
  return { numerator: -numerator, denominator };
}

export function multiply(left: Rational, right: Rational): Rational {
  return rational(left.numerator * right.numerator, left.denominator * right.denominator);
}

export function invert({ numerator, denominator }: Rational): Rational {
  return rational(denominator, numerator);
}

/** @throws {GivenUp} for 0 to a negative exponent or to 0, and for results that are too long. */
export function power(base: Rational, exponent: bigint): Rational {
  if (base.numerator === 0n && exponent <= 0n) throw new GivenUp('A power of 0 is undefined.');
  const positive = exponent < 0n ? -exponent : exponent;
  if (!isModestPower(base.numerator, positive) || !isModestPower(base.denominator, positive)) throw new GivenUp('A power is too long.');
  // Powers of 1 and −1 pass whatever the exponent; of it only the parity matters then.
  const steps = base.denominator === 1n && (base.numerator === 1n || base.numerator === -1n) ? positive % 2n : positive;
  const result = rational(base.numerator ** steps, base.denominator ** steps);
  return exponent < 0n ? invert(result) : result;
}

export function isEqual(left: Rational, right: Rational): boolean {
  return left.numerator === right.numerator && left.denominator === right.denominator;
}

export function isInteger({ denominator }: Rational): boolean {
  return denominator === 1n;
}

/** Negative, 0 or positive as `left` is below, at or above `right`. */
export function compare(left: Rational, right: Rational): number {
  const difference = left.numerator * right.denominator - right.numerator * left.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function floor({ numerator, denominator }: Rational): bigint {
  const quotient = numerator / denominator;
  return numerator % denominator < 0n ? quotient - 1n : quotient;
}

export function absolute(value: Rational): Rational {
  return value.numerator < 0n ? negate(value) : value;
}

/** The nearest double, roughly: within a few units in the last place. */
export function toNumber({ numerator, denominator }: Rational): number {
  const direct = Number(numerator) / Number(denominator);
  if (Number.isFinite(direct) && direct !== 0) return direct;
  if (numerator === 0n) return 0;
  // One of the two is beyond the range of doubles: divide first, keeping 64 bits of the quotient.
  const excess = numerator.toString(2).length - denominator.toString(2).length;
  const scaled = excess > 0 ? Number((numerator << 64n) / (denominator << BigInt(excess))) : Number((numerator << BigInt(64 - excess)) / denominator);
  return scaled * 2 ** (excess - 64);
}

/** `5`, `-1/2`. */
export function print({ numerator, denominator }: Rational): string {
  return denominator === 1n ? String(numerator) : `${numerator}/${denominator}`;
}

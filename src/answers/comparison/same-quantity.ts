/**
 * Whether two amounts are the same: their values, rounded decimals, and units.
 *
 * - A decimal of six digits or more equals whatever lies within one unit of its last place (`0.333333` is 1/3, `0.333` is not).
 * - A unit on one side only says nothing; on both sides units must measure the same and are converted.
 * - `50%` equals 50, as a number with a unit, and 0.5, as a fraction; `90°` equals 90 and π/2.
 *
 * @module
 */
import { attempt, type Effort } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import * as rationals from '../algebra/rational.ts';
import type { Rational } from '../algebra/rational.ts';
import { hasSameValue, realValue } from '../algebra/same-value.ts';
import type { Unit } from '../reading/units.ts';

export interface Quantity {
  readonly value: Expression;
  readonly unit: Unit | undefined;
}

/** A decimal is taken for a rounded one from this many of its last places on: six digits. */
const LEAST_STEPS = rationals.rational(100_000n);
/** From here on the last digits may be the noise of doubles. */
const NOISY_STEPS = rationals.rational(10n ** 13n);
const NOISE = rationals.rational(1n, 10n ** 12n);
const DEGREES = 'ANGLE1';
const RADIANS = 'RAD1';
const PERCENT = rationals.rational(1n, 100n);

export function isSameQuantity(left: Quantity, right: Quantity, effort: Effort): boolean {
  if (left.unit && right.unit) return isSameWithUnits(left.value, left.unit, right.value, right.unit, effort);
  if (isSameNumber(left.value, right.value, effort)) return true;
  const [measured, plain] = left.unit ? [left, right] : [right, left];
  return measured.unit !== undefined && plain.unit === undefined && isSameAsFraction(measured.value, measured.unit, plain.value, effort);
}

function isSameWithUnits(left: Expression, leftUnit: Unit, right: Expression, rightUnit: Unit, effort: Effort): boolean {
  if (leftUnit.dimension === undefined || rightUnit.dimension === undefined) return hasSameWords(leftUnit, rightUnit) && isSameNumber(left, right, effort);
  if (leftUnit.dimension === RADIANS && rightUnit.dimension === DEGREES) return hasSameValue(left, expressions.callOf('degrees', right), effort);
  if (leftUnit.dimension === DEGREES && rightUnit.dimension === RADIANS) return isSameWithUnits(right, rightUnit, left, leftUnit, effort);
  if (leftUnit.dimension !== rightUnit.dimension) return isSterling(leftUnit, rightUnit) && isSameNumber(left, right, effort);
  if (rationals.isEqual(leftUnit.factor, rightUnit.factor)) return isSameNumber(left, right, effort);
  return isSameNumber(times(left, leftUnit.factor), times(right, rightUnit.factor), effort);
}

/** Pounds may be money. */
function isSterling(left: Unit, right: Unit): boolean {
  return [left, right].some(({ text }) => text === 'pound') && [left, right].some(({ text }) => text === '£');
}

/** `apple` and `red apple`: one may say more than the other, but for rates. */
function hasSameWords(left: Unit, right: Unit): boolean {
  const [fewer, more] = [left, right].map(({ text }) => text.split(' ')).sort((one, other) => one.length - other.length);
  return left.text === right.text || (fewer!.every((word) => more!.includes(word)) && !more!.some((word) => word.includes('^')));
}

/** Percentages and degrees have a value of their own as numbers. */
function isSameAsFraction(value: Expression, { dimension }: Unit, plain: Expression, effort: Effort): boolean {
  if (dimension === 'PERCENT1') return isSameNumber(times(value, PERCENT), plain, effort);
  const isAngle =
    dimension === DEGREES &&
    expressions.contains(plain, (part) => (part.kind === 'symbol' && part.name === 'pi') || (part.kind === 'call' && part.name.startsWith('arc')));
  return isAngle && hasSameValue(expressions.callOf('degrees', value), plain, effort);
}

/** Keeps a literal one, with its decimals. */
function times(expression: Expression, factor: Rational): Expression {
  if (expression.kind !== 'number') return expressions.productOf([expression, expressions.numberOf(factor)]);
  const step = expression.step && rationals.multiply(expression.step, factor);
  return { ...expression, value: rationals.multiply(expression.value, factor), ...(step && { step }) };
}

function isSameNumber(left: Expression, right: Expression, effort: Effort): boolean {
  return hasSameValue(left, right, effort) || isRounded(left, right, effort) || isRounded(right, left, effort);
}

/** Whether `decimal` is a literal that rounds, or cuts, the value of the other. */
function isRounded(decimal: Expression, exact: Expression, effort: Effort): boolean {
  const literal = literalOf(decimal);
  if (!literal?.step) return false;
  const { value, step, isCut } = literal;
  const steps = rationals.absolute(rationals.multiply(value, rationals.invert(step)));
  if (!isCut && rationals.compare(steps, LEAST_STEPS) < 0) return false;
  const other = literalOf(exact);
  const isNoisy = rationals.compare(steps, NOISY_STEPS) >= 0;
  // Of two decimals the one with fewer digits is the rounded one.
  if (other?.step && rationals.compare(other.step, step) > 0 && !isNoisy) return false;
  const slack = isNoisy ? rationals.absolute(rationals.multiply(value, NOISE)) : step;
  if (other) return rationals.compare(rationals.absolute(rationals.add(value, rationals.negate(other.value))), slack) < 0;
  const real = realValue(exact, effort);
  return real !== undefined && Math.abs(real - rationals.toNumber(value)) < rationals.toNumber(slack);
}

/** A number as it is written, also as a multiple of a power of ten: `6.02 · 10^23`. */
function literalOf(expression: Expression): expressions.NumberExpression | undefined {
  if (expression.kind === 'number') return expression;
  if (expression.kind !== 'product') return undefined;
  let literal: expressions.NumberExpression | undefined;
  let scale = rationals.ONE;
  for (const factor of expression.factors) {
    const power = powerOfTen(factor) ?? (factor.kind === 'number' && rationals.isEqual(factor.value, rationals.MINUS_ONE) ? factor.value : undefined);
    if (power) scale = rationals.multiply(scale, power);
    else if (factor.kind === 'number' && !literal) literal = factor;
    else return undefined;
  }
  const scaled = literal && times(literal, scale);
  return scaled?.kind === 'number' && scaled.step ? { ...scaled, step: rationals.absolute(scaled.step) } : undefined;
}

function powerOfTen(factor: Expression): Rational | undefined {
  if (factor.kind !== 'power' || factor.base.kind !== 'number' || factor.exponent.kind !== 'number') return undefined;
  const [base, exponent] = [factor.base.value, factor.exponent.value];
  if (!rationals.isEqual(base, rationals.rational(10n)) || !rationals.isInteger(exponent)) return undefined;
  return attempt(() => rationals.power(base, exponent.numerator));
}

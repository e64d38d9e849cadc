/** Whether two expressions have the same value: exactly where there is a normal form, else at fixed points. */
import * as complex from './complex.ts';
import { attempt, type Effort } from './effort.ts';
import { contains, type Expression, variablesOf } from './expression.ts';
import { normalForm } from './normal-form.ts';
import { evaluate, type Approximation } from './numeric.ts';
import { fractionOf } from './numeric-functions.ts';
import * as quotients from './quotient.ts';
import { isEqual, toNumber } from './rational.ts';

const POINTS = 28;
/** Of the points, so many must be in both domains. */
const LEAST_COMMON_POINTS = 3;
const RELATIVE_TOLERANCE = 1e-12;
const NOISE_MARGIN = 32;
const RATIO_TOLERANCE = 1e-9;
const LEAST_DIVISOR = 1e-6;

export function hasSameValue(left: Expression, right: Expression, effort: Effort): boolean {
  if (left.kind === 'number' && right.kind === 'number') return isEqual(left.value, right.value);
  const exact = attempt(() => {
    const [first, second] = [normalForm(left, effort), normalForm(right, effort)];
    if (quotients.isEqual(first, second, effort)) return true;
    return quotients.isDecidable(first) && quotients.isDecidable(second) ? false : undefined;
  });
  return exact ?? attempt(() => agreesAtPoints(left, right, effort)) ?? false;
}

/** The real value of an expression without variables; `undefined` where there is none. */
export function realValue(expression: Expression, effort: Effort): number | undefined {
  const exact = attempt(() => quotients.rationalValue(normalForm(expression, effort)));
  if (exact) return finite(toNumber(exact));
  const result = attempt(() => evaluate(expression, { point: new Map(), isComplex: false, effort }));
  return result?.value.imaginary === 0 ? finite(result.value.real) : undefined;
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

/** The constant that `left` is of `right`, neither being 0, judged at fixed points; `undefined` where there is none. */
export function constantRatio(left: Expression, right: Expression, effort: Effort): number | undefined {
  let ratio: number | undefined;
  let common = 0;
  for (const [first, second] of commonValues(left, right, effort)) {
    if (Math.abs(second.value.real) < LEAST_DIVISOR) continue;
    const quotient = first.value.real / second.value.real;
    if (quotient === 0 || (ratio !== undefined && Math.abs(quotient - ratio) > RATIO_TOLERANCE * Math.abs(ratio))) return undefined;
    ratio = quotient;
    common++;
  }
  return common >= LEAST_COMMON_POINTS ? ratio : undefined;
}

function agreesAtPoints(left: Expression, right: Expression, effort: Effort): boolean {
  let common = 0;
  for (const [first, second] of commonValues(left, right, effort)) {
    if (!isClose(first, second)) return false;
    common++;
  }
  return common >= (variablesOf(left, variablesOf(right)).size === 0 ? 1 : LEAST_COMMON_POINTS);
}

/** Values of both at each point where both are defined. */
function* commonValues(left: Expression, right: Expression, effort: Effort): Generator<readonly [Approximation, Approximation]> {
  const variables = [...variablesOf(left, variablesOf(right))].sort();
  const isComplex = [left, right].some((side) => contains(side, (part) => part.kind === 'symbol' && part.name === 'i'));
  for (let index = 0; index < (variables.length === 0 ? 1 : POINTS); index++) {
    const point = new Map(variables.map((name) => [name, coordinate(name, index)]));
    const [first, second] = [evaluate(left, { point, isComplex, effort }), evaluate(right, { point, isComplex, effort })];
    if (complex.isFinite(first.value) && complex.isFinite(second.value)) yield [first, second];
  }
}

/** Points of four kinds, so that most functions are defined at some: in (0, 1), in (1, 5), in (−3, 3), and small integers. */
function coordinate(variable: string, index: number): number {
  const fraction = fractionOf(`${variable} at ${index}`);
  switch (index % 4) {
    case 0:
      return fraction;
    case 1:
      return 1 + 4 * fraction;
    case 2:
      return 6 * fraction - 3;
    default:
      return 1 + Math.floor(9 * fraction);
  }
}

function isClose(first: Approximation, second: Approximation): boolean {
  const difference = complex.magnitude({ real: first.value.real - second.value.real, imaginary: first.value.imaginary - second.value.imaginary });
  const scale = Math.max(complex.magnitude(first.value), complex.magnitude(second.value));
  return difference <= NOISE_MARGIN * (first.noise + second.noise) + RELATIVE_TOLERANCE * scale;
}

/** Where inequalities let a variable lie. */
import { type Effort, GivenUp } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import { MINUS_ONE } from '../algebra/rational.ts';
import { hasSameValue, realValue } from '../algebra/same-value.ts';
import { type Answer, isExpression } from '../reading/syntax.ts';
import { type Form, listOf } from './form.ts';
import { HIGHEST, type Interval, intersection, LOWEST, REALS, union, withoutPoints } from './intervals.ts';
import { isLabel, variableOf } from './labels.ts';

type Range = Form & { readonly kind: 'intervals' };

/** A chain such as `a < x ≤ b`. @throws {GivenUp} where it cannot be read as one. */
export function inequalities(sides: readonly Answer[], operators: readonly string[], effort: Effort): Form {
  const unbarred = withoutBars(sides, operators, effort);
  if (unbarred) return unbarred;
  // Of `a < x < b` the middle is the unknown.
  const isChain = sides.length === 3;
  const forms = operators.map((operator, index) => inequality(sides[index]!, sides[index + 1]!, operator, effort, isChain && index === 0));
  return forms.reduce((left, right) => {
    if (left.kind !== 'intervals' || right.kind !== 'intervals' || left.variable !== right.variable) return listOf([left, right]);
    const parts = intersection(left.parts, right.parts, effort) ?? commonOfChain(left.parts, right.parts);
    return { kind: 'intervals', variable: left.variable, parts };
  });
}

/** `|x| < a` is `−a < x < a`, `|x| > a` is `x < −a` or `x > a`. */
function withoutBars(sides: readonly Answer[], operators: readonly string[], effort: Effort): Form | undefined {
  const [left, right] = sides;
  if (sides.length !== 2 || operators[0] === '!=') return undefined;
  if (isBars(right!) && !isBars(left!)) return withoutBars([right, left!], [MIRRORED[operators[0]!]!], effort);
  if (!isBars(left!) || !isExpression(right!)) return undefined;
  const [operator, inner, opposite] = [operators[0]!, left.inputs[0]!, expressions.negated(right)];
  if (operator.startsWith('<')) return inequalities([opposite, inner, right], [operator, operator], effort);
  const [below, above] = [inequality(inner, opposite, MIRRORED[operator]!, effort), inequality(inner, right, operator, effort)];
  return below.kind === 'intervals' && above.kind === 'intervals'
    ? { kind: 'intervals', variable: above.variable, parts: union([...below.parts, ...above.parts], effort) }
    : undefined;
}

function isBars(side: Answer): side is Expression & { readonly kind: 'call' } {
  return side.kind === 'call' && side.name === 'abs';
}

/** `a < x < b` with symbolic ends: a ray upwards and one downwards. */
function commonOfChain(left: readonly Interval[], right: readonly Interval[]): readonly Interval[] {
  const [one, other] = [left[0], right[0]];
  if (left.length !== 1 || right.length !== 1 || !one || !other) throw new GivenUp('The order of the ends is unknown.');
  if (one.high === HIGHEST && other.low === LOWEST) return [{ low: one.low, high: other.high }];
  if (one.low === LOWEST && other.high === HIGHEST) return [{ low: other.low, high: one.high }];
  throw new GivenUp('The order of the ends is unknown.');
}

function inequality(left: Answer, right: Answer, operator: string, effort: Effort, isUnknownRight = false): Form {
  if (!isExpression(left) || !isExpression(right)) throw new GivenUp('Only numbers have an order.');
  const solved = isUnknownRight ? solve(right, left, MIRRORED[operator]!, effort) : solve(left, right, operator, effort);
  if (operator === '!=') return solved ?? { kind: 'equation', difference: expressions.callOf('unequal', expressions.differenceOf(left, right)) };
  const difference = operator.startsWith('>') ? expressions.differenceOf(left, right) : expressions.differenceOf(right, left);
  const source: Form = { kind: 'inequality', difference, isStrict: !operator.endsWith('=') };
  return solved ? { ...solved, source } : source;
}

const MIRRORED: Readonly<Record<string, string>> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=', '!=': '!=' };

/** Where the unknown lies: a bare name on one side, or the one variable of a linear inequality. */
function solve(left: Expression, right: Expression, operator: string, effort: Effort): Range | undefined {
  const [inLeft, inRight] = [expressions.variablesOf(left), expressions.variablesOf(right)];
  if (isLabel(left) && ![...inLeft].some((name) => inRight.has(name))) return raysOf(variableOf(left), right, operator, effort);
  if (isLabel(right) && ![...inRight].some((name) => inLeft.has(name))) return raysOf(variableOf(right), left, MIRRORED[operator]!, effort);
  const [variable, ...others] = new Set([...inLeft, ...inRight]);
  if (variable === undefined || others.length > 0) return undefined;
  return solveLinear(expressions.differenceOf(left, right), variable, operator, effort);
}

/** `slope · x + offset` against 0; the coefficients are found from values at 0 and 1. */
function solveLinear(difference: Expression, variable: string, operator: string, effort: Effort): Range | undefined {
  const at = (value: number): Expression =>
    expressions.rewritten(difference, (part) => (part.kind === 'symbol' && part.name === variable ? expressions.integerOf(value) : undefined));
  const slope = expressions.differenceOf(at(1), at(0));
  const steepness = realValue(slope, effort);
  if (!steepness) return undefined;
  const isLinear = hasSameValue(difference, expressions.sumOf([expressions.productOf([slope, expressions.symbolOf(variable)]), at(0)]), effort);
  if (!isLinear) return undefined;
  const end = expressions.productOf([expressions.numberOf(MINUS_ONE), expressions.quotientOf(at(0), slope)]);
  return raysOf(variable, end, steepness > 0 ? operator : MIRRORED[operator]!, effort);
}

function raysOf(variable: string | undefined, end: Expression, operator: string, effort: Effort): Range | undefined {
  if (operator === '!=') {
    const parts = withoutPoints(REALS, [end], effort);
    return parts && { kind: 'intervals', variable, parts };
  }
  const bound = { value: end, isClosed: operator.endsWith('=') };
  return { kind: 'intervals', variable, parts: [operator.startsWith('<') ? { low: LOWEST, high: bound } : { low: bound, high: HIGHEST }] };
}

/** What a relation says: a value with a label, an equation, or where a variable lies. */
import { attempt, Effort, GivenUp } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import { normalForm } from '../algebra/normal-form.ts';
import { print } from '../algebra/quotient.ts';
import { MINUS_ONE } from '../algebra/rational.ts';
import { hasSameValue, realValue } from '../algebra/same-value.ts';
import { type Answer, isExpression } from '../reading/syntax.ts';
import { type Form, listOf } from './form.ts';
import { intervalsIn } from './intervals-in.ts';
import { HIGHEST, type Interval, intersection, LOWEST, REALS, withoutPoints } from './intervals.ts';

type FormOf = (answer: Answer) => Form;

const NAME_EFFORT = 1_000;

/** @throws {GivenUp} where the relation is of no kind that is compared. */
export function formOfRelation(sides: readonly Answer[], operators: readonly string[], formOf: FormOf, effort: Effort): Form {
  const arrow = operators.lastIndexOf('⇒');
  if (arrow >= 0) return formOfRelation(sides.slice(arrow + 1), operators.slice(arrow + 1), formOf, effort);
  if (operators.length === 0) return formOf(sides[0]!);
  if (operators.every((operator) => operator === '=' || operator === '≈')) return equality(sides, operators, formOf);
  const [operator] = operators;
  if (operators.length === 1 && operator === '∈') return membership(sides[0]!, sides[1]!, formOf);
  if (operators.length === 1 && operator === '≡') return labelled(sides[0]!, sides[1]!, formOf);
  if (operators.every((one) => one === '<' || one === '<=' || one === '>' || one === '>=' || one === '!=')) return inequalities(sides, operators, effort);
  throw new GivenUp('Relations of different kinds are mixed.');
}

function equality(sides: readonly Answer[], operators: readonly string[], formOf: FormOf): Form {
  // Behind `≈` stands a rounded value of what is before it, unless that is a mere name.
  const cut = operators.findIndex((operator, index) => operator === '≈' && (index > 0 || !isLabel(sides[0]!)));
  const exact = cut >= 0 ? sides.slice(0, cut + 1) : sides;
  const [first, last] = [exact[0]!, exact.at(-1)!];
  if (exact.length === 1) return formOf(first);
  const names = exact.slice(0, -1);
  if (names.length > 1 && names.every(isLabel)) return listOf(names.map((name) => labelled(name, last, formOf)));
  if (isLabel(first) || !isExpression(first)) return labelled(first, last, formOf);
  if (isLabel(last) && exact.length === 2) return labelled(last, first, formOf);
  if (!isExpression(last)) throw new GivenUp('A number is no structure.');
  const isCalculation = !isDependent(last) && (exact.length > 2 || !isDependent(first));
  return isCalculation ? formOf(last) : { kind: 'equation', difference: differenceOf(first, last) };
}

const differenceOf = (left: Expression, right: Expression): Expression => expressions.sumOf([left, expressions.negated(right)]);
const isDependent = (expression: Expression): boolean => expressions.variablesOf(expression).size > 0;

/** Names things are given by: `x`, `f(x)`, `AB`, `\frac{AB}{CD}`, `(x, y)`, words. */
function isLabel(side: Answer): boolean {
  switch (side.kind) {
    case 'text':
      return true;
    case 'bracketed':
      return side.items.every(isLabel);
    case 'ratio':
      return side.parts.every(isLabel);
    case 'symbol':
      return !/^(?:pi|e|i|infinity)$/.test(side.name);
    case 'product':
      return side.factors.every((factor) => isLabel(factor) || (factor.kind === 'power' && isLabel(factor.base) && factor.exponent.kind === 'number'));
    case 'call':
      return side.inputs.every(isLabel) && side.name !== 'abs' && side.name !== 'degrees';
    default:
      return false;
  }
}

/** Text that reads as the same name; empty for words. */
function nameOf(name: Answer): string {
  if (isExpression(name)) return attempt(() => print(normalForm(name, new Effort(NAME_EFFORT)))) ?? '';
  if (name.kind === 'bracketed') return `(${name.items.map(nameOf).join(', ')})`;
  return name.kind === 'ratio' ? name.parts.map(nameOf).join(':') : '';
}

function labelled(name: Answer, value: Answer, formOf: FormOf): Form {
  const form = formOf(value);
  const isNumeric = isExpression(name) && form.kind === 'value' && !form.unit;
  return {
    kind: 'labelled',
    label: nameOf(name),
    isVariable: name.kind === 'symbol',
    value: form,
    difference: isNumeric ? differenceOf(name, form.value) : undefined,
  };
}

function membership(name: Answer, range: Answer, formOf: FormOf): Form {
  const form = formOf(range);
  const parts = form.kind === 'set' || form.kind === 'list' ? undefined : intervalsIn(form);
  return parts ? { kind: 'intervals', variable: isExpression(name) ? variableOf(name) : undefined, parts } : labelled(name, range, formOf);
}

function inequalities(sides: readonly Answer[], operators: readonly string[], effort: Effort): Form {
  const forms = operators.map((operator, index) => inequality(sides[index]!, sides[index + 1]!, operator, effort));
  return forms.reduce((left, right) => {
    if (left.kind !== 'intervals' || right.kind !== 'intervals' || left.variable !== right.variable) return listOf([left, right]);
    const parts = intersection(left.parts, right.parts, effort) ?? commonOfChain(left.parts, right.parts);
    return { ...left, parts };
  });
}

/** `a < x < b` with symbolic ends: a ray upwards and one downwards. */
function commonOfChain(left: readonly Interval[], right: readonly Interval[]): readonly Interval[] {
  const [one, other] = [left[0], right[0]];
  if (left.length !== 1 || right.length !== 1 || !one || !other) throw new GivenUp('The order of the ends is unknown.');
  if (one.high === HIGHEST && other.low === LOWEST) return [{ low: one.low, high: other.high }];
  if (one.low === LOWEST && other.high === HIGHEST) return [{ low: other.low, high: one.high }];
  throw new GivenUp('The order of the ends is unknown.');
}

function inequality(left: Answer, right: Answer, operator: string, effort: Effort): Form {
  if (!isExpression(left) || !isExpression(right)) throw new GivenUp('Only numbers have an order.');
  const isUpward = operator.startsWith('>');
  const solved = solve(left, right, operator, effort);
  if (solved) return solved;
  if (operator === '!=') return { kind: 'equation', difference: expressions.callOf('unequal', differenceOf(left, right)) };
  return { kind: 'inequality', difference: isUpward ? differenceOf(left, right) : differenceOf(right, left), isStrict: !operator.endsWith('=') };
}

const MIRRORED: Readonly<Record<string, string>> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=', '!=': '!=' };

/** Where the unknown lies: a bare name on one side, or the one variable of a linear inequality. */
function solve(left: Expression, right: Expression, operator: string, effort: Effort): Form | undefined {
  const [inLeft, inRight] = [expressions.variablesOf(left), expressions.variablesOf(right)];
  if (isLabel(left) && ![...inLeft].some((name) => inRight.has(name))) return raysOf(variableOf(left), right, operator, effort);
  if (isLabel(right) && ![...inRight].some((name) => inLeft.has(name))) return raysOf(variableOf(right), left, MIRRORED[operator]!, effort);
  const [variable, ...others] = new Set([...inLeft, ...inRight]);
  if (variable === undefined || others.length > 0) return undefined;
  return solveLinear(differenceOf(left, right), variable, operator, effort);
}

/** Only a single variable is told from others; a description is not. */
const variableOf = (label: Expression): string | undefined => (label.kind === 'symbol' ? label.name : undefined);

/** `slope · x + offset` against 0; the coefficients are found from values at 0, 1 and 2. */
function solveLinear(difference: Expression, variable: string, operator: string, effort: Effort): Form | undefined {
  const at = (value: number): Expression =>
    expressions.rewritten(difference, (part) => (part.kind === 'symbol' && part.name === variable ? expressions.integerOf(value) : undefined));
  const slope = differenceOf(at(1), at(0));
  const steepness = realValue(slope, effort);
  if (!steepness || !hasSameValue(differenceOf(at(2), at(1)), slope, effort)) return undefined;
  const isLinear = hasSameValue(difference, expressions.sumOf([expressions.productOf([slope, expressions.symbolOf(variable)]), at(0)]), effort);
  if (!isLinear) return undefined;
  const end = expressions.productOf([expressions.numberOf(MINUS_ONE), expressions.quotientOf(at(0), slope)]);
  return raysOf(variable, end, steepness > 0 ? operator : MIRRORED[operator]!, effort);
}

function raysOf(variable: string | undefined, end: Expression, operator: string, effort: Effort): Form | undefined {
  if (operator === '!=') {
    const parts = withoutPoints(REALS, [end], effort);
    return parts && { kind: 'intervals', variable, parts };
  }
  const bound = { value: end, isClosed: operator.endsWith('=') };
  return { kind: 'intervals', variable, parts: [operator.startsWith('<') ? { low: LOWEST, high: bound } : { low: bound, high: HIGHEST }] };
}

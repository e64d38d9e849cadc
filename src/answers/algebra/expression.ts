/** Arithmetic as it was read: the tree that exact and numeric evaluation share. */
import * as rationals from './rational.ts';
import type { Rational } from './rational.ts';

export type Expression =
  | NumberExpression
  /** A variable or constant: `x`, `x_{1}`, `alpha`, `pi`, `e`, `i`, `infinity`. */
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'sum'; readonly terms: readonly Expression[] }
  | { readonly kind: 'product'; readonly factors: readonly Expression[] }
  | { readonly kind: 'power'; readonly base: Expression; readonly exponent: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly inputs: readonly Expression[] }
  /** `±`, or `∓` where opposite: 1 or −1, the same throughout an answer. */
  | { readonly kind: 'sign'; readonly isOpposite: boolean };

export interface NumberExpression {
  readonly kind: 'number';
  readonly value: Rational;
  /** One unit of the last decimal place: 0.01 for `3.14`. Missing for integers and repeating decimals. */
  readonly step?: Rational;
  /** Whether dots say that the decimals go on. */
  readonly isCut?: boolean;
}

export const numberOf = (value: Rational): NumberExpression => ({ kind: 'number', value });
export const integerOf = (value: bigint | number): NumberExpression => numberOf(rationals.rational(BigInt(value)));
export const symbolOf = (name: string): Expression => ({ kind: 'symbol', name });
export const sumOf = (terms: readonly Expression[]): Expression => (terms.length === 1 ? terms[0]! : { kind: 'sum', terms });
export const productOf = (factors: readonly Expression[]): Expression => (factors.length === 1 ? factors[0]! : { kind: 'product', factors });
export const powerOf = (base: Expression, exponent: Expression): Expression => ({ kind: 'power', base, exponent });
export const callOf = (name: string, ...inputs: readonly Expression[]): Expression => ({ kind: 'call', name, inputs });
export const quotientOf = (dividend: Expression, divisor: Expression): Expression => productOf([dividend, powerOf(divisor, numberOf(rationals.MINUS_ONE))]);
export const rootOf = (radicand: Expression, degree: Expression = integerOf(2)): Expression => powerOf(radicand, quotientOf(integerOf(1), degree));

/** cos θ + i sin θ */
export const unitAt = (angle: Expression): Expression => sumOf([callOf('cos', angle), productOf([symbolOf('i'), callOf('sin', angle)])]);

/** A literal keeps its rounding step, so that `-0.333333` is as much a decimal as `0.333333`. */
export function negated(expression: Expression): Expression {
  return expression.kind === 'number'
    ? { ...expression, value: rationals.negate(expression.value) }
    : productOf([numberOf(rationals.MINUS_ONE), ...(expression.kind === 'product' ? expression.factors : [expression])]);
}

export const differenceOf = (left: Expression, right: Expression): Expression => sumOf([left, negated(right)]);

function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'sum':
      return expression.terms;
    case 'product':
      return expression.factors;
    case 'power':
      return [expression.base, expression.exponent];
    case 'call':
      return expression.inputs;
    default:
      return [];
  }
}

/** A copy with every node that `replace` answers for replaced, from the leaves up. */
export function rewritten(expression: Expression, replace: (leaf: Expression) => Expression | undefined): Expression {
  const replaced = replace(expression);
  if (replaced) return replaced;
  const each = (child: Expression): Expression => rewritten(child, replace);
  switch (expression.kind) {
    case 'sum':
      return { kind: 'sum', terms: expression.terms.map(each) };
    case 'product':
      return { kind: 'product', factors: expression.factors.map(each) };
    case 'power':
      return { kind: 'power', base: each(expression.base), exponent: each(expression.exponent) };
    case 'call':
      return { kind: 'call', name: expression.name, inputs: expression.inputs.map(each) };
    default:
      return expression;
  }
}

/** Whether the expression or anything in it passes. */
export function contains(expression: Expression, passes: (part: Expression) => boolean): boolean {
  return passes(expression) || childrenOf(expression).some((child) => contains(child, passes));
}

const CONSTANTS = new Set(['pi', 'e', 'i', 'infinity']);

/** Names of the variables, sorted. */
export function variablesOf(expression: Expression, found = new Set<string>()): Set<string> {
  if (expression.kind === 'symbol' && !CONSTANTS.has(expression.name)) found.add(expression.name);
  for (const child of childrenOf(expression)) variablesOf(child, found);
  return found;
}

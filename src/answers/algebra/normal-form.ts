/** The exact normal form of an expression: expanded, with like terms collected and radicals reduced. */
import { attempt, Effort, GivenUp } from './effort.ts';
import type { Expression } from './expression.ts';
import { applyFunction } from './functions.ts';
import { power } from './powers.ts';
import * as quotients from './quotient.ts';
import type { Quotient } from './quotient.ts';
import * as rationals from './rational.ts';

const MOST_STEPS = 5_000;

interface Remembered {
  readonly quotient: Quotient | undefined;
  readonly steps: number;
}

const remembered = new WeakMap<Expression, Remembered>();

/**
 * The normal form. It is worked out once for each expression and costs the same steps every time, so that what a limit cuts
 * off does not depend on what was asked before.
 *
 * @throws {GivenUp} where the expression is undefined or costs too much.
 */
export function normalForm(expression: Expression, effort: Effort): Quotient {
  let known = remembered.get(expression);
  if (!known) {
    const own = new Effort(MOST_STEPS);
    const quotient = attempt(() => reduced(expression, own));
    known = { quotient, steps: Math.min(own.spent, MOST_STEPS) };
    remembered.set(expression, known);
  }
  effort.spend(known.steps);
  if (!known.quotient) throw new GivenUp('There is no normal form.');
  return known.quotient;
}

function reduced(expression: Expression, effort: Effort): Quotient {
  effort.spend();
  switch (expression.kind) {
    case 'number':
      return quotients.constantOf(expression.value);
    case 'symbol':
      return quotients.atomOf(expression.name);
    case 'sum':
      return expression.terms.map((term) => reduced(term, effort)).reduce((sum, term) => quotients.add(sum, term, effort));
    case 'product':
      return expression.factors
        .map((factor) => reduced(factor, effort))
        .reduce((product, factor) => quotients.multiply(product, factor, effort), quotients.constantOf(rationals.ONE));
    case 'power':
      return power(reduced(expression.base, effort), reduced(expression.exponent, effort), effort);
    case 'call':
      return applyFunction(
        expression.name,
        expression.inputs.map((input) => reduced(input, effort)),
        effort,
      );
    case 'sign':
      throw new GivenUp('A sign is still open.');
  }
}

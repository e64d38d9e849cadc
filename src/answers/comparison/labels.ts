/** What values and ranges are named by. */
import { attempt, Effort } from '../algebra/effort.ts';
import type { Expression } from '../algebra/expression.ts';
import { normalForm } from '../algebra/normal-form.ts';
import { print } from '../algebra/quotient.ts';
import { type Answer, isExpression } from '../reading/syntax.ts';

const MOST_STEPS = 1_000;

/** Names things are given by: `x`, `f(x)`, `AB`, `\frac{AB}{CD}`, `(x, y)`, words. */
export function isLabel(side: Answer): boolean {
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
export function nameOf(name: Answer): string {
  if (isExpression(name)) return attempt(() => print(normalForm(name, new Effort(MOST_STEPS)))) ?? '';
  if (name.kind === 'bracketed') return `(${name.items.map(nameOf).join(', ')})`;
  return name.kind === 'ratio' ? name.parts.map(nameOf).join(':') : '';
}

/** Only a single variable is told from others; a description is not. */
export const variableOf = (label: Expression): string | undefined => (label.kind === 'symbol' ? label.name : undefined);

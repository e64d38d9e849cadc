/** Text that reads as a form, the same for forms that are the same as far as there is one way to write them. */
import type { Effort } from '../algebra/effort.ts';
import type { Expression } from '../algebra/expression.ts';
import { normalForm } from '../algebra/normal-form.ts';
import { print } from '../algebra/quotient.ts';
import type { Form } from './form.ts';
import { type Interval, union } from './intervals.ts';

/** @throws {GivenUp} for what has no text but the one it was read from. */
export function printForm(form: Form, effort: Effort): string {
  const inOrder = (items: readonly Form[]): string[] => items.map((item) => printForm(item, effort));
  switch (form.kind) {
    case 'value':
      return form.unit ? `${printExpression(form.value, effort)} ${form.unit.text}` : printExpression(form.value, effort);
    case 'labelled':
      return form.label === '' ? printForm(form.value, effort) : `${form.label} = ${printForm(form.value, effort)}`;
    case 'equation':
      return `${printExpression(form.difference, effort)} = 0`;
    case 'inequality':
      return `${printExpression(form.difference, effort)} ${form.isStrict ? '>' : '>='} 0`;
    case 'intervals':
      return printUnion(union(form.parts, effort), form.variable, effort);
    case 'list':
      return inOrder(form.items)
        .map((text, index) => described(form.items[index]!, text))
        .sort()
        .join(', ');
    case 'set':
      return `\\{${[...new Set(inOrder(form.items))].sort().join(', ')}\\}`;
    case 'tuple':
      return `${form.open}${inOrder(form.items).join(', ')}${form.close}`;
    case 'matrix':
      return printMatrix(form.rows, form.isDeterminant, effort);
    case 'ratio':
      // Two digits make it a time of day when it is read.
      return form.parts.map((part, index) => printExpression(part, effort).padStart(form.isClock && index > 0 ? 2 : 0, '0')).join(':');
    case 'based':
      return `${form.digits}_${form.base}`;
    case 'congruence':
      return `${printExpression(form.value, effort)} (mod ${printExpression(form.modulus, effort)})`;
    case 'time':
      return printTime(form.minutes);
    case 'choice':
      return form.letter;
    case 'phrase':
      return PHRASES[form.name] ?? form.name;
    case 'text':
      return form.text;
  }
}

/** Among others a value needs its description. */
const described = (form: Form, text: string): string => (form.kind === 'labelled' && form.description !== '' ? `${form.description} = ${text}` : text);

/** Phrases by names that are no phrases themselves. */
const PHRASES: Readonly<Record<string, string>> = {
  empty: 'no solution',
  reals: 'all real numbers',
  endless: 'infinitely many solutions',
  unknown: 'cannot be determined',
};

function printExpression(expression: Expression, effort: Effort): string {
  return print(normalForm(expression, effort));
}

function printUnion(parts: readonly Interval[], variable: string | undefined, effort: Effort): string {
  if (parts.length === 0) return PHRASES['empty']!;
  const intervals = parts.map(
    ({ low, high }) => `${low.isClosed ? '[' : '('}${printExpression(low.value, effort)}, ${printExpression(high.value, effort)}${high.isClosed ? ']' : ')'}`,
  );
  return `${variable === undefined ? '' : `${variable} ∈ `}${intervals.join(' ∪ ')}`;
}

function printMatrix(rows: readonly (readonly Expression[])[], isDeterminant: boolean, effort: Effort): string {
  const name = isDeterminant ? 'vmatrix' : 'pmatrix';
  const lines = rows.map((row) => row.map((entry) => printExpression(entry, effort)).join(' & '));
  return `\\begin{${name}} ${lines.join(' \\\\ ')} \\end{${name}}`;
}

function printTime(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  return `${hours % 12 || 12}:${String(minutes % 60).padStart(2, '0')} ${hours < 12 ? 'am' : 'pm'}`;
}

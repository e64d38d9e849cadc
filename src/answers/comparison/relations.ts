/** What a relation says: a value with a label, an equation, or where a variable lies. */
import { type Effort, GivenUp } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import { type Answer, isExpression } from '../reading/syntax.ts';
import { type Form, listOf } from './form.ts';
import { intervalsIn } from './intervals-in.ts';
import { inequalities } from './inequalities.ts';
import { isLabel, nameOf, variableOf } from './labels.ts';

type FormOf = (answer: Answer) => Form;

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
  return isCalculation ? formOf(last) : { kind: 'equation', difference: expressions.differenceOf(first, last) };
}

const isDependent = (expression: Expression): boolean => expressions.variablesOf(expression).size > 0;

function labelled(name: Answer, value: Answer, formOf: FormOf): Form {
  const form = formOf(value);
  const isNumeric = isExpression(name) && form.kind === 'value' && !form.unit;
  return {
    kind: 'labelled',
    label: nameOf(name),
    description: name.kind === 'text' ? name.text : '',
    isDefinite: name.kind === 'symbol' || name.kind === 'call',
    value: form,
    difference: isNumeric ? expressions.differenceOf(name, form.value) : undefined,
  };
}

function membership(name: Answer, range: Answer, formOf: FormOf): Form {
  const form = formOf(range);
  const parts = form.kind === 'set' || form.kind === 'list' ? undefined : intervalsIn(form);
  return parts ? { kind: 'intervals', variable: isExpression(name) ? variableOf(name) : undefined, parts } : labelled(name, range, formOf);
}

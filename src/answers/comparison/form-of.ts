/** From what was read to what is compared. */
import type { Effort } from '../algebra/effort.ts';
import { type Expression, numberOf, productOf, sumOf } from '../algebra/expression.ts';
import { compare, invert } from '../algebra/rational.ts';
import { type Answer, isExpression, type Structure } from '../reading/syntax.ts';
import type { Unit } from '../reading/units.ts';
import { type Form, type Labelled, listOf, valueForm } from './form.ts';
import { type Interval, intersection, REALS, union, withoutPoints } from './intervals.ts';
import { intervalsIn } from './intervals-in.ts';
import { formOfRelation } from './relations.ts';
import { withSignsExpanded } from './signs.ts';

/** @throws {GivenUp} for what is not comparable but as text, or costs too much. */
export function formOf(answer: Answer, effort: Effort): Form {
  effort.spend();
  const versions = withSignsExpanded(answer);
  if (versions.length > 1) return listOf(versions.map((version) => formOf(version, effort)));
  if (isExpression(answer)) return valueForm(answer);
  switch (answer.kind) {
    case 'quantity':
      return { ...answer, kind: 'value' };
    case 'sequence':
      return formOfSequence(answer, effort);
    case 'set':
      return { kind: 'set', items: answer.items.map((item) => formOf(item, effort)).flatMap((item) => (item.kind === 'list' ? item.items : [item])) };
    case 'bracketed':
      return formOfBracketed(answer, effort);
    case 'relation':
      return formOfRelation(answer.sides, answer.operators, (side) => formOf(side, effort), effort);
    case 'combination':
      return formOfCombination(answer, effort);
    case 'choice':
      return { ...answer, content: answer.content && formOf(answer.content, effort) };
    default:
      return answer;
  }
}

function formOfBracketed({ open, close, items }: Structure & { readonly kind: 'bracketed' }, effort: Effort): Form {
  return { kind: 'tuple', open, close, items: items.map((item) => formOf(item, effort)) };
}

function formOfSequence({ items, joint }: Structure & { readonly kind: 'sequence' }, effort: Effort): Form {
  const forms = items.map((item) => formOf(item, effort));
  return combinedIntervals(forms, joint, effort) ?? withCommonLabel(forms) ?? compoundQuantity(forms) ?? listOf(forms.map(asAssignment));
}

/** `5 feet 3 inches` is one length: each unit is smaller than the one before. */
function compoundQuantity(forms: readonly Form[]): Form | undefined {
  const terms: Expression[] = [];
  let last: Unit | undefined;
  for (const form of forms) {
    if (form.kind !== 'value' || form.unit?.dimension === undefined) return undefined;
    if (last && (last.dimension !== form.unit.dimension || compare(form.unit.factor, last.factor) >= 0)) return undefined;
    terms.push(productOf([form.value, numberOf(form.unit.factor)]));
    last = form.unit;
  }
  return last && { kind: 'value', value: productOf([sumOf(terms), numberOf(invert(last.factor))]), unit: last };
}

/** `x < 1 or x > 2`, `x > 1 and x < 2`; behind a comma what leaves something over. */
function combinedIntervals(forms: readonly Form[], joint: ',' | 'and' | 'or', effort: Effort): Form | undefined {
  const [first] = forms;
  if (first?.kind !== 'intervals' || !forms.every((form) => form.kind === 'intervals' && form.variable === first.variable)) return undefined;
  const parts = forms.map((form) => (form.kind === 'intervals' ? form.parts : []));
  const common = joint === 'or' ? undefined : parts.reduce<readonly Interval[] | undefined>((rest, next) => rest && intersection(rest, next, effort), REALS);
  if (common && (common.length > 0 || joint === 'and')) return { kind: 'intervals', variable: first.variable, parts: common };
  return { kind: 'intervals', variable: first.variable, parts: union(parts.flat(), effort) };
}

/** `x = 1, 2` and `x = 1 or x = 2` are two values of one variable. */
function withCommonLabel(forms: readonly Form[]): Labelled | undefined {
  const [first, ...others] = forms;
  if (first?.kind !== 'labelled') return undefined;
  const isCommon = others.every((form) => form.kind !== 'labelled' || form.label === first.label);
  const isRepeated = others.every((form) => form.kind === 'labelled');
  if (!isCommon || (!isRepeated && others.some((form) => form.kind === 'labelled'))) return undefined;
  const values = forms.map((form) => (form.kind === 'labelled' ? form.value : form));
  return { ...first, value: listOf(values), difference: undefined };
}

/** Within `p = 5, q = 2; p = 7, q = 2` each half is one solution. */
function asAssignment(form: Form): Form {
  if (form.kind !== 'list' || !form.items.every((item) => item.kind === 'labelled')) return form;
  return { kind: 'tuple', open: '(', close: ')', items: form.items.map((item) => (item.kind === 'labelled' ? item.value : item)) };
}

function formOfCombination({ operator, parts }: Structure & { readonly kind: 'combination' }, effort: Effort): Form {
  const forms = parts.map((part) => formOf(part, effort));
  const [first, ...others] = forms;
  if (operator === '∪' && forms.every((form) => form.kind === 'set'))
    return { kind: 'set', items: forms.flatMap((form) => (form.kind === 'set' ? form.items : [])) };
  const ranges = forms.map((form) => intervalsIn(form));
  if (operator === '∖') {
    const points = others.flatMap((form) => (form.kind === 'set' || form.kind === 'list' ? form.items : [form]));
    const values = points.map((point) => (point.kind === 'value' && !point.unit ? point.value : undefined));
    const rest = ranges[0] && values.every((value) => value !== undefined) ? withoutPoints(ranges[0], values, effort) : undefined;
    if (rest) return { kind: 'intervals', variable: undefined, parts: rest };
  } else if (ranges.every((range) => range !== undefined)) {
    const result =
      operator === '∪'
        ? union(ranges.flat(), effort)
        : ranges.reduce<readonly Interval[] | undefined>((rest, next) => rest && intersection(rest, next, effort), REALS);
    if (result) return { kind: 'intervals', variable: first?.kind === 'intervals' ? first.variable : undefined, parts: result };
  }
  return { kind: 'tuple', open: operator, close: operator, items: forms };
}

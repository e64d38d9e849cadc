/** From what was read to what is compared. */
import type { Effort } from '../algebra/effort.ts';
import { type Expression, integerOf, numberOf, productOf, sumOf } from '../algebra/expression.ts';
import { compare, invert } from '../algebra/rational.ts';
import { type Answer, isExpression, type Structure } from '../reading/syntax.ts';
import type { Unit } from '../reading/units.ts';
import { type Form, type Labelled, listOf, valueForm } from './form.ts';
import { type Interval, intersection, pointOf, REALS, union, withoutPoints } from './intervals.ts';
import { intervalsIn } from './intervals-in.ts';
import { formOfRelation } from './relations.ts';
import { isSameForm } from './same-form.ts';
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
    case 'matrix':
      return answer.isDeterminant ? (determinant(answer.rows) ?? answer) : answer;
    default:
      return answer;
  }
}

const MOST_ROWS = 4;

/** The value of a square `vmatrix`, by its first row (Laplace); `undefined` for a large one. */
function determinant(rows: readonly (readonly Expression[])[]): Form | undefined {
  if (rows.length > MOST_ROWS || rows.some((row) => row.length !== rows.length)) return undefined;
  const expand = ([first, ...others]: readonly (readonly Expression[])[]): Expression => {
    if (!first) return integerOf(1);
    const minor = (column: number): Expression => expand(others.map((row) => row.filter((_, index) => index !== column)));
    return sumOf(first.map((entry, column) => productOf([integerOf(column % 2 === 0 ? 1 : -1), entry, minor(column)])));
  };
  return valueForm(expand(rows));
}

function formOfBracketed({ open, close, items }: Structure & { readonly kind: 'bracketed' }, effort: Effort): Form {
  return { kind: 'tuple', open, close, items: items.map((item) => formOf(item, effort)) };
}

function formOfSequence({ items, joint }: Structure & { readonly kind: 'sequence' }, effort: Effort): Form {
  const forms = exclusions(items).map((item) => formOf(item, effort));
  if (joint === 'or' && forms.every((form) => form.kind === 'value' && isSameForm(form, forms[0]!, effort))) return forms[0]!;
  return combinedIntervals(forms, joint, effort) ?? withCommonLabel(forms) ?? compoundQuantity(forms) ?? listOf(forms.map(asAssignment));
}

/** `x ≠ 1, 2` leaves out both. */
function exclusions(items: readonly Answer[]): readonly Answer[] {
  const [first, ...others] = items;
  if (first?.kind !== 'relation' || first.operators.join() !== '!=' || !others.every(isExpression)) return items;
  return [first, ...others.map((value) => ({ ...first, sides: [first.sides[0]!, value] }))];
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
  const range = forms.find((form) => form.kind === 'intervals');
  if (range?.kind !== 'intervals') return undefined;
  const { variable } = range;
  const parts = forms.map((form) => partsOf(form, variable));
  if (!parts.every((part) => part !== undefined)) return undefined;
  const common = joint === 'or' ? undefined : parts.reduce<readonly Interval[] | undefined>((rest, next) => rest && intersection(rest, next, effort), REALS);
  if (common && (common.length > 0 || joint === 'and')) return { kind: 'intervals', variable, parts: common };
  return { kind: 'intervals', variable, parts: union(parts.flat(), effort) };
}

/** Where a condition on the variable holds: `x > 2`, `x = 2`. */
function partsOf(form: Form, variable: string | undefined): readonly Interval[] | undefined {
  if (form.kind === 'intervals') return form.variable === variable ? form.parts : undefined;
  const isValue = form.kind === 'labelled' && form.isDefinite && form.label === variable && form.value.kind === 'value' && !form.value.unit;
  return isValue && form.value.kind === 'value' ? [pointOf(form.value.value)] : undefined;
}

/** `x = 1, 2` and `x = 1 or x = 2` are two values of one variable. */
function withCommonLabel(forms: readonly Form[]): Labelled | undefined {
  const [first, ...others] = forms;
  if (first?.kind !== 'labelled') return undefined;
  const isCommon = others.every((form) => form.kind !== 'labelled' || (form.label === first.label && form.description === first.description));
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

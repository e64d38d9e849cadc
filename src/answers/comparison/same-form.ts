/** Whether two answers are the same, form by form. Every rule is symmetric or asked both ways. */
import type { Effort } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import { normalForm } from '../algebra/normal-form.ts';
import { rationalValue } from '../algebra/quotient.ts';
import { isInteger } from '../algebra/rational.ts';
import { constantRatio, hasSameValue } from '../algebra/same-value.ts';
import { type Form, type Inequality, valueForm } from './form.ts';
import { intervalsIn } from './intervals-in.ts';
import { type End, type Interval, REALS, union } from './intervals.ts';
import { isMatched } from './matching.ts';
import { isSameQuantity } from './same-quantity.ts';

type Kind = Form['kind'];
type FormOf<K extends Kind> = Form & { readonly kind: K };

/** @throws {GivenUp} where it costs too much. */
export function isSameForm(left: Form, right: Form, effort: Effort): boolean {
  effort.spend();
  if (left.kind === right.kind) return (WITHIN[left.kind] as Rule)(left, right, effort);
  return isSameAcross(left, right, effort) || isSameAcross(right, left, effort);
}

type Rule = (left: Form, right: Form, effort: Effort) => boolean;

/** For two forms of one kind. */
const WITHIN: { readonly [K in Kind]: (left: FormOf<K>, right: FormOf<K>, effort: Effort) => boolean } = {
  value: isSameQuantity,
  labelled: isSameLabelled,
  equation: (left, right, effort) => constantRatio(left.difference, right.difference, effort) !== undefined,
  inequality: isSameInequality,
  intervals: (left, right, effort) => {
    const isOneVariable = (left.variable ?? right.variable) === (right.variable ?? left.variable);
    if (isOneVariable && isSameUnion(left.parts, right.parts, effort)) return true;
    return left.source !== undefined && right.source !== undefined && isSameInequality(left.source, right.source, effort);
  },
  list: (left, right, effort) => isSameList(left.items, right.items, effort),
  set: (left, right, effort) => isSameSet(left.items, right.items, effort),
  tuple: (left, right, effort) => hasSameBrackets(left, right) && isSameInOrder(left.items, right.items, effort),
  matrix: (left, right, effort) => left.isDeterminant === right.isDeterminant && isSameInOrder(rowsOf(left), rowsOf(right), effort),
  ratio: isSameRatio,
  congruence: (left, right, effort) =>
    hasSameValue(left.modulus, right.modulus, effort) && isMultiple(expressions.differenceOf(left.value, right.value), left.modulus, effort),
  based: (left, right) => valueInBase(left) === valueInBase(right) && (left.base !== right.base || left.digits === right.digits),
  time: (left, right) => left.minutes === right.minutes,
  choice: (left, right) => left.letter === right.letter,
  phrase: (left, right) => left.name === right.name,
  text: (left, right) => left.text === right.text,
};

/** For a form and one of another kind. Each pair has one rule, under either. */
const ACROSS: { readonly [K in Kind]?: (form: FormOf<K>, other: Form, effort: Effort) => boolean } = {
  labelled: ({ value, difference, isDefinite }, other, effort) => {
    if (other.kind === 'equation') return difference !== undefined && constantRatio(difference, other.difference, effort) !== undefined;
    // Two values of one variable are no point.
    return !(isDefinite && value.kind === 'list' && other.kind === 'tuple') && isSameForm(value, other, effort);
  },
  choice: ({ letter, content }, other, effort) => (content ? isSameForm(content, other, effort) : isLetter(other, letter)),
  // A pair in falling order is a point, not an interval without points.
  intervals: ({ parts }, other, effort) =>
    other.kind !== 'labelled' && (parts.length > 0 || other.kind !== 'tuple') && isSameUnion(parts, intervalsIn(other), effort),
  inequality: (inequality, other, effort) => other.kind === 'intervals' && other.source !== undefined && isSameInequality(inequality, other.source, effort),
  phrase: ({ name }, other, effort) => {
    if (other.kind === 'set') return name === 'empty' && other.items.length === 0;
    return name === 'reals' && other.kind === 'tuple' && isSameUnion(REALS, intervalsIn(other), effort);
  },
  list: ({ items }, other, effort) => {
    if (other.kind === 'set') return isSameSet(items, other.items, effort);
    // Two numbers in square or unlike brackets are an interval rather than a list.
    return other.kind === 'tuple' && (items.length > 2 || /^\(\)$|^⟨⟩$/.test(other.open + other.close)) && isSameInOrder(items, other.items, effort);
  },
  set: ({ items }, other, effort) => items.length === 1 && other.kind === 'value' && isSameForm(items[0]!, other, effort),
  tuple: ({ items, open }, other, effort) => other.kind === 'value' && !other.unit && /[(⟨]/.test(open) && isSameVector(items, other.value, effort),
  matrix: (matrix, other, effort) => other.kind === 'tuple' && !matrix.isDeterminant && isSameMatrix(matrix, other, effort),
  ratio: ({ parts }, other, effort) => {
    if (other.kind === 'time') return clockMinutes(parts) % HALF_DAY === other.minutes % HALF_DAY;
    return other.kind === 'value' && parts.length === 2 && isSameForm(valueForm(expressions.quotientOf(parts[0]!, parts[1]!)), other, effort);
  },
  congruence: ({ value }, other, effort) => isSameForm(valueForm(value), other, effort),
};

function isSameAcross(form: Form, other: Form, effort: Effort): boolean {
  const rule = ACROSS[form.kind] as Rule | undefined;
  return rule !== undefined && rule(form, other, effort);
}

function isSameInequality(left: Inequality, right: Inequality, effort: Effort): boolean {
  return left.isStrict === right.isStrict && (constantRatio(left.difference, right.difference, effort) ?? -1) > 0;
}

function isSameLabelled(left: FormOf<'labelled'>, right: FormOf<'labelled'>, effort: Effort): boolean {
  const hasOtherName = left.isDefinite && right.isDefinite && left.label !== right.label;
  if (!hasOtherName && isSameForm(left.value, right.value, effort)) return true;
  return Boolean(left.difference && right.difference) && constantRatio(left.difference!, right.difference!, effort) !== undefined;
}

function isSameInOrder(left: readonly Form[], right: readonly Form[], effort: Effort): boolean {
  return left.length === right.length && left.every((item, index) => isSameForm(item, right[index]!, effort));
}

/** In any order; what is named on one side only, or otherwise on the other, has to come in the same order. */
function isSameList(left: readonly Form[], right: readonly Form[], effort: Effort): boolean {
  const [leftNames, rightNames] = [left, right].map(namesOf);
  if (Boolean(leftNames) !== Boolean(rightNames))
    return isNumbered(leftNames ? left : right) ? isMatchedList(left, right, effort) : isSameInOrder(left, right, effort);
  const isDescribed = leftNames && rightNames && [...left, ...right].every((item) => item.kind === 'labelled' && item.description !== '');
  if (!isDescribed) return isMatchedList(left, right, effort);
  const isSameNames = [...leftNames].sort().join('\n') === [...rightNames].sort().join('\n');
  return isSameNames
    ? isMatched(
        [...left.entries()],
        [...right.entries()],
        ([one, item], [other, partner]) => leftNames[one] === rightNames[other] && isSameForm(item, partner, effort),
      )
    : isSameInOrder(left, right, effort);
}

function isMatchedList(left: readonly Form[], right: readonly Form[], effort: Effort): boolean {
  return isMatched(left, right, (one, other) => isSameForm(one, other, effort));
}

/** What all values of a list are called; `undefined` where one has no name. */
function namesOf(items: readonly Form[]): readonly string[] | undefined {
  const names = items.map((item) => (item.kind === 'labelled' ? item.label || item.description : ''));
  return items.every(({ kind }) => kind === 'labelled') ? names : undefined;
}

/** `x_1 = 2, x_2 = 5`: values of one unknown, whose numbers say nothing. */
function isNumbered(items: readonly Form[]): boolean {
  const letters = items.map((item) => (item.kind === 'labelled' ? /^(\w+)_\{?\d\}?$/.exec(item.label)?.[1] : undefined));
  return letters.every((letter) => letter !== undefined && letter === letters[0]);
}

function isSameSet(left: readonly Form[], right: readonly Form[], effort: Effort): boolean {
  const isIn = (item: Form, items: readonly Form[]): boolean => items.some((other) => isSameForm(item, other, effort));
  return left.every((item) => isIn(item, right)) && right.every((item) => isIn(item, left));
}

/** Of three entries and more no bracket makes an interval. */
function hasSameBrackets(left: FormOf<'tuple'>, right: FormOf<'tuple'>): boolean {
  const plain = ({ open, close, items }: FormOf<'tuple'>): string => (items.length > 2 ? '' : `${open}${close}`.replace('⟨', '(').replace('⟩', ')'));
  return plain(left) === plain(right);
}

function rowsOf({ rows }: FormOf<'matrix'>): Form[] {
  return rows.map((row) => ({ kind: 'tuple', open: '(', close: ')', items: row.map(valueForm) }));
}

/** A row or column against a vector; a matrix against a list of rows. */
function isSameMatrix(matrix: FormOf<'matrix'>, { items }: FormOf<'tuple'>, effort: Effort): boolean {
  const isVector = matrix.rows.length === 1 || matrix.rows[0]!.length === 1;
  if (isVector && isSameInOrder(matrix.rows.flat().map(valueForm), items, effort)) return true;
  const rows = items.map((item): Form => (item.kind === 'tuple' ? { ...item, open: '(', close: ')' } : item));
  return isSameInOrder(rowsOf(matrix), rows, effort);
}

const UNIT_VECTORS = ['i', 'j', 'k'];

/** `2i + 3j` against its coordinates. */
function isSameVector(items: readonly Form[], vector: Expression, effort: Effort): boolean {
  const isVector = expressions.contains(vector, (part) => part.kind === 'symbol' && (part.name === 'j' || part.name === 'k'));
  if (!isVector || items.length < 2 || items.length > UNIT_VECTORS.length) return false;
  const terms = items.map((item, axis) => (item.kind === 'value' ? expressions.productOf([item.value, expressions.symbolOf(UNIT_VECTORS[axis]!)]) : undefined));
  return terms.every((term) => term !== undefined) && hasSameValue(expressions.sumOf(terms), vector, effort);
}

/** Proportional; but two times of day have to be the same. */
function isSameRatio(left: FormOf<'ratio'>, right: FormOf<'ratio'>, effort: Effort): boolean {
  if (left.isClock && right.isClock) return clockMinutes(left.parts) === clockMinutes(right.parts);
  if (left.parts.length !== right.parts.length) return false;
  const [first, ...others] = left.parts;
  return others.every((part, index) =>
    hasSameValue(expressions.productOf([first!, right.parts[index + 1]!]), expressions.productOf([right.parts[0]!, part]), effort),
  );
}

const HALF_DAY = 720;

/** Of hours, minutes and, if there are three parts, seconds. */
function clockMinutes(parts: readonly Expression[]): number {
  const [hours, minutes, seconds = 0] = parts.map((part) => (part.kind === 'number' ? Number(part.value.numerator) : NaN));
  return hours! * 60 + minutes! + seconds / 60;
}

function isMultiple(value: Expression, divisor: Expression, effort: Effort): boolean {
  const quotient = rationalValue(normalForm(expressions.quotientOf(value, divisor), effort));
  return quotient !== undefined && isInteger(quotient);
}

/** −1 for digits that the base does not have. */
function valueInBase({ digits, base }: FormOf<'based'>): bigint {
  return [...digits].reduce((value, digit) => {
    const worth = parseInt(digit, 36);
    return value < 0n || !(worth < base) ? -1n : value * BigInt(base) + BigInt(worth);
  }, 0n);
}

/** `e` and `i` are numbers whatever their case. */
function isLetter(form: Form, letter: string): boolean {
  const written = form.kind === 'text' ? form.text : form.kind === 'value' && form.value.kind === 'symbol' ? form.value.name : '';
  return written.toUpperCase() === letter && !/^[ei]$/.test(written);
}

function isSameUnion(left: readonly Interval[] | undefined, right: readonly Interval[] | undefined, effort: Effort): boolean {
  if (!left || !right) return false;
  const [first, second] = [union(left, effort), union(right, effort)];
  return (
    first.length === second.length &&
    first.every(({ low, high }, index) => isSameEnd(low, second[index]!.low, effort) && isSameEnd(high, second[index]!.high, effort))
  );
}

/** Infinite ends are open however they are written. */
function isSameEnd(left: End, right: End, effort: Effort): boolean {
  if (!isSameQuantity({ value: left.value, unit: undefined }, { value: right.value, unit: undefined }, effort)) return false;
  return left.isClosed === right.isClosed || expressions.contains(left.value, (part) => part.kind === 'symbol' && part.name === 'infinity');
}

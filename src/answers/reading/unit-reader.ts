/** Finds units among tokens: `\text{ cm}^2`, `m/s`, `$5`, `90^\circ`. */
import { GivenUp } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import type { Cursor } from './cursor.ts';
import type { Token } from './lexer.ts';
import type { Answer } from './syntax.ts';
import { isKnownUnit, type Unit, unitOf, type UnitPart } from './units.ts';

const CURRENCIES: ReadonlySet<string> = new Set(['$', '€', '£', '¥', '₹']);
const MARKS: ReadonlySet<string> = new Set(['%', '¢', ...CURRENCIES]);
const JOINTS: ReadonlySet<string> = new Set(['/', '*', '^', '-', '{', '}', '°']);
const ENDS: ReadonlySet<string> = new Set([
  ',',
  ';',
  'and',
  'or',
  '=',
  '<',
  '>',
  '<=',
  '>=',
  '!=',
  '≈',
  '≡',
  '⇒',
  ')',
  ']',
  '\\}',
  '⟩',
  '∪',
  '∩',
  '&',
  '\\\\',
  ':',
]);
const LETTERS = /^[mgshLJNWVAKCF]$/;
const ORDINALS = /^(?:st|nd|rd|th)$/;
const MOST_TOKENS = 16;

/** A currency before the number, with a sign between them or before both: it is passed, the sign is kept. */
export function unitBefore(cursor: Cursor): Unit | undefined {
  const offset = cursor.is('-') ? 1 : 0;
  const token = cursor.peek(offset);
  const isCurrency = token && (CURRENCIES.has(token.text) || (token.kind === 'word' && /^(?:USD|US|Rs|EUR|GBP)$/.test(token.text)));
  if (!isCurrency) return undefined;
  const sign = offset === 1 ? cursor.next() : undefined;
  const word = cursor.next().text;
  if (word === 'US') cursor.accept('$');
  if (sign && cursor.peek()) cursor.replace(sign, cursor.peek()!);
  return unitOf([{ word: word === 'US' ? '$' : word, exponent: 1 }]);
}

/** Whether everything up to the end of the entry is a unit. */
export function isUnitAhead(cursor: Cursor, readsLetters: boolean): boolean {
  if (cursor.is('(') && cursor.peek(1)?.text === 'mod') return true;
  const first = cursor.peek();
  if (!first || !startsUnit(first, cursor, readsLetters)) return false;
  for (let offset = 1; offset < MOST_TOKENS; offset++) {
    const token = cursor.peek(offset);
    if (!token || cursor.isAnyOf(ENDS, offset) || (token.text === '}' && !cursor.is('{', offset - 2) && !cursor.is('{', offset - 3))) return true;
    if (!continuesUnit(token, cursor, offset)) return false;
  }
  return false;
}

function startsUnit(token: Token, cursor: Cursor, readsLetters: boolean): boolean {
  if (token.kind === 'operator') return MARKS.has(token.text);
  if (token.kind === 'word' && /^(?:sq|cu|of)$/.test(token.text))
    return cursor.peek(1)?.kind === 'word' || (token.text !== 'of' && cursor.peek(1)?.kind === 'symbol');
  if (token.kind === 'word') return token.isText || isKnownUnit(token.text) || ORDINALS.test(token.text) || (token.isSpaced && !isProductOfLetters(token.text));
  // Bare `sec` and `min` are functions elsewhere.
  if (token.kind === 'function') return token.text === 'sec' && (!cursor.peek(1) || cursor.isAnyOf(ENDS, 1) || cursor.is('^', 1));
  if (token.kind !== 'symbol') return false;
  if (token.text === 'mu') return cursor.peek(1)?.isText === true;
  // `5 m`, `10^{8} m`
  return readsLetters && token.isSpaced && LETTERS.test(token.text) && (cursor.peek(-1)?.kind === 'number' || cursor.is('}', -1));
}

/** `xy` behind a number is a product; `men` is not. */
function isProductOfLetters(word: string): boolean {
  return word.length <= 2 || (word.length === 3 && (!/[aeiou]/.test(word) || [...word].sort().join('') === word));
}

function continuesUnit(token: Token, cursor: Cursor, offset: number): boolean {
  switch (token.kind) {
    case 'word':
      return true;
    case 'operator':
      return JOINTS.has(token.text) || MARKS.has(token.text);
    case 'function':
      return token.text === 'sec';
    case 'number':
      return cursor.is('^', offset - 1) || cursor.is('-', offset - 1) || cursor.is('{', offset - 1);
    case 'symbol':
      return LETTERS.test(token.text);
    case 'command':
      return false;
  }
}

/** Passes a unit. `undefined` where its words carry no meaning. */
export function readUnit(cursor: Cursor): Unit | undefined {
  const parts: UnitPart[] = [];
  let isDivisor = false;
  for (let token = cursor.peek(); token && !cursor.isAnyOf(ENDS) && token.text !== '}'; token = cursor.peek()) {
    cursor.next();
    if (token.text === '^') {
      const last = parts.pop();
      if (!last) throw new GivenUp('A unit cannot start with an exponent.');
      parts.push({ word: last.word, exponent: last.exponent * readExponent(cursor) });
    } else if (token.text === '/' || token.text.toLowerCase() === 'per') isDivisor = true;
    else if (token.text === 'mu') parts.push({ word: `u${cursor.next().text}`, exponent: isDivisor ? -1 : 1 });
    else if (token.kind !== 'operator' || MARKS.has(token.text)) {
      parts.push({ word: token.text, exponent: isDivisor ? -1 : 1 });
      isDivisor = false;
    }
  }
  return unitOf(parts);
}

function readExponent(cursor: Cursor): number {
  const isGroup = cursor.accept('{');
  const sign = cursor.accept('-') ? -1 : 1;
  const exponent = Number(cursor.next().text);
  if (isGroup) cursor.expect('}');
  if (!Number.isInteger(exponent) || exponent > 9) throw new GivenUp('An exponent of a unit is a small integer.');
  return sign * exponent;
}

/** A value with its unit, from before or behind it; degrees are a unit too. */
export function withUnit(value: Expression, before: Unit | undefined, behind: Unit | undefined): Answer {
  const degrees = withoutDegrees(value);
  if (degrees) {
    const scale = behind?.text.replace('°', '') ?? degrees.scale;
    return { kind: 'quantity', value: degrees.value, unit: unitOf([{ word: scale ? `°${scale}` : 'degree', exponent: 1 }])! };
  }
  const unit = before && behind?.dimension === '' ? { ...before, factor: behind.factor } : (before ?? behind);
  if (!unit) return value;
  return unit.dimension === '' ? expressions.productOf([value, expressions.numberOf(unit.factor)]) : { kind: 'quantity', value, unit };
}

/** For a multiple of `x°`: the number of degrees, and the scale of a temperature. */
function withoutDegrees(value: Expression): { readonly value: Expression; readonly scale?: string } | undefined {
  const factors = value.kind === 'product' ? value.factors : [value];
  const found = factors.filter((factor) => factor.kind === 'call' && factor.name === 'degrees');
  const [degrees] = found;
  if (found.length !== 1 || degrees?.kind !== 'call') return undefined;
  const last = factors.at(-1)!;
  const scale = last.kind === 'symbol' && /^[CF]$/.test(last.name) ? last.name : undefined;
  const others = factors.filter((factor) => factor !== degrees && !(scale && factor === last));
  return { value: expressions.productOf([...others, degrees.inputs[0]!]), ...(scale && { scale }) };
}

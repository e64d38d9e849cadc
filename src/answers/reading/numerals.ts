/** Where digits mean more than their value: `\frac12`, `3\frac12`, `101_2`. */
import { GivenUp } from '../algebra/effort.ts';
import * as rationals from '../algebra/rational.ts';
import type { Cursor } from './cursor.ts';
import type { Token } from './lexer.ts';
import type { Answer } from './syntax.ts';

export const FRACTIONS: ReadonlySet<string> = new Set(['frac', 'dfrac', 'tfrac', 'cfrac', 'sfrac', 'nicefrac']);

export function isInteger(token: Token | undefined): boolean {
  return token?.kind === 'number' && /^\d+$/.test(token.text);
}

/** TeX takes one digit for an argument without braces, so the next token is made two. */
export function splitFirstDigit(cursor: Cursor): void {
  const token = cursor.peek();
  if (!token || !isInteger(token) || token.text.length < 2) return;
  const part = (text: string): Token => ({
    ...token,
    text,
    number: { ...token.number!, value: rationals.rational(BigInt(text)), digits: text },
  });
  cursor.replace(part(token.text[0]!), part(token.text.slice(1)));
}

/** Whether a proper fraction of two integers comes next, as it does behind the whole part of a mixed number. */
export function isAtProperFraction(cursor: Cursor): boolean {
  const next = cursor.peek();
  if (next?.kind === 'command' && FRACTIONS.has(next.text)) return isProper(argumentsOfFraction(cursor));
  return next?.isSpaced === true && cursor.is('/', 1) && isProper([next, cursor.peek(2)].map((token) => (isInteger(token) ? token!.text : '')));
}

/** The two integers of a fraction that comes next, as far as they are integers. */
function argumentsOfFraction(cursor: Cursor): string[] {
  const found: string[] = [];
  for (let offset = 1; found.length < 2;) {
    const isBraced = cursor.is('{', offset);
    const token = cursor.peek(isBraced ? offset + 1 : offset);
    if (!isInteger(token) || (isBraced && !cursor.is('}', offset + 2))) break;
    found.push(...(isBraced || token!.text.length === 1 ? [token!.text] : [token!.text[0]!, token!.text.slice(1)]));
    offset += isBraced ? 3 : 1;
  }
  return found;
}

function isProper(parts: readonly string[]): boolean {
  return parts.length === 2 && parts.every((part) => part !== '') && BigInt(parts[0]!) < BigInt(parts[1]!);
}

const BASES: ReadonlyMap<string, number> = new Map(
  Object.entries({ two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10, twelve: 12, sixteen: 16 }),
);

/** The subscript behind the digits of a numeral. @throws {GivenUp} unless it is a base. */
export function basedNumeral(cursor: Cursor, digits: string): Answer {
  cursor.expect('_');
  const isGroup = cursor.accept('{');
  const { text } = cursor.next();
  if (isGroup) cursor.expect('}');
  const base = BASES.get(text.toLowerCase()) ?? Number(text);
  if (!Number.isInteger(base) || base < 2 || base > 36) throw new GivenUp('A base is an integer from 2 to 36.');
  return { kind: 'based', digits, base };
}

/** Names of variables and points, with everything that hangs on them. */
import { GivenUp } from '../algebra/effort.ts';
import type { Cursor } from './cursor.ts';

/** Whether letters make a word rather than a product: vowels in no alphabetical order. Capitals alone are a name, as of a triangle. */
export function isWord(letters: string): boolean {
  const isName = /^[A-Z][a-z]/.test(letters);
  return letters.length > 2 && /[aeiou]/i.test(letters) && !/^[A-Z]+$/.test(letters) && (isName || [...letters].sort().join('') !== letters);
}

const SHORT_WORDS = new Set(['of', 'to', 'in', 'on', 'at', 'by', 'is', 'vs', 'for']);

/** Whether a short word stands between numbers: `3 of 5`, unlike the `by` in `ax + by`. */
export function isShortWord(cursor: Cursor): boolean {
  const [before, word, after] = [cursor.peek(-1), cursor.peek(), cursor.peek(1)];
  return (
    word !== undefined &&
    SHORT_WORDS.has(word.text) &&
    before?.kind === 'number' &&
    after?.isSpaced === true &&
    (after.kind === 'number' || after.kind === 'symbol')
  );
}

/** A name with the primes and subscripts that follow: `x'`, `x_{n+1}`. */
export function markedName(cursor: Cursor, name: string): string {
  let result = name;
  for (;;) {
    if (cursor.is('^') && (cursor.is("'", 1) || (cursor.is('{', 1) && cursor.is("'", 2)))) {
      cursor.next();
      result += rawArgument(cursor);
    } else if (cursor.accept("'")) result += "'";
    else if (cursor.accept('_')) result += `_{${rawArgument(cursor)}}`;
    else return result;
  }
}

/** A braced group or one token, as text. */
export function rawArgument(cursor: Cursor): string {
  const start = cursor.position;
  if (!cursor.accept('{')) {
    const token = cursor.next();
    // TeX takes one letter: `k_BT` is `k_B T`; but `x_max` is meant as it stands.
    if (token.kind === 'word' && !token.isText && /^[A-Z]{2}/.test(token.text)) {
      cursor.insert({ ...token, kind: token.text.length === 2 ? 'symbol' : 'word', text: token.text.slice(1), isSpaced: false });
      return token.text[0]!;
    }
    return token.kind === 'command' ? `\\${token.text}` : token.text;
  }
  for (let depth = 1; depth > 0;) {
    const { text } = cursor.next();
    depth += text === '{' ? 1 : text === '}' ? -1 : 0;
  }
  return cursor.textBetween(start + 1, cursor.position - 1);
}

/** `ABC` or `{ABC}` behind `\angle`. */
export function nameOfPoints(cursor: Cursor): string {
  if (cursor.is('{')) return rawArgument(cursor);
  let name = '';
  for (let token = cursor.peek(); token && (token.kind === 'symbol' || token.kind === 'word'); token = cursor.peek()) {
    cursor.next();
    name += markedName(cursor, token.text);
  }
  if (name === '') throw new GivenUp('Points are missing.');
  return name;
}

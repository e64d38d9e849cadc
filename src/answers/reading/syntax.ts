/** What an answer can be: arithmetic, and structures of it. */
import type { Expression } from '../algebra/expression.ts';
import type { Unit } from './units.ts';

export type Answer = Expression | Structure;

export type Structure =
  | { readonly kind: 'quantity'; readonly value: Expression; readonly unit: Unit }
  /** Several answers: `2, 3`, `x = 1 or x = 2`. */
  | { readonly kind: 'sequence'; readonly items: readonly Answer[]; readonly joint: Joint }
  | { readonly kind: 'set'; readonly items: readonly Answer[] }
  /** A point, a vector or an interval; what it is shows when it is compared. */
  | { readonly kind: 'bracketed'; readonly open: string; readonly close: string; readonly items: readonly Answer[] }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly Expression[])[]; readonly isDeterminant: boolean }
  /** `a < b ≤ c` has three sides and two operators. */
  | { readonly kind: 'relation'; readonly sides: readonly Answer[]; readonly operators: readonly string[] }
  | { readonly kind: 'combination'; readonly operator: '∪' | '∩' | '∖'; readonly parts: readonly Answer[] }
  /** `3 : 4`, `12:30`. */
  | { readonly kind: 'ratio'; readonly parts: readonly Expression[]; readonly isClock: boolean }
  /** `101_2`. */
  | { readonly kind: 'based'; readonly digits: string; readonly base: number }
  | { readonly kind: 'congruence'; readonly value: Expression; readonly modulus: Expression }
  /** A time of day, in minutes since midnight. */
  | { readonly kind: 'time'; readonly minutes: number }
  | { readonly kind: 'choice'; readonly letter: string; readonly content?: Answer }
  /** A fixed phrase: `empty`, `reals`, `undefined`, `yes`. */
  | { readonly kind: 'phrase'; readonly name: string }
  /** Anything else, in one spelling. */
  | { readonly kind: 'text'; readonly text: string };

export type Joint = ',' | 'and' | 'or';

const ARITHMETIC: ReadonlySet<string> = new Set(['number', 'symbol', 'sum', 'product', 'power', 'call', 'sign']);

export function isExpression(answer: Answer): answer is Expression {
  return ARITHMETIC.has(answer.kind);
}

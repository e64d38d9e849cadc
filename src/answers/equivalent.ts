/**
 * Whether two answers mean the same, in pure TypeScript and within bounded time and memory.
 *
 * Answers are read by a parser for LaTeX and plain notation and compared by kind: numbers and algebra exactly where there is
 * a normal form (rationals, radicals, polynomials and their quotients), else in doubles with a bound on their rounding, at
 * fixed points; lists and sets in any order; intervals, tuples, matrices, equations, inequalities, units, words.
 *
 * @module
 */
import { attempt, Effort } from './algebra/effort.ts';
import { formsOfText } from './comparison/forms-of-text.ts';
import { isSameForm } from './comparison/same-form.ts';

const MOST_STEPS = 20_000;
const PLAIN_INTEGER = /^-?\d{1,15}$/;

/**
 * Whether two answers mean the same. Symmetric and reflexive, but not transitive: `50` and `50%` are the same, `50%` and
 * `0.5` are, `50` and `0.5` are not. Never throws; what cannot be read, or costs too much, is compared as text.
 */
export function equivalent(left: string, right: string): boolean {
  if (left.trim() === right.trim()) return true;
  if (PLAIN_INTEGER.test(left) && PLAIN_INTEGER.test(right)) return Number(left) === Number(right);
  const effort = new Effort(MOST_STEPS);
  // A fixed order, so that the limit on steps cannot make the two directions differ.
  const [first, second] = left < right ? [left, right] : [right, left];
  const seconds = formsOfText(second);
  return formsOfText(first).some((one) => seconds.some((other) => attempt(() => isSameForm(one, other, effort)) ?? false));
}

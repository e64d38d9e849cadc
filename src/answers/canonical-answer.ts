/**
 * One spelling for answers that mean the same, as far as there is one.
 *
 * @module
 */
import { attempt, Effort } from './algebra/effort.ts';
import { formsOfText } from './comparison/forms-of-text.ts';
import { printForm } from './comparison/print-form.ts';
import { equivalent } from './equivalent.ts';

const MOST_STEPS = 20_000;

/**
 * A canonical spelling: fractions in lowest terms (`0.5` is `1/2`), sums expanded and sorted, lists sorted, words in small
 * letters. Two answers with one canonical spelling are equivalent; equivalent answers mostly, not always, have one
 * (a missing unit, rounded decimals and identities of functions are found by comparison alone). Applying it again changes nothing.
 */
export function canonicalAnswer(text: string): string {
  const plain = text.trim();
  const printed = printedOnce(plain);
  // A spelling that would be read differently is no spelling of this answer.
  return printed !== undefined && printedOnce(printed) === printed && equivalent(plain, printed) ? printed : plain;
}

function printedOnce(text: string): string | undefined {
  return attempt(() => printForm(formsOfText(text)[0], new Effort(MOST_STEPS)));
}

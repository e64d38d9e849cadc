/** The forms that a text can be read as. */
import { attempt, Effort } from '../algebra/effort.ts';
import { readAnswer } from '../reading/read-answer.ts';
import type { Form } from './form.ts';
import { formOf } from './form-of.ts';

const MOST_STEPS = 20_000;
/** A vote compares the same few answers again and again. */
const MOST_REMEMBERED = 512;
const LONGEST_REMEMBERED = 256;

const remembered = new Map<string, readonly [Form, ...Form[]]>();

/** Most likely first. A pure function of the text: what is remembered is forgotten oldest first. */
export function formsOfText(text: string): readonly [Form, ...Form[]] {
  const known = remembered.get(text);
  if (known) return known;
  const [first, ...others] = readAnswer(text);
  const read = (answer: typeof first): Form => attempt(() => formOf(answer, new Effort(MOST_STEPS))) ?? { kind: 'text', text: text.trim().toLowerCase() };
  const forms: readonly [Form, ...Form[]] = [read(first), ...others.map(read)];
  if (text.length <= LONGEST_REMEMBERED) {
    if (remembered.size >= MOST_REMEMBERED) for (const oldest of remembered.keys()) if (remembered.delete(oldest)) break;
    remembered.set(text, forms);
  }
  return forms;
}

import { closingBrace } from '../reading/notation.ts';
import { cleanAnswer } from './clean-answer.ts';

const BOX = /\\(?:boxed|fbox)(?![a-zA-Z])\s*/g;
/** What follows a box without braces: a command with its arguments, or a run up to a space or the end of the mathematics. */
const UNBRACED = /^(?:\\[a-zA-Z]+(?:\{[^{}]*\})*|[^\s$\\{}]+)/;

/** The content of the last `\boxed{…}` or `\fbox{…}`, with braces matched; of `\boxed 5` what follows. */
export function boxedAnswer(text: string): string | undefined {
  const box = [...text.matchAll(BOX)].at(-1);
  if (!box) return undefined;
  const start = box.index + box[0].length;
  if (text[start] !== '{') return cleanAnswer(UNBRACED.exec(text.slice(start))?.[0] ?? '');
  const end = closingBrace(text, start);
  return end < 0 ? undefined : cleanAnswer(text.slice(start + 1, end));
}

/** Text of models and files on a terminal: in its width, and without a say over it. */
import sliceAnsi from 'slice-ansi';

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Cut short of the edge of a terminal, so that it takes one line: a wide character may stand on the edge. */
export function fitLine(line: string, columns: number): string {
  return sliceAnsi(line, 0, Math.max(1, columns - 1));
}

/** The end of a text as one line of at most so many columns. */
export function tailOf(text: string, columns: number): string {
  const words = plainText(text.slice(-4 * columns))
    .replace(/\s+/g, ' ')
    .trim();
  if (words.length <= columns && sliceAnsi(words, 0, columns) === words) return words;
  const tail = words.slice(-(columns - 1));
  // Characters of East Asia take two columns.
  const fitting = sliceAnsi(tail, 0, columns - 1) === tail ? tail : words.slice(-Math.floor((columns - 1) / 2));
  return `…${fitting.replace(/^[\udc00-\udfff]/, '')}`;
}

/** The text without control characters other than tab and line break: an escape sequence in an answer moves no cursor. */
export function plainText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(CONTROLS, '');
}

/** `1 token`, `2 tokens`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

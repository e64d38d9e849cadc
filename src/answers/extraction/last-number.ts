import { cleanAnswer } from './clean-answer.ts';

/** A hyphen behind a word or a bracket is an operator or a range. */
const SIGN = String.raw`(?:(?<![\w)\]}])[-+])?`;
/** `3/8`, `2 1/2`; of the date `3/4/2020` no part is a fraction. */
const FRACTION = String.raw`(?:(?<![\d.,/])\d{1,3} )?(?<![\d.,/])\d+/\d+(?!\.?\d|/)`;
/** A comma is a thousands separator only before three digits. */
const DECIMAL = String.raw`\$?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)`;
const NUMBER = new RegExp(`${SIGN}(?:${FRACTION}|${DECIMAL})`, 'g');

/** Mathematics that is set off; `$` by the rule of Pandoc, so that it is no currency. */
const MATHEMATICS = /(?<![\\$])(?:\$\$([^$]+)\$\$|\$(?!\s)([^$]+?)(?<![\s\\])\$(?![\d$])|\\\(([^]{1,400}?)\\\)|\\\[([^]{1,400}?)\\\])/g;
/** Behind the last of these stands the value. */
const EQUALITY = /=|\\approx(?![a-zA-Z])|≈/;

/** The last number in the text; a fraction of two integers is one. */
export function lastNumber(text: string): string | undefined {
  const [number] = lastMatch(NUMBER, text) ?? [];
  return number === undefined ? undefined : cleanAnswer(number);
}

/** The mathematics that the last number stands in, as `\frac{3}{8}`, behind its last sign of equality; `undefined` where it stands in prose. */
export function lastInMathematics(text: string): string | undefined {
  const number = lastMatch(NUMBER, text);
  const set = lastMatch(MATHEMATICS, text);
  if (!number || !set || number.index < set.index || number.index >= set.index + set[0].length) return undefined;
  const [, ...contents] = set;
  const content = contents.find((part) => part !== undefined) ?? '';
  return cleanAnswer(
    content
      .split(EQUALITY)
      .at(-1)!
      .trim()
      .replace(/[,;.]$/, ''),
  );
}

function lastMatch(pattern: RegExp, text: string): RegExpExecArray | undefined {
  return [...text.matchAll(pattern)].at(-1);
}

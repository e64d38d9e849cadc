/**
 * Finding the final answer in a text. Extractors are plain functions and compose with `firstOf`.
 *
 * @module
 */
import type { AnswerExtractor } from '../contracts/answer.ts';

/** A hyphen behind a word or a bracket is an operator or a range, not a sign; a comma is a thousands separator only before three digits. */
const NUMBER = /(?:(?<![\w)\]}])[-+])?\$?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)/g;
const NUMBER_ALONE = /^([-+]?)(\d{1,3}(?:,\d{3})+|\d*)(?:\.(\d+))?$/;

/** The text after the last `####`, up to the end of its line (GSM8K's form). */
export function answerAfterHashes(text: string): string | undefined {
  const start = text.lastIndexOf('####');
  if (start < 0) return undefined;
  return cleaned(text.slice(start + 4).split('\n', 1)[0]!);
}

/** The content of the last `\boxed{…}`, with braces matched. */
export function boxedAnswer(text: string): string | undefined {
  const start = text.lastIndexOf('\\boxed{');
  if (start < 0) return undefined;
  const from = start + '\\boxed{'.length;
  let depth = 1;
  for (let index = from; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index++;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return cleaned(text.slice(from, index));
  }
  return undefined;
}

/** The last number in the text. */
export function lastNumber(text: string): string | undefined {
  const numbers = text.match(NUMBER);
  return numbers ? cleaned(numbers.at(-1)!) : undefined;
}

/** The first extractor's answer, else the next one's. */
export function firstOf(...extractors: readonly AnswerExtractor[]): AnswerExtractor {
  return (text) => {
    for (const extract of extractors) {
      const answer = extract(text);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}

/** After `####`, in `\boxed{}`, or the last number. */
export const extractAnswer: AnswerExtractor = firstOf(answerAfterHashes, boxedAnswer, lastNumber);

/** An answer that was written out: after `####` or in `\boxed{}`. A text without one is unfinished. */
export const explicitAnswer: AnswerExtractor = firstOf(answerAfterHashes, boxedAnswer);

/** Numbers in one form, so that `$1,200.50` and `1200.5` are one answer; other text as it stands. */
function cleaned(text: string): string | undefined {
  const trimmed = text.trim().replace(/\.$/, '');
  if (!trimmed) return undefined;
  const [, sign, integer = '', decimals = ''] = NUMBER_ALONE.exec(trimmed.replace(/\$/g, '')) ?? [];
  if (integer + decimals === '') return trimmed;
  const whole = integer.replaceAll(',', '').replace(/^0+(?=\d)/, '') || '0';
  const fraction = decimals.replace(/0+$/, '');
  const magnitude = fraction ? `${whole}.${fraction}` : whole;
  return sign === '-' && magnitude !== '0' ? `-${magnitude}` : magnitude;
}

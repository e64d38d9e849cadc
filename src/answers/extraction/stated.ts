import { unwrapped } from '../reading/notation.ts';
import { cleanAnswer } from './clean-answer.ts';

/** `the final answer is`, `Answer:`, `**Answer**:`, `the answer to this question is`, `the correct option is` */
const STATEMENT =
  /\b(?:answer|ans|(?:correct|right|best)\s+(?:option|choice))\b(?:\s+(?:to|of|for)\b[^.:\n]{1,80}?)?\**\s*(?:(?:is|are|would be|will be|must be|should be|equals|=)\b\**\s*:?|:|=)\**[ \t]*/gi;
/** `**Final Answer**` as a line of its own. */
const HEADING = /^[#* \t]*(?:final\s+)?answer[* \t]*:?[* \t]*$/gim;
/** Closes emphasis that the statement may have opened; `2**3` is a power. */
const CLOSING_EMPHASIS = /\*\*(?=[\s.,;:!?]|$)/;
const DISPLAYED = /^\s*(?:\$\$([^]+?)\$\$|\\\[([^]+?)\\\])/;
const SENTENCE_END = /(?<!\d)\.(?=\s|$)|\.(?=\s*$|\s+[A-Z])|\n|[;,]\s+(?:because|since|so|as|which|where|and\s+so)\b|\s+(?:because|since)\b/;
const MOST_CHARACTERS = 400;
/** An answer in words is short; longer prose is no answer. */
const MOST_WORDS = 6;

/** What the last "the answer is …" states: mathematics that is set off, or the rest of the sentence. */
export function statedAnswer(text: string): string | undefined {
  const last = [...text.matchAll(STATEMENT), ...text.matchAll(HEADING)].sort((left, right) => left.index - right.index).at(-1);
  if (!last) return undefined;
  const rest = text.slice(last.index + last[0].length, last.index + last[0].length + MOST_CHARACTERS).trimStart();
  const stated = displayedMathematics(rest) ?? sentenceIn(rest);
  return isProse(stated) ? undefined : cleanAnswer(unwrapped(stated));
}

/** The content of `$$…$$` or `\[…\]` at the start of a text. */
export function displayedMathematics(text: string): string | undefined {
  const displayed = DISPLAYED.exec(text);
  return displayed?.[1] ?? displayed?.[2];
}

function isProse(text: string): boolean {
  return !/[\d\\$]/.test(text) && text.trim().split(/\s+/).length > MOST_WORDS;
}

/** Up to the end of the sentence. */
function sentenceIn(text: string): string {
  const end = SENTENCE_END.exec(text)?.index ?? text.length;
  const sentence = text.slice(0, end);
  return sentence.split('**').length % 2 === 0 ? sentence.replace(CLOSING_EMPHASIS, '') : sentence;
}

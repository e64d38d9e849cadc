import { cleanAnswer } from './clean-answer.ts';
import { displayedMathematics } from './stated.ts';

const MARK = '####';
/** What a section is called, also where a text was cut behind its heading. */
const SECTION =
  /^(?:step|part|case|section|phase|method|approach|stage|problem|question|solution|explanation|reasoning|conclusion|summary|verification|check|analysis|given|proof|note|example)\b/i;
const NUMBERED_SECTION = /^\(?(?:\d{1,2}|[ivx]{1,4}|[a-z])[.)]\s+\p{L}/iu;
const ANSWER_HEADING = /^\*{0,2}(?:the\s+)?(?:final\s+)?answer\b\*{0,2}\s*(?:is\b)?\s*:?\*{0,2}\s*/i;

/**
 * The text after the last `####`, up to the end of its line (GSM8K's form). Markdown headings of the fourth level are passed
 * over: names of sections, and words with more text below them. Behind a heading `#### Answer` the answer may be on the next line.
 */
export function answerAfterHashes(text: string): string | undefined {
  for (let start = text.lastIndexOf(MARK); start >= 0; start = start === 0 ? -1 : text.lastIndexOf(MARK, start - 1)) {
    const { line, below } = lineAt(text, start + MARK.length);
    const heading = ANSWER_HEADING.exec(line)?.[0];
    if (heading) return cleanAnswer(line.slice(heading.length)) ?? cleanAnswer(displayedMathematics(below) ?? below.trimStart().split('\n', 1)[0]!);
    if (!isHeading(line, below)) return cleanAnswer(line);
    // The other marks of a longer row of `#` are no headings of their own.
    while (text[start - 1] === '#') start--;
  }
  return undefined;
}

function lineAt(text: string, start: number): { readonly line: string; readonly below: string } {
  const end = text.indexOf('\n', start);
  return end < 0 ? { line: text.slice(start).trim(), below: '' } : { line: text.slice(start, end).trim(), below: text.slice(end) };
}

function isHeading(line: string, below: string): boolean {
  const plain = line.replace(/^[*_]+/, '');
  if (SECTION.test(plain) || NUMBERED_SECTION.test(plain)) return true;
  const isProse = !/\d|\\|[=<>^]/.test(plain) && plain.length > 1;
  return isProse && (plain.endsWith(':') || below.trim() !== '');
}

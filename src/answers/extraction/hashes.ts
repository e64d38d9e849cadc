import { cleanAnswer } from './numbers.ts';
import { proseIn } from './said.ts';
import { displayedMathematics } from './stated.ts';
import { valueIn } from './value-in.ts';
import { ANSWER, COPULA } from './words.ts';

const MARK = /####+/g;
/** The rest of a mark that a text was cut in, and that went on after another. */
const MARK_AGAIN = /^#+(?:\s+|$)/;
/** What a section is called, also where a text was cut after its heading. */
const SECTION =
  /^(?:step|part|case|section|phase|method|approach|stage|problem|question|solution|explanation|reasoning|conclusion|summary|verification|check|analysis|given|proof|note|example)\b/i;
const NUMBERED_SECTION = /^\(?(?:\d{1,2}|[ivx]{1,4}|[a-z])[.)]\s+\p{L}/iu;
const ANSWER_HEADING = new RegExp(String.raw`^\*{0,2}(?:the\s+)?(?:final\s+)?${ANSWER}\*{0,2}\s*(?:${COPULA}\s*)?:?\*{0,2}\s*`, 'iu');
const MOST_BELOW = 400;

/**
 * What stands after the last `####`, up to the end of its line (GSM8K's form). Markdown headings of the fourth level are passed
 * over: names of sections, and words with more text below them. Below a heading `#### Answer` the answer may be on the next line.
 */
export function answerAfterHashes(text: string): string | undefined {
  const said = proseIn(text).trimEnd();
  for (const { 0: mark, index } of [...said.matchAll(MARK)].reverse()) {
    const start = index + mark.length;
    const lineEnd = said.indexOf('\n', start);
    const end = lineEnd < 0 ? said.length : lineEnd;
    const line = said.slice(start, end).trim().replace(MARK_AGAIN, '');
    if (line === '' && start < said.length && lineEnd < 0) continue;
    const heading = ANSWER_HEADING.exec(line)?.[0];
    const below = said.slice(end, end + MOST_BELOW).trimStart();
    const stated = heading === undefined ? line : line.slice(heading.length) || (displayedMathematics(below) ?? below.split('\n', 1)[0]!);
    if (heading === undefined && isHeading(line, end < said.length)) continue;
    return cleanAnswer(valueIn(stated) ?? stated, said);
  }
  return undefined;
}

function isHeading(line: string, isFollowed: boolean): boolean {
  const plain = line.replace(/^[*_]+/, '');
  if (SECTION.test(plain) || NUMBERED_SECTION.test(plain)) return true;
  const isProse = !/\p{Nd}|\\|[=<>^]/u.test(plain) && plain.length > 1;
  return isProse && (plain.endsWith(':') || isFollowed);
}

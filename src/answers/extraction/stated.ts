import { closingBrace } from '../reading/wrapping.ts';
import { mathematicsIn, valueOf } from './mathematics.ts';
import { cleanAnswer } from './numbers.ts';
import { proseIn } from './said.ts';
import { valueIn } from './value-in.ts';
import { ANSWER, COPULA } from './words.ts';

/** `the final answer is`, `Answer:`, `**Answer**:`, `the answer to this question is`, `<answer>`, `"answer":` */
const STATEMENT = new RegExp(
  String.raw`${ANSWER}(?:\s+(?:to|of|for)\s[^.:\n]{1,80}?|\s+(?:final|finale))?["'”*_)\]}]{0,4}\s{0,3}(?:${COPULA}[*_}]{0,3}\s{0,3}:?|(?<=<answer)>)[*_}]{0,3}[ \t]{0,9}`,
  'giu',
);
/** `**Final Answer**` as a line of its own. */
const HEADING = new RegExp(String.raw`^[#*_ \t]*(?:the\s)?(?:final\s|correct\s)?${ANSWER}[*_:： \t]*$`, 'gimu');
const SENTENCE_END =
  /(?<!\d|\b(?:approx|ca|vs|no))\.(?=\s|$)|\.(?=\s*$|\s+[A-Z(])|!(?=\s*$|\s+[A-Z])|。|です|である|입니다|이다|\n|<\/|[;,]\s+(?:because|since|so|as|which|where|and\s+so|i\.e|namely|leaving|giving|making|(?:obtained|found|calculated|computed)\s+by|that\s+is|(?:not\s+)?including|this|it)\b|\s+\(?(?:because|since|whereas|which|(?:if|when)\s+(?:rounded|we|you|it|the))\b|\s+(?:—|–|--)\s+(?=\p{L}{2})/giu;
/** Emphasis that the statement may have opened is closed before one of these; `2**3` is a power. */
const EMPHASIS = /([*_]+)[ \t]*$/;
/** What is said of an answer rather than what it is. */
const REMARK =
  /^(?:an? (?:[a-z-]+ ){0,3}(?:integer|number|fraction|multiple|percentage)\b(?! \d)|found|obtained|calculated|computed|determined|derived|(?:in)?correct|wrong|right|shown|expected|required|needed|provided|expressed|rounded)\b/i;
/** Marks alone, or what a prompt writes in place of an answer. */
const NOTHING = /^(?:[?!.…\s_–—-]*|X["”'].*|["“'<[]?(?:your|the)(?: final)? answer(?: here)?["”'>\]]?)$/i;
const NEGATION = /^not\s(?!.*\s(?:but|rather)\s)/i;
/** `14 is the answer` */
const BEFORE = new RegExp(
  String.raw`(?<![\w.,$])(-?\$?\d[\d.,/]{0,30}%?|\$[^$\n]{1,80}\$)\s+is\s+(?:the|our|my)\s+(?:final\s+|right\s+|correct\s+)?${ANSWER}`,
  'giu',
);
const MOST_CHARACTERS = 400;

/** What the last "the answer is …" states that states something: mathematics that is set off, or the value in the rest of the sentence. */
export function statedAnswer(text: string): string | undefined {
  const said = proseIn(text);
  const statements = [...said.matchAll(STATEMENT), ...said.matchAll(HEADING)].sort((left, right) => right.index - left.index);
  for (const { 0: words, index } of statements) {
    const start = index + words.length;
    const rest = said.slice(start, start + MOST_CHARACTERS).replace(/^(?:\n\s*[-*>•]\s|\s|\.{2,}|…)+/, '');
    const clause = words.includes('"') ? inQuotes(rest) : withoutClosing(sentenceIn(rest), ['**', '`', EMPHASIS.exec(words)?.[1] ?? '`']);
    // `The answer is not 12. It is 14.`
    if (NEGATION.test(clause) && /\d/.test(rest.slice(clause.length))) return undefined;
    const isStructure = words.includes('"') && /^[{[]/.test(clause);
    const value = displayedMathematics(rest) ?? (isStructure ? clause : REMARK.test(clause) || isCut(clause) ? undefined : valueIn(clause));
    const answer = value === undefined || NOTHING.test(value) || (/^answers/i.test(words) && !/[\d\\$]/.test(value)) ? undefined : cleanAnswer(value, said);
    if (answer !== undefined) return answer;
  }
  const before = [...said.matchAll(BEFORE)].at(-1)?.[1];
  return before === undefined ? undefined : cleanAnswer(valueIn(before) ?? before, said);
}

/** The mathematics displayed at the start of a text. */
export function displayedMathematics(text: string): string | undefined {
  const [first] = /^(?:\$\$|\\\[|\\begin)/.test(text) ? mathematicsIn(text) : [];
  if (first?.index !== 0) return undefined;
  return first.content.startsWith('\\begin') ? valueOf(first.content) : first.content;
}

/** Whether a text was cut within mathematics. */
function isCut(text: string): boolean {
  return /\\[([](?![^]*\\[)\]])/.test(text) || closingBraceMissing(text);
}

function closingBraceMissing(text: string): boolean {
  const open = text.indexOf('{');
  return open >= 0 && closingBrace(text, open) < 0;
}

/** A value of JSON, up to the next mark of it. */
function inQuotes(text: string): string {
  return /^[{[][^\n]*?[}\]]/.exec(text)?.[0] ?? /^"?([^"\n}]*)/.exec(text)![1]!.replace(/,\s*$/, '');
}

/** Up to the end of the sentence, which is not within mathematics. */
function sentenceIn(text: string): string {
  const set = mathematicsIn(text);
  const end = [...text.matchAll(SENTENCE_END)].find((mark) => !set.some(({ index, end: close }) => mark.index > index && mark.index < close))?.index;
  return text.slice(0, end);
}

/** Without the marks that close what was opened before the sentence. */
function withoutClosing(sentence: string, marks: readonly string[]): string {
  return marks.reduce((text, mark) => {
    const parts = text.split(mark);
    const closing = parts.length % 2 === 0 ? parts.findIndex((part, index) => index > 0 && /^(?:[\s.,;:!?]|$)/.test(part)) : -1;
    return closing < 0 ? text : parts.slice(0, closing).join(mark) + parts.slice(closing).join(mark);
  }, sentence);
}

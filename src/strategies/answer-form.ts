/**
 * In which form a prompt asks for its answer, and how a model that has to answer at once is brought to that form: text that
 * begins it, and where it ends. No opening ends in a space: tokenizers put spaces in front of words, and after one that stands
 * by itself models write badly.
 *
 * @module
 */
import { answerAfterHashes, boxedAnswer, choiceAnswer, extractAnswer, jsonAnswer } from '../answers/extract-answer.ts';
import type { AnswerExtractor } from '../contracts/answer.ts';
import { isJsonClosed, jsonOpening } from './json-opening.ts';

/** How an answer is asked for in the middle of a text. */
export interface AnswerForm {
  readonly name: 'marked' | 'boxed' | 'tagged' | 'json' | 'labelled' | 'sentence';
  /** What is appended to a text for the model to go on with its answer. Begins on a line of its own. */
  opening(text: string): string;
  /** What is appended to an answer that was begun and left open, at the end of its line; empty where nothing is open. */
  closing(answer: string): string;
  /** Where a segment of the answer ends. */
  readonly stop: readonly string[];
  /** Most tokens of the answer. */
  readonly maxTokens: number;
  /** Whether the answer ends where the segment has met a stop string. @param answer - What follows the opening. */
  isClosed(answer: string): boolean;
  /** What follows the opening where a text ends within an answer of this form; `undefined` where it does not. */
  begun(text: string): string | undefined;
  /** Reads an answer that was asked for, from the opening on. @default as answers of finished texts are read */
  readonly read?: AnswerExtractor;
}

/** A place in a prompt that asks for a form. */
interface Request {
  readonly at: number;
  readonly form: AnswerForm;
}

const LINE_ENDS = ['\n'] as const;
const SENTENCE_ENDS = ['\n', '. ', '.\n'] as const;
/** Numbers, short names and formulas on a line. */
const LINE_TOKENS = 16;
/** Formulas: a matrix or a tuple of fractions takes as many. */
const BOX_TOKENS = 24;
const JSON_TOKENS = 24;
const CHOICE_TOKENS = 4;

/** What goes before an answer that is asked for in the middle of a solution: without it, small models go on with the next step. */
interface Hint {
  /** On the line of the answer. */
  readonly lead: string;
  /** On a line of its own. */
  readonly sentence: string;
}

/** `npm run eval:forced` measures both. A promise of a number keeps sentences and calculations away, and must not be made of other answers. */
const NUMBER_HINT: Hint = { lead: 'The answer is a number:', sentence: 'The answer is a number.' };
const PLAIN_HINT: Hint = { lead: 'The answer is', sentence: 'The answer in short.' };

const ASKS_NUMBER =
  /\bhow (?:many|much|long|far|fast|old|tall|large|heavy)\b|\b(?:what|find|determine|compute|calculate)\b[^.?!\n]{0,60}\b(?:number|total|sum|product|average|mean|median|probability|percent(?:age)?|cost|price|amount|profit|distance|speed|age|area|volume|perimeter)\b/i;
/** Numbers that come in other company, or are none. */
const ASKS_OTHERWISE =
  /\b(?:in terms of|ordered|pairs?|triples?|tuples?|intervals?|coordinates|vectors?|matrix|set of|separated by|expressions?|formulas?|polynomials?|which|who|whose|name)\b|\b(?:all|both)\b[^.?!\n]{0,40}\b(?:values|solutions|roots|numbers)\b/i;

function hintFor(texts: readonly string[]): Hint {
  const question = texts.at(-1) ?? '';
  return ASKS_NUMBER.test(question) && !ASKS_OTHERWISE.test(question) ? NUMBER_HINT : PLAIN_HINT;
}

/** A line that is empty, as models write after a label, is no answer yet. */
const hasText = (answer: string): boolean => answer.trim() !== '';

/** What models that were trained so write before their answers; the rest of the line is the answer. */
export function markedForm(suffix: string): AnswerForm {
  const mark = suffix.trim();
  return {
    name: 'marked',
    opening: () => suffix,
    closing: () => '',
    stop: LINE_ENDS,
    maxTokens: 8,
    isClosed: hasText,
    // After the mark alone nothing has begun.
    begun: (text) => lastLine(text).split(mark)[1] || undefined,
  };
}

/** With a sentence before it: in the middle of a solution the marks are those of a heading, and models go on with the next step. */
const hashesForm = (hint: Hint): AnswerForm => ({
  ...markedForm('\n#### '),
  // After a full stop the marks would be those of the next heading.
  opening: () => `\n\n${hint === NUMBER_HINT ? hint.lead : 'The answer is a single value:'}\n\n####`,
  stop: SENTENCE_ENDS,
  maxTokens: LINE_TOKENS,
  read: answerAfterHashes,
});

const BOX = /\\(?:boxed|fbox)\s*\{/g;

const boxedForm = ({ lead }: Hint): AnswerForm => ({
  name: 'boxed',
  opening: () => `\n\n${lead} \\(\\boxed{`,
  closing: (answer) => (depthOf(answer) === 0 && hasText(answer) && answer.endsWith('\n') ? '}' : ''),
  // Of an answer with braces of its own the first is no end.
  stop: ['}', '\n'],
  maxTokens: BOX_TOKENS,
  isClosed: (answer) => depthOf(answer) < 0 || (depthOf(answer) === 0 && hasText(answer) && answer.endsWith('\n')) || answer.trimStart().includes('\n\n'),
  begun(text) {
    const last = [...text.matchAll(BOX)].at(-1);
    const inside = last && text.slice(last.index + last[0].length);
    return inside !== undefined && depthOf(inside) >= 0 && !inside.includes('\n\n') ? inside : undefined;
  },
  read: boxedAnswer,
});

export const BOXED_FORM: AnswerForm = boxedForm(PLAIN_HINT);

function taggedForm(tag: string, { sentence }: Hint): AnswerForm {
  const [open, close] = [`<${tag}>`, `</${tag}>`];
  return {
    name: 'tagged',
    opening: () => `\n\n${sentence}\n\n${open}`,
    closing: (answer) => (hasText(answer) && !answer.includes('<') ? close : ''),
    stop: [close, '\n\n'],
    maxTokens: BOX_TOKENS,
    isClosed: hasText,
    begun(text) {
      const at = text.lastIndexOf(open);
      return at >= 0 && !text.includes(close, at) ? text.slice(at + open.length) : undefined;
    },
    read: (text) =>
      text
        .slice(text.lastIndexOf(open) + open.length)
        .replace(/<\/?\w*>?\s*$/, '')
        .trim() || undefined,
  };
}

function jsonForm(key: string, { sentence }: Hint): AnswerForm {
  return {
    name: 'json',
    opening: (text) => jsonOpening(text, key, sentence),
    closing: () => '',
    stop: ['}', ',\n', '\n\n'],
    maxTokens: JSON_TOKENS,
    isClosed: (answer) => isJsonClosed(answer),
    begun: () => undefined,
    read: (text) => jsonAnswer(key)(text) ?? jsonAnswer(key)(`${text.trimEnd().replace(/,$/, '')}}`),
  };
}

/** @param label - As the prompt writes it, with its emphasis. @param hint - None where a letter or a word is asked for. */
function labelledForm(label: string, hint: Hint | undefined): AnswerForm {
  const plain = label.replaceAll('*', '').trim();
  return {
    name: 'labelled',
    opening: () => (hint ? `\n\n${hint.sentence}\n\n${label}` : `\n\n${label}`),
    closing: () => '',
    stop: hint ? SENTENCE_ENDS : ['\n', '.', ')', ','],
    maxTokens: hint ? LINE_TOKENS : CHOICE_TOKENS,
    isClosed: hasText,
    begun: (text) => afterLabel(lastLine(text), plain),
    read: (text) => saidAfter(text, plain),
  };
}

/** @param words - As the prompt writes them, such as "The answer is". */
function sentenceForm(words: string, hint: Hint | undefined): AnswerForm {
  return { ...labelledForm(words, hint), name: 'sentence', opening: () => `\n\n${words}` };
}

const HASH_REQUEST = /####/g;
const BOX_REQUEST = /\\(?:boxed|fbox)|\b(?:in|inside|within) (?:a|the) box\b|\bboxed\b/gi;
const TAG_REQUEST = /<(answer|final_answer|final|result|solution)>/gi;
const JSON_REQUEST = /\bJSON\b|[{,]\s*["'][\w ]{1,40}["']\s*:/gi;
const LABEL_REQUEST = /(\*{0,2})\b((?:the\s+)?(?:final\s+|correct\s+)?(?:answer|result|solution)|answer key)\s*(\*{0,2}):(?!\/\/)(\*{0,2})/gi;
/** Any label that is named as the form of the last line: `ends with "Result in metres: <number>"`. */
const OWN_LABEL_REQUEST = /\b(?:form(?:at)?|line|with|write|as|like)\b[^.\n]{0,40}?["'`“‘]([A-Z][\p{L} ]{0,30}:)\s*[<[{($]?/gu;
const SENTENCE_REQUEST =
  /((?:(?:so|thus|therefore|hence),?\s+)?\bthe\s+(?:final\s+|correct\s+)?answer\s+is\b:?)(?!\s*(?:an?|the|always|either|one|given|in|not|correct|wrong|known)\b)/gi;
const YES_OR_NO = /\b(?:yes|true)\b["'”’]?\s*(?:or|\/|\|)\s*["'“‘]?(?:no|false)\b/i;
/** `A)`, `(B)`, `C.` at the beginning of lines, or one after another in a line. */
const OPTION = /(?:^|[\n\s])\(?([A-J])[).:](?=\s|\S)/g;
const CODE_REQUEST =
  /```|\b(?:write|implement|complete|fix|refactor)\b[^.\n]{0,60}\b(?:function|program|script|code|method|class|query|regex|module|component)\b/i;

/**
 * The form in which a prompt asks for its answer: the one it names last. Without any, options ask for a letter, and all else for
 * a box, which models that follow instructions know and which says itself where it ends.
 *
 * @param texts - Of the prompt, in order.
 * @returns `undefined` where the answer cannot be short: code.
 */
export function answerFormOf(texts: readonly string[]): AnswerForm | undefined {
  const prompt = texts.join('\n\n');
  const isChoice = hasOptions(prompt);
  const hint = hintFor(texts);
  const lineHint = isChoice || YES_OR_NO.test(prompt) ? undefined : hint;
  const requests: Request[] = [
    ...lastOf(HASH_REQUEST, prompt, () => hashesForm(hint)),
    ...lastOf(BOX_REQUEST, prompt, () => boxedForm(hint)),
    ...lastOf(TAG_REQUEST, prompt, ([, tag]) => taggedForm(tag!, hint)),
    ...lastOf(JSON_REQUEST, prompt, () => jsonForm(answerKeyOf(prompt), hint)),
    ...lastOf(LABEL_REQUEST, prompt, ([label]) => labelledForm(label.trim(), lineHint)),
    ...lastOf(OWN_LABEL_REQUEST, prompt, ([, label]) => labelledForm(label!, lineHint)),
    ...lastOf(SENTENCE_REQUEST, prompt, ([words]) => sentenceForm(capitalised(words.trim()), lineHint)),
  ];
  const last = requests.sort((left, right) => right.at - left.at)[0];
  if (!last && CODE_REQUEST.test(prompt)) return undefined;
  const form = last?.form ?? (lineHint ? boxedForm(hint) : labelledForm('Answer:', undefined));
  return isChoice ? { ...form, read: choiceReader(form) } : form;
}

function choiceReader({ read }: AnswerForm): AnswerExtractor {
  return (text) => {
    const value = read?.(text);
    return choiceAnswer(value ?? text) ?? value;
  };
}

function lastOf(pattern: RegExp, prompt: string, form: (match: RegExpExecArray) => AnswerForm): Request[] {
  const last = [...prompt.matchAll(pattern)].at(-1);
  return last ? [{ at: last.index, form: form(last) }] : [];
}

function hasOptions(prompt: string): boolean {
  const letters = [...prompt.matchAll(OPTION)].map(([, letter]) => letter);
  return letters.includes('A') && letters.includes('B');
}

/** The field of the answer: the last one that is called so, else the last field of all. */
function answerKeyOf(prompt: string): string {
  const keys = [...prompt.matchAll(/["'`]([\w ]{1,40})["'`]\s*:/g)].map(([, key]) => key!);
  const named = [...prompt.matchAll(/\b(?:field|key|property)\s+(?:named\s+|called\s+)?["'`]([\w ]{1,40})["'`]/gi)].map(([, key]) => key!);
  const all = [...keys, ...named];
  return all.findLast((key) => /answer|result|solution|final|choice|label/i.test(key)) ?? all.at(-1) ?? 'answer';
}

function capitalised(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1);
}

/** What follows a label, in either case and with any emphasis, in the line it stands in; not what follows one that is quoted, as of the form. */
function afterLabel(line: string, label: string): string | undefined {
  const plain = line.replaceAll('*', '');
  const at = plain.toLowerCase().lastIndexOf(label.toLowerCase());
  return at < 0 || /["'`“‘<]$/.test(plain.slice(0, at)) ? undefined : plain.slice(at + label.length);
}

/** The answer that was said after a label: its line, or the next one where that is empty. What stands before the label asks for it. */
function saidAfter(text: string, label: string): string | undefined {
  const plain = text.replaceAll('**', '');
  const at = plain.toLowerCase().indexOf(label.toLowerCase());
  const said = at < 0 ? text.trim() : plain.slice(at + label.length).trim();
  return said === '' ? undefined : extractAnswer(`Answer: ${said}`);
}

/** Braces left open; below 0 where one more is closed than opened. */
function depthOf(text: string): number {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index++;
    else if (character === '{') depth++;
    else if (character === '}' && --depth < 0) return depth;
  }
  return depth;
}

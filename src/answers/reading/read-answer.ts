/**
 * Reads an answer. What is no mathematics is text; nothing throws.
 *
 * @module
 */
import { attempt } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import { rational } from '../algebra/rational.ts';
import { AnswerParser, SEPARATORS } from './answer-parser.ts';
import { type Token, tokenize } from './lexer.ts';
import { plainNotation } from './notation.ts';
import { withNumbersInDigits } from './number-words.ts';
import { isDate, phraseOf, plainText } from './phrases.ts';
import { withoutShorthand } from './shorthand.ts';
import type { Answer, Joint } from './syntax.ts';
import { isKnownUnit } from './units.ts';
import { unwrapped } from './wrapping.ts';

/** Longer answers are compared as text. */
const MOST_CHARACTERS = 2_000;
const POWER_OF_TEN = String.raw`(?:\s*(?:\\times|\\cdot|x|\*)\s*10\s*\^\s*(?:\{\s*-?\d+\s*\}|-?\d+))?`;
const NUMBER_AND_LETTER = new RegExp(String.raw`^-?[\d.,]+(?:e-?\d+)?${POWER_OF_TEN}(?:\s|~|\\[,;: ])+[mgshLJNWVAKCF](?:[\s/^*][\w\s/^*{}-]*)?$`);
const OPENING: ReadonlySet<string> = new Set(['(', '[', '{', '\\{', '⟨']);
const CLOSING: ReadonlySet<string> = new Set([')', ']', '}', '\\}', '⟩']);

/** What an answer can mean, most likely first; at least one. */
export function readAnswer(text: string): readonly [Answer, ...Answer[]] {
  if (text.length > MOST_CHARACTERS) return [rawText(text)];
  const source = withoutShorthand(withNumbersInDigits(unwrapped(plainNotation(unwrapped(text)))));
  const tokens = attempt(() => tokenize(source));
  if (!tokens || tokens.length === 0) return [rawText(source || text)];
  const special = timeOfDay(source) ?? numeral(source) ?? choice(source) ?? verdict(source);
  if (special) return [special];
  const literal = literalOf(source);
  if (literal) return literal;
  const letters = choices(source);
  const answer = readTokens(tokens, false);
  // Letters that run together may be a name, as of a segment: `BD`.
  if (letters) return /^[A-J]+$/.test(source) ? [answer, letters] : [letters];
  // Where a letter may be a unit both readings count: `5 m`.
  return NUMBER_AND_LETTER.test(source) ? [readTokens(tokens, true), answer] : [answer];
}

function rawText(text: string): Answer {
  return { kind: 'text', text: text.trim().replace(/\s+/g, ' ').toLowerCase() };
}

function readTokens(tokens: readonly Token[], readsUnitLetters: boolean): Answer {
  const text = plainText(tokens);
  const phrase = phraseOf(text);
  if (phrase) return phraseAnswer(phrase);
  if (isDate(text.split(' '))) return { kind: 'text', text };
  const inOrder = withReversedBrackets(tokens);
  return split(inOrder, ';', readsUnitLetters) ?? split(inOrder, undefined, readsUnitLetters) ?? readEntry(inOrder, readsUnitLetters);
}

/** Reads what stands between separators outside brackets; `undefined` where there is only one thing. */
function split(tokens: readonly Token[], separator: ';' | undefined, readsUnitLetters: boolean): Answer | undefined {
  const parts: Token[][] = [[]];
  const joints = new Set<string>();
  let depth = 0;
  for (const token of tokens) {
    const isOperator = token.kind === 'operator';
    if (isOperator ? OPENING.has(token.text) : token.kind === 'command' && token.text === 'begin') depth++;
    if (isOperator ? CLOSING.has(token.text) : token.kind === 'command' && token.text === 'end') depth--;
    if (depth <= 0 && isOperator && (separator ? token.text === separator : SEPARATORS.has(token.text))) {
      joints.add(token.text);
      parts.push([]);
    } else parts.at(-1)!.push(token);
  }
  const filled = parts.filter((part) => part.length > 0);
  if (filled.length < 2) return undefined;
  const joint: Joint = joints.has('or') ? 'or' : joints.has('and') ? 'and' : ',';
  return { kind: 'sequence', items: filled.map((part) => readTokens(part, readsUnitLetters)), joint };
}

function readEntry(tokens: readonly Token[], readsUnitLetters: boolean): Answer {
  const isProse = tokens.every(({ kind }) => kind === 'word' || kind === 'symbol') && tokens.some(({ kind, text }) => kind === 'word' && text.length > 2);
  const parse = (part: readonly Token[]): Answer | undefined => attempt(() => new AnswerParser(part, { readsUnitLetters }).parse());
  const answer = isProse ? undefined : (severalQuantities(tokens, parse) ?? parse(tokens));
  if (answer) return answer;
  const isLabelEnd = ({ kind, text }: Token): boolean => kind === 'operator' && (text === '=' || (text === ':' && tokens[0]!.kind === 'word'));
  const labelEnd = tokens.findLastIndex(isLabelEnd);
  const value = labelEnd > 0 ? parse(tokens.slice(labelEnd + 1)) : undefined;
  const label: Answer = { kind: 'text', text: plainText(tokens.slice(0, Math.max(labelEnd, 0))) };
  return value ? { kind: 'relation', sides: [label, value], operators: ['='] } : { kind: 'text', text: plainText(tokens) };
}

/** `5 feet 3 inches`, `2h 30min` */
function severalQuantities(tokens: readonly Token[], parse: (part: readonly Token[]) => Answer | undefined): Answer | undefined {
  const isAlternating = tokens.length >= 4 && tokens.length % 2 === 0 && tokens.every(({ kind }, index) => (index % 2 === 0) === (kind === 'number'));
  if (!isAlternating || !tokens.every(({ text }, index) => index % 2 === 0 || isKnownUnit(text))) return undefined;
  // After hours `m` is minutes.
  const isTime = /^h/.test(tokens[1]!.text);
  const items = tokens.flatMap((token, index) => {
    const unit = tokens[index + 1];
    return index % 2 === 0 ? [parse([token, { ...unit!, kind: 'word', isText: true, text: isTime && unit!.text === 'm' ? 'min' : unit!.text }])] : [];
  });
  return items.every((item) => item?.kind === 'quantity') ? { kind: 'sequence', items, joint: 'and' } : undefined;
}

/** `]0, 1[` is the open interval. */
function withReversedBrackets(tokens: readonly Token[]): readonly Token[] {
  const [first, last] = [tokens[0], tokens.at(-1)];
  if (first?.text !== ']' && last?.text !== '[') return tokens;
  const open = first?.text === ']' ? [{ ...first, text: '(' }] : tokens.slice(0, 1);
  const close = last?.text === '[' ? [{ ...last, text: ')' }] : tokens.slice(-1);
  return [...open, ...tokens.slice(1, -1), ...close];
}

function phraseAnswer(name: string): Answer {
  if (name === 'infinity') return expressions.symbolOf('infinity');
  return name === 'minus infinity' ? expressions.negated(expressions.symbolOf('infinity')) : { kind: 'phrase', name };
}

/** `3:30 PM`, `3 p.m.`, `12:00 noon`. */
function timeOfDay(source: string): Answer | undefined {
  const [, twelve] = /^(?:12(?::00)?\s*)?(noon|midnight)$/i.exec(source) ?? [];
  if (twelve) return { kind: 'time', minutes: twelve.toLowerCase() === 'noon' ? 720 : 0 };
  const [, hours, minutes = '0', half] = /^(\d{1,2})(?::(\d\d)(?::00)?)?(?:\s|~|\\[,;! ]|\\text\s*\{)*([ap])\.?\s*m\.?\s*\}?$/i.exec(source) ?? [];
  if (!half || Number(hours) > 12 || Number(minutes) > 59) return undefined;
  return { kind: 'time', minutes: (Number(hours) % 12) * 60 + Number(minutes) + (half.toLowerCase() === 'p' ? 720 : 0) };
}

/** `1A3_{16}`, `FF_{16}` */
function numeral(source: string): Answer | undefined {
  const [, digits, base] = /^(?=.*\d[A-Z]|[A-Z]+\d|[A-Z]{2})([\dA-Z]+)\s*_\s*(?:\{\s*(\d\d)\s*\}|(\d\d))$/.exec(source)?.filter(Boolean) ?? [];
  const isNumeral = digits !== undefined && Number(base) <= 36 && [...digits].every((digit) => Number.parseInt(digit, 36) < Number(base));
  return isNumeral ? { kind: 'based', digits: digits.toLowerCase(), base: Number(base) } : undefined;
}

const PREFIXES: Readonly<Record<string, number>> = { x: 16, b: 2, o: 8 };

/** `0x1F` is the numeral and its value. */
function literalOf(source: string): readonly [Answer, Answer] | undefined {
  const [, prefix, digits] = /^0(?:(?=x[\da-f]{1,200}$|b[01]{1,200}$|o[0-7]{1,200}$)([xbo]))(\w+)$/i.exec(source) ?? [];
  if (prefix === undefined || digits === undefined) return undefined;
  const value = expressions.numberOf(rational(BigInt(source.toLowerCase())));
  return [{ kind: 'based', digits: digits.toLowerCase(), base: PREFIXES[prefix.toLowerCase()]! }, value];
}

/** `A, C`, `(A) and (C)`, `(A)(C)`, `ACD`: several choices, in any order. */
function choices(source: string): Answer | undefined {
  const bare = withoutMarkup(source);
  if (!/^(?:\([A-J]\)|[A-J])(?:\s*(?:,?\s*(?:and|or)\s|[,;&])?\s*(?:\([A-J]\)|[A-J])){1,9}$/.test(bare)) return undefined;
  const letters = bare.match(/[A-J]/g)!;
  return letters.every((letter, index) => index === 0 || letters[index - 1]! < letter)
    ? { kind: 'sequence', joint: ',', items: letters.map((letter): Answer => ({ kind: 'choice', letter })) }
    : undefined;
}

function withoutMarkup(source: string): string {
  return source
    .replace(/\\(?:text(?:bf|it|rm|sf|tt)?|mathrm|mathbf|mbox|boldsymbol|bf)\b/g, ' ')
    .replace(/[{}~$*]|\\[,;! ]|\\(?:quad|qquad)/g, ' ')
    .trim();
}

/** `A`, `(A)`, `option A`, `\textbf{(A)} 5`, `A. 5`. */
function choice(source: string): Answer | undefined {
  const bare = withoutMarkup(source);
  const [, letter] = /^(?:option|choice|answer)?\s*(?:([A-J])|\(\s*([A-Ja-j])\s*\)|([A-J])\s*[).:])$/i.exec(bare)?.filter(Boolean) ?? [];
  const isMarked = bare.length > 1;
  if (letter && (isMarked || /[A-J]/.test(letter))) return { kind: 'choice', letter: letter.toUpperCase() };
  const [, marked, content] =
    /^(?:(?:option|choice)\s+)?(?:\(\s*([A-J])\s*\)\s*|([A-J])\s*[).:]\s+)((?!(?:and|or|[,;&])\s|[,;&]|\(?[A-J]\)?$)\S.*)$/.exec(bare)?.filter(Boolean) ?? [];
  if (!marked || !content) return undefined;
  // In the source the content still has its braces, where it can be found there.
  const tokens = attempt(() => tokenize(source.includes(content) ? source.slice(source.lastIndexOf(content)) : content));
  return { kind: 'choice', letter: marked, ...(tokens && { content: readTokens(tokens, false) }) };
}

/** `Yes, because …` */
function verdict(source: string): Answer | undefined {
  const [, word] = /^(yes|no)\s*[,.;:!]\s+\S/i.exec(source) ?? [];
  return word ? { kind: 'phrase', name: word.toLowerCase() } : undefined;
}

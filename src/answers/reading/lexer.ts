/** Splits an answer into tokens: one spelling for everything that means the same. */
import { GivenUp } from '../algebra/effort.ts';
import { closingBrace } from './wrapping.ts';
import { type NumberLiteral, readNumber } from './number-literal.ts';
import {
  functionOfCommand,
  functionOfWord,
  IGNORED_COMMANDS,
  IGNORED_WITH_ARGUMENT,
  OPERATOR_COMMANDS,
  symbolOfCommand,
  symbolOfWord,
  TEXT_COMMANDS,
} from './vocabulary.ts';

export interface Token {
  readonly kind: 'number' | 'symbol' | 'word' | 'function' | 'command' | 'operator';
  readonly text: string;
  /** Whether white space stands before it. */
  readonly isSpaced: boolean;
  /** Whether it is prose or upright, as within `\text{}`. */
  readonly isText: boolean;
  readonly number?: NumberLiteral;
}

const MOST_TOKENS = 600;
const OPENING = new Set(['(', '[', '\\{', '⟨']);
const CLOSING = new Set([')', ']', '\\}', '⟩']);
const LONG_OPERATORS = ['...', '**', '<=', '>=', '!=', '==', '=>', '->', '||', '\\\\'] as const;
const SPELLINGS: Readonly<Record<string, string>> = { '**': '^', '==': '=', '=>': '⇒', '->': '→', '...': '…' };
const PROSE_OPERATORS: ReadonlySet<string> = new Set(['and', 'or']);
const ARITHMETIC_MARKS = /[\d+\-*/^_=<>|{}\\]/;

/** @throws {GivenUp} for more than 600 tokens and for numbers that are too long. */
export function tokenize(source: string): Token[] {
  const lexer = new Lexer(source);
  lexer.readAll(0, source.length, false);
  return lexer.tokens;
}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #source: string;
  readonly #isMathematical: boolean;
  readonly #delimiters: ReadonlySet<number>;
  #isSpaced = false;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#isMathematical = ARITHMETIC_MARKS.test(source);
    this.#delimiters = mathDelimiters(source);
  }

  readAll(start: number, end: number, isText: boolean): void {
    for (let index = start; index < end;) {
      const next = this.#readOne(index, isText);
      if (this.tokens.length > MOST_TOKENS) throw new GivenUp('An answer is too long.');
      index = next;
    }
  }

  #push(kind: Token['kind'], text: string, isText = false, number?: NumberLiteral): void {
    this.tokens.push({ kind, text, isSpaced: this.#isSpaced, isText, ...(number && { number }) });
    this.#isSpaced = false;
  }

  /** Reads what starts at `index`. @returns where the next thing starts. */
  #readOne(index: number, isText: boolean): number {
    const character = this.#source[index]!;
    if (/\s/.test(character)) return this.#space(index + 1);
    if (/[\d.]/.test(character)) {
      const number = readNumber(this.#source, index, this.#depth > 0);
      if (number) {
        this.#push('number', number.digits, isText, number);
        return number.end;
      }
    }
    if (/\p{L}/u.test(character)) return this.#readWord(index, isText);
    const long = LONG_OPERATORS.find((operator) => this.#source.startsWith(operator, index));
    if (long) return this.#operator(SPELLINGS[long] ?? long, index + long.length);
    if (character === '\\') return this.#readCommand(index, isText);
    if (character === '$' && (this.#delimiters.has(index) || !this.#isCurrency(index))) return index + 1;
    if (character === '~' || character === '.') return this.#space(index + 1);
    return this.#operator(character, index + 1);
  }

  #isCurrency(index: number): boolean {
    return /^\s*[-\d.]/.test(this.#source.slice(index + 1, index + 8)) || /\d\s*\\?$/.test(this.#source.slice(Math.max(index - 8, 0), index));
  }

  #space(next: number): number {
    this.#isSpaced = true;
    return next;
  }

  #operator(text: string, next: number): number {
    const opensSet = text === '{' && this.#isAtStart();
    if (OPENING.has(text) || opensSet) this.#depth++;
    if (CLOSING.has(text) && this.#depth > 0) this.#depth--;
    this.#push('operator', text);
    return next;
  }

  /** Whether an entry starts here, so that a brace is one of a set. */
  #isAtStart(): boolean {
    const last = this.tokens.at(-1);
    return !last || (last.kind === 'operator' && ['=', '∈', '∪', ','].includes(last.text));
  }

  #readWord(start: number, isText: boolean): number {
    const word = /^\p{L}+(?:'\p{L}+)*/u.exec(this.#source.slice(start, start + 80))![0];
    const run = isText ? word : /^\p{L}+/u.exec(word)![0];
    // The apostrophe in `f'x` is a prime, that in `don't` is not.
    const joint = isText ? undefined : /^(?:or|and)(?=[A-Z]$)/.exec(run)?.[0];
    const text = run.length === 1 ? run : (joint ?? word);
    const end = start + text.length;
    const lower = text.toLowerCase();
    const isBeforeBracket = this.#source[end] === '(';
    const known = isText ? undefined : functionOfWord(text, isBeforeBracket);
    const [, prefix, argument] = isText ? [] : (/^(sin|cos|tan|cot|ln|log|exp)([a-z])$/.exec(text) ?? []);
    if (PROSE_OPERATORS.has(lower)) this.#push('operator', lower);
    else if (isText) this.#push('word', text, true);
    else if (text === 'sqrt' || text === 'cbrt') this.#push('command', text);
    else if (known !== undefined) this.#push('function', known);
    else if (symbolOfWord(text) !== undefined) this.#push('symbol', symbolOfWord(text)!);
    else if (text.length === 1) this.#push('symbol', text);
    else if (prefix && this.#isMathematical) {
      this.#push('function', prefix);
      this.#push('symbol', argument!);
    } else this.#push('word', text);
    return end;
  }

  #readCommand(start: number, isText: boolean): number {
    const name = /^\\(?:[a-zA-Z]+|.)/s.exec(this.#source.slice(start, start + 40))?.[0].slice(1) ?? '';
    const end = start + 1 + name.length;
    if (name === '{' || name === '}') return this.#operator(`\\${name}`, end);
    if (/^[,;:!\s/()[\]]?$/.test(name)) return this.#space(end);
    if (name === '|') return this.#operator('||', end);
    if (/^[%$#&_]$/.test(name)) return this.#operator(name, end);
    if (IGNORED_COMMANDS.has(name)) return this.#readIgnored(name, end);
    if (IGNORED_WITH_ARGUMENT.has(name)) return this.#space(this.#endOfArgument(end));
    if (TEXT_COMMANDS.has(name)) return this.#readText(name, end);
    const operator = OPERATOR_COMMANDS.get(name);
    if (operator !== undefined) return this.#operator(operator, end);
    const known = functionOfCommand(name);
    const symbol = symbolOfCommand(name);
    if (known !== undefined) this.#push('function', known);
    else if (symbol !== undefined) this.#push('symbol', symbol, isText);
    else this.#push('command', name);
    return end;
  }

  /** `\left.` and `\right.` close nothing; bars behind `\left` and `\right` open and close. */
  #readIgnored(name: string, end: number): number {
    if (name !== 'left' && name !== 'right') return this.#space(end);
    const [, gap = '', mark = ''] = /^(\s*)(\\?[.|])?/.exec(this.#source.slice(end, end + 12)) ?? [];
    const next = end + gap.length + mark.length;
    if (mark === '.') return next;
    if (mark === '') return end;
    const bar = mark === '|' ? '|' : '||';
    return this.#operator(name === 'left' ? `(${bar}` : `${bar})`, next);
  }

  #readText(name: string, end: number): number {
    const start = end + (/^[\s*]*/.exec(this.#source.slice(end, end + 8))?.[0].length ?? 0);
    const close = this.#source[start] === '{' ? closingBrace(this.#source, start) : -1;
    if (close < 0) return end;
    const content = this.#source.slice(start + 1, close).trim();
    const known = this.#functionNamed(name, content, close + 1);
    // Upright `e`, `i` and `d` are mathematics.
    const isMathematics = (name === 'mathrm' || name === 'operatorname') && /^[eidCP]$/.test(content);
    if (known !== undefined) this.#push('function', known);
    else this.readAll(start + 1, close, !isMathematics);
    return close + 1;
  }

  /** A function by its upright name; of `\operatorname` any, if an argument follows. */
  #functionNamed(command: string, name: string, end: number): string | undefined {
    const isCall = command === 'operatorname' && /^[a-zA-Z]+$/.test(name) && /^\s*(?:\\left\s*)?\(/.test(this.#source.slice(end, end + 12));
    // `\mathrm{min}` and `\mathrm{sec}` are units.
    const isUpright = command === 'operatorname' || (command === 'mathrm' && !/^(?:min|sec)$/.test(name));
    return (isUpright ? functionOfCommand(name) : undefined) ?? (isCall ? name : undefined);
  }

  #endOfArgument(end: number): number {
    const close = this.#source[end] === '{' ? closingBrace(this.#source, end) : -1;
    return close < 0 ? end : close + 1;
  }
}

/** Positions of `$` that set mathematics off, by the rule of Pandoc: no space within, no digit behind. */
function mathDelimiters(source: string): Set<number> {
  const positions = [...source.matchAll(/(?<!\\)\$/g)].map(({ index }) => index);
  const found = new Set<number>();
  for (let index = 0; index < positions.length; index++) {
    const [open, close] = [positions[index]!, positions[index + 1]];
    if (close === undefined || /\s/.test(source[close - 1]!) || /\d/.test(source[close + 1] ?? '')) continue;
    found.add(open).add(close);
    index++;
  }
  return found;
}

/** Recursive descent over what answers add to arithmetic: lists, sets, intervals, matrices, relations, units. */
import { GivenUp } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import { asExpression, ExpressionParser, MODULI } from './expression-parser.ts';
import type { Token } from './lexer.ts';
import { rawArgument } from './names.ts';
import { isExpression, type Answer, type Joint } from './syntax.ts';
import { isUnitAhead, readUnit, unitBefore, withUnit } from './unit-reader.ts';

const RELATIONS: ReadonlySet<string> = new Set(['=', '<', '>', '<=', '>=', '!=', '≈', '≡', '∈', '⇒']);
export const SEPARATORS: ReadonlySet<string> = new Set([',', ';', 'and', 'or']);
const COMBINATIONS: ReadonlySet<string> = new Set(['∪', '∩', '∖']);
const CLOSING: ReadonlySet<string> = new Set([')', ']', '⟩', '}', '\\}']);
const MATRICES = /^[pbBvV]?(?:small)?matrix\*?$|^array$/;
const EMPTY_SETS: ReadonlySet<string> = new Set(['emptyset', 'varnothing', 'oslash']);

export interface ParserOptions {
  /** Whether a single letter behind a number and a space is a unit: `5 m`. */
  readonly readsUnitLetters: boolean;
}

export class AnswerParser extends ExpressionParser {
  readonly #options: ParserOptions;

  constructor(tokens: readonly Token[], options: ParserOptions) {
    super(tokens);
    this.#options = options;
  }

  /** One answer that takes all tokens. @throws {GivenUp} where they are no mathematics. */
  parse(): Answer {
    const answer = this.#sequence();
    if (this.cursor.peek()) throw new GivenUp('Something is left over.');
    return answer;
  }

  protected override isAtUnit(): boolean {
    return isUnitAhead(this.cursor, this.#options.readsUnitLetters);
  }

  protected override bracketed(): Answer {
    const open = this.cursor.next().text;
    if (open === '\\{') return this.#set('\\}');
    if (open === '{') return this.#group();
    if (open !== '(' && open !== '[' && open !== '⟨') throw new GivenUp(`Nothing starts with ${open}.`);
    const items = this.#items();
    const close = this.cursor.next().text;
    if (close !== ')' && close !== ']' && close !== '⟩') throw new GivenUp('A bracket is not closed.');
    const [only] = items;
    const isGrouping = items.length === 1 && open !== '⟨' && (open === '(') === (close === ')');
    return isGrouping ? only! : { kind: 'bracketed', open, close, items };
  }

  protected override structure(command: string): Answer {
    if (command === 'begin') return this.#environment();
    if (EMPTY_SETS.has(command)) return { kind: 'phrase', name: 'empty' };
    if (command !== 'mathbb') throw new GivenUp(`\\${command} is not read.`);
    const name = rawArgument(this.cursor);
    return name === 'R' ? { kind: 'phrase', name: 'reals' } : expressions.symbolOf(`\\mathbb{${name}}`);
  }

  /** Braces group in LaTeX; with commas within they are a set. */
  #group(): Answer {
    const items = this.#items();
    this.cursor.expect('}');
    return items.length === 1 ? items[0]! : { kind: 'set', items };
  }

  /** `{1, 2}`; of `{x | x > 3}` the condition, of `{2k | k ∈ ℤ}` both parts. */
  #set(close: string): Answer {
    this.separatesByBars = true;
    const items = this.#items();
    const isBuilder = this.cursor.accept('|') || this.cursor.accept(':');
    this.separatesByBars = false;
    const condition = isBuilder ? this.#sequence() : undefined;
    this.cursor.expect(close);
    if (!condition) return { kind: 'set', items };
    const [subject] = items;
    const isVariable = subject?.kind === 'symbol' || (subject?.kind === 'relation' && subject.sides[0]!.kind === 'symbol');
    return items.length === 1 && isVariable ? condition : { kind: 'set', items: [...items, condition] };
  }

  #sequence(): Answer {
    const joints = new Set<string>();
    const items = this.#items(joints);
    if (items.length === 0) throw new GivenUp('There is nothing here.');
    const joint: Joint = joints.has('or') ? 'or' : joints.has('and') ? 'and' : ',';
    return items.length === 1 ? items[0]! : { kind: 'sequence', items, joint };
  }

  #items(joints = new Set<string>()): Answer[] {
    const items: Answer[] = [];
    let isSeparated = true;
    while (isSeparated && this.cursor.peek() && !this.cursor.isAnyOf(CLOSING)) {
      items.push(this.#relation());
      isSeparated = false;
      for (; this.cursor.isAnyOf(SEPARATORS); isSeparated = true) joints.add(this.cursor.next().text);
    }
    return items;
  }

  #relation(): Answer {
    if (this.cursor.is('=') || this.cursor.is('≈')) this.cursor.next();
    const sides = [this.#combination()];
    const operators: string[] = [];
    while (this.cursor.isAnyOf(RELATIONS)) {
      operators.push(this.cursor.next().text);
      sides.push(this.#combination());
    }
    return operators.length === 0 ? sides[0]! : { kind: 'relation', sides, operators };
  }

  #combination(): Answer {
    let left = this.#quantity();
    while (this.cursor.isAnyOf(COMBINATIONS)) {
      const operator = this.cursor.next().text as '∪' | '∩' | '∖';
      const parts = left.kind === 'combination' && left.operator === operator ? left.parts : [left];
      left = { kind: 'combination', operator, parts: [...parts, this.#quantity()] };
    }
    return left;
  }

  #quantity(): Answer {
    const currency = unitBefore(this.cursor);
    const value = this.#overOrChoose(this.sum());
    if (this.cursor.is(':') && !this.separatesByBars) return this.#ratio(asExpression(value));
    if (!isExpression(value)) return value;
    const modulus = this.#modulus();
    if (modulus) return { kind: 'congruence', value, modulus };
    return withUnit(value, currency, this.isAtUnit() ? readUnit(this.cursor) : undefined);
  }

  #overOrChoose(left: Answer): Answer {
    const command = this.cursor.peek();
    if (command?.kind !== 'command' || (command.text !== 'over' && command.text !== 'choose')) return left;
    this.cursor.next();
    const right = this.expression();
    return command.text === 'over' ? expressions.quotientOf(asExpression(left), right) : expressions.callOf('binomial', asExpression(left), right);
  }

  /** `\pmod{7}`, `(mod 7)`, `\mod 7`. */
  #modulus(): Expression | undefined {
    const next = this.cursor.peek();
    if (next?.kind === 'command' && MODULI.has(next.text)) {
      this.cursor.next();
      return this.expression();
    }
    if (!this.cursor.is('(') || this.cursor.peek(1)?.text !== 'mod') return undefined;
    this.cursor.next();
    this.cursor.next();
    const modulus = this.expression();
    this.cursor.expect(')');
    return modulus;
  }

  #ratio(first: Expression): Answer {
    const start = this.cursor.position - 1;
    const parts = [first];
    while (this.cursor.accept(':')) parts.push(this.expression());
    const [, hours, minutes] = /^(\d{1,2}):(\d\d)(?::\d\d)?$/.exec(this.cursor.textBetween(start, this.cursor.position)) ?? [];
    return { kind: 'ratio', parts, isClock: start === 0 && Number(hours) <= 24 && Number(minutes) < 60 };
  }

  #environment(): Answer {
    const name = rawArgument(this.cursor);
    if (name === 'cases') return this.#system();
    if (!MATRICES.test(name)) throw new GivenUp(`${name} is not read.`);
    if (name === 'array') rawArgument(this.cursor);
    return this.#matrix(name.startsWith('v'));
  }

  /** Equations that hold together, one a line. */
  #system(): Answer {
    const items: Answer[] = [];
    while (!this.cursor.isCommand('end')) {
      items.push(this.#case());
      while (this.cursor.accept('\\\\') || this.cursor.accept(','));
    }
    this.cursor.next();
    rawArgument(this.cursor);
    return { kind: 'sequence', items, joint: 'and' };
  }

  /** `x = 1`; `-x & \text{if } x < 0`, a value and its condition. */
  #case(): Answer {
    const value = this.#relation();
    const isConditional = this.cursor.accept(',') ? this.cursor.accept('&') : this.cursor.accept('&');
    if (!isConditional) return value;
    while (/^(?:if|for|when|where)$/.test(this.cursor.peek()?.text ?? '')) this.cursor.next();
    return { kind: 'bracketed', open: '(', close: ')', items: [value, this.#relation()] };
  }

  #matrix(isDeterminant: boolean): Answer {
    const rows: Expression[][] = [[]];
    while (!this.cursor.isCommand('end')) {
      rows.at(-1)!.push(this.expression());
      if (this.cursor.accept('\\\\')) rows.push([]);
      else if (!this.cursor.isCommand('end')) this.cursor.expect('&');
    }
    this.cursor.next();
    rawArgument(this.cursor);
    const filled = rows.filter((row) => row.length > 0);
    if (filled.length === 0 || filled.some((row) => row.length !== filled[0]!.length)) throw new GivenUp('The rows of a matrix differ in length.');
    return { kind: 'matrix', rows: filled, isDeterminant };
  }
}

/** A place in a list of tokens. */
import { GivenUp } from '../algebra/effort.ts';
import type { Token } from './lexer.ts';

const MOST_NESTING = 60;

export class Cursor {
  readonly #tokens: Token[];
  #position = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = [...tokens];
  }

  get position(): number {
    return this.#position;
  }

  peek(offset = 0): Token | undefined {
    return this.#tokens[this.#position + offset];
  }

  /** The next token, which is passed. @throws {GivenUp} at the end. */
  next(): Token {
    const token = this.#tokens[this.#position++];
    if (!token) throw new GivenUp('The answer ends too early.');
    return token;
  }

  is(operator: string, offset = 0): boolean {
    const token = this.peek(offset);
    return token?.kind === 'operator' && token.text === operator;
  }

  isAnyOf(operators: ReadonlySet<string>, offset = 0): boolean {
    const token = this.peek(offset);
    return token?.kind === 'operator' && operators.has(token.text);
  }

  isCommand(name: string): boolean {
    const token = this.peek();
    return token?.kind === 'command' && token.text === name;
  }

  /** Passes the operator if it is next. */
  accept(operator: string): boolean {
    const isNext = this.is(operator);
    if (isNext) this.#position++;
    return isNext;
  }

  /** @throws {GivenUp} unless the operator is next. */
  expect(operator: string): void {
    if (!this.accept(operator)) throw new GivenUp(`${operator} is missing.`);
  }

  /** Replaces the next token by others. */
  replace(...tokens: readonly Token[]): void {
    this.#tokens.splice(this.#position, 1, ...tokens);
  }

  /** Puts a token before the next one. */
  insert(token: Token): void {
    this.#tokens.splice(this.#position, 0, token);
  }

  /** Runs what reads something nested. @throws {GivenUp} beyond 60 levels. */
  nested<Result>(read: () => Result): Result {
    if (++this.#depth > MOST_NESTING) throw new GivenUp('The answer is nested too deeply.');
    const result = read();
    this.#depth--;
    return result;
  }

  /** The texts of the tokens between two positions. */
  textBetween(start: number, end: number): string {
    return this.#tokens
      .slice(start, end)
      .map(({ kind, text }) => (kind === 'command' ? `\\${text} ` : text))
      .join('')
      .trim();
  }
}

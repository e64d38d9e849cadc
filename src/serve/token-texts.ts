import type { Tokenizer } from '../contracts/tokenizer.ts';

/** A sampled token, its text and how likely it was. */
export interface NamedToken {
  readonly id: number;
  /** Empty where the token completes no character. */
  readonly text: string;
  /** Natural logarithm. */
  readonly logprob: number;
  /** Where its text begins in the text of the choice. */
  readonly offset: number;
}

/**
 * Texts of tokens one by one. A token's text depends on what stands before it (spaces, bytes of one character), so each is
 * what it adds to the text of a few tokens before it.
 */
export class TokenTexts {
  readonly #tokenizer: Tokenizer;
  readonly #tokens: number[] = [];
  #contextStart = 0;
  #unread = 0;
  #offset = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Names further tokens of the same text. */
  add(tokens: readonly number[], logprobs: readonly number[]): NamedToken[] {
    return tokens.map((token, index) => {
      this.#tokens.push(token);
      const text = this.#nextText();
      const named = { id: token, text, logprob: logprobs[index]!, offset: this.#offset };
      this.#offset += text.length;
      return named;
    });
  }

  #nextText(): string {
    const before = this.#tokenizer.decode(this.#tokens.slice(this.#contextStart, this.#unread));
    const all = this.#tokenizer.decode(this.#tokens.slice(this.#contextStart));
    // A character whose last bytes are still to come.
    if (all.endsWith('\uFFFD')) return '';
    this.#contextStart = this.#unread;
    this.#unread = this.#tokens.length;
    return all.slice(before.length);
  }
}

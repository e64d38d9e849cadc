import type { Segment } from '../contracts/engine.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';

/** A token, its text and how likely it was. */
export interface LikelyToken {
  readonly id: number;
  /** Empty where the token completes no character. */
  readonly text: string;
  /** Natural logarithm. */
  readonly logprob: number;
}

/** A sampled token. */
export interface NamedToken extends LikelyToken {
  /** Where its text begins in the text of the choice. */
  readonly offset: number;
  /** The likeliest tokens at its place, descending, as far as they were asked for. */
  readonly top: readonly LikelyToken[];
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
  add({ tokens, logprobs, topTokens, topLogprobs }: Pick<Segment, 'tokens' | 'logprobs' | 'topTokens' | 'topLogprobs'>): NamedToken[] {
    return tokens.map((token, index) => {
      const top = (topTokens?.[index] ?? []).map((id, rank) => ({ id, text: this.#textOf(id), logprob: topLogprobs![index]![rank]! }));
      const text = this.#textOf(token);
      this.#tokens.push(token);
      if (text !== undefined) this.#read();
      const named = { id: token, text: text ?? '', logprob: logprobs[index]!, offset: this.#offset, top: top.map((one) => ({ ...one, text: one.text ?? '' })) };
      this.#offset += named.text.length;
      return named;
    });
  }

  /** What a token would add; `undefined` for a part of a character whose last bytes are still to come. */
  #textOf(token: number): string | undefined {
    const context = this.#tokens.slice(this.#contextStart);
    const before = this.#tokenizer.decode(context.slice(0, this.#unread - this.#contextStart));
    const all = this.#tokenizer.decode([...context, token]);
    return all.endsWith('\uFFFD') ? undefined : all.slice(before.length);
  }

  #read(): void {
    this.#contextStart = this.#unread;
    this.#unread = this.#tokens.length;
  }
}

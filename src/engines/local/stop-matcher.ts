import type { Tokenizer } from '../../contracts/tokenizer.ts';

/**
 * Finds stop strings while tokens arrive. Decoding a growing text at every token would be quadratic, so the text is
 * only looked at after a token whose own text could complete a stop string.
 */
export class StopMatcher {
  readonly #tokenizer: Pick<Tokenizer, 'decode'>;
  readonly #stops: readonly string[];
  readonly #lastCharacters: ReadonlySet<string>;
  readonly #canComplete: Map<number, boolean>;

  /** @param memory - What is known of tokens for these stop strings; shared by matchers with equal `stops`. */
  constructor(tokenizer: Pick<Tokenizer, 'decode'>, stops: readonly string[], memory: Map<number, boolean>) {
    this.#tokenizer = tokenizer;
    this.#stops = stops;
    this.#lastCharacters = new Set(stops.map((stop) => [...stop].at(-1)!));
    this.#canComplete = memory;
  }

  /** The first stop string in the text of `tokens`, given that none was in it before the last token. */
  match(tokens: readonly number[]): string | undefined {
    if (!this.#isCandidate(tokens.at(-1)!)) return undefined;
    const text = this.#tokenizer.decode(tokens);
    return this.#stops.find((stop) => text.includes(stop));
  }

  #isCandidate(token: number): boolean {
    let can = this.#canComplete.get(token);
    if (can === undefined) {
      const text = this.#tokenizer.decode([token]);
      // A token that is part of a character decodes to a replacement character and may complete anything.
      can = text.includes('\uFFFD') || [...text].some((character) => this.#lastCharacters.has(character));
      this.#canComplete.set(token, can);
    }
    return can;
  }
}

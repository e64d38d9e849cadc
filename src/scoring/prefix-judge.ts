/**
 * Values read off a token model along many texts that share beginnings: each text feeds only what no earlier one has fed.
 *
 * @module
 */
import type { ForwardRow, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { ContextLengthError, ModelError } from '../errors.ts';

/** Most positions read in one pass, which bounds the logits held at once. */
const CHUNK = 64;

/** A text as the model takes it, and where something is to be read. */
export interface JudgedTokens {
  readonly tokens: readonly number[];
  /** Ascending, from 1 to `tokens.length`: at p is read what the model says behind the token before p. */
  readonly positions: readonly number[];
}

export interface ValueReader {
  /** Whether a value depends on the token that stands at its position, beside those before it. */
  readonly readsToken: boolean;
  /**
   * @param logits - Holds the row of logits, `[start, start + vocabularySize)`.
   * @param token - The token that stands at the position; `undefined` behind the last.
   */
  read(logits: Float32Array, start: number, token: number | undefined): number;
}

/** What is known of one text. */
interface Known {
  readonly tokens: readonly number[];
  /** Holds the first tokens of the text, all but those behind the last position read. */
  readonly sequence: TokenSequence;
  /** By position. Those below a length hold for every text with the same tokens up to there. */
  readonly values: ReadonlyMap<number, number>;
}

interface Row {
  readonly wanted: JudgedTokens;
  readonly known: Known | undefined;
  readonly values: Map<number, number>;
  /** Positions still to be read, in passes. */
  readonly passes: readonly (readonly number[])[];
  sequence: TokenSequence | undefined;
}

export class PrefixJudge {
  readonly #model: TokenModel;
  readonly #reader: ValueReader;
  readonly #capacity: number;
  /** Least recently used first. */
  #known: Known[] = [];

  /** @param capacity - Most texts whose sequences are kept between calls; at least 1. */
  constructor(model: TokenModel, reader: ValueReader, capacity: number) {
    this.#model = model;
    this.#reader = reader;
    this.#capacity = capacity;
  }

  /** @throws {ContextLengthError} */
  requireRoom({ positions, tokens }: JudgedTokens): void {
    const length = positions.at(-1) ?? tokens.length;
    if (length > this.#model.contextTokens) throw new ContextLengthError(length, this.#model.contextTokens);
  }

  /**
   * Values at the positions of each text, `[texts][positions]`; `undefined` when `proceed` says that time is up. What all
   * texts begin with is fed once.
   *
   * @throws {ModelError} when the model fails or gives what is no number; then nothing is kept of this call.
   */
  async judge(wanted: readonly JudgedTokens[], proceed: () => boolean): Promise<readonly (readonly number[])[] | undefined> {
    const stem = wanted.length > 1 ? stemOf(wanted) : [];
    if (this.#longest(stem).length < stem.length) {
      if (!proceed()) return undefined;
      await this.#feedStem(stem);
    }
    const rows = wanted.map((one) => this.#rowOf(one));
    let isKept = false;
    try {
      for (const row of rows) {
        // The token before the first position goes in again: its logits were not kept.
        if (row.passes.length > 0) row.sequence = this.#continue(row.wanted.tokens, row.passes[0]![0]! - 1);
      }
      for (let pass = 0; rows.some(({ passes }) => pass < passes.length); pass++) {
        if (!proceed()) return undefined;
        await this.#pass(
          rows.filter(({ passes }) => pass < passes.length),
          pass,
        );
      }
      isKept = true;
    } finally {
      if (!isKept) for (const { sequence } of rows) sequence?.dispose();
    }
    for (const row of rows) this.#keep(row);
    this.#forgetOldest();
    return rows.map(({ values, wanted: { positions } }) => positions.map((position) => values.get(position)!));
  }

  /** Reads tokens that texts will begin with. */
  async read(tokens: readonly number[]): Promise<void> {
    if (this.#longest(tokens).length < tokens.length) await this.#feedStem(tokens);
    this.#forgetOldest();
  }

  dispose(): void {
    for (const { sequence } of this.#known) sequence.dispose();
    this.#known = [];
  }

  #forgetOldest(): void {
    while (this.#known.length > this.#capacity) this.#known.shift()!.sequence.dispose();
  }

  async #feedStem(tokens: readonly number[]): Promise<void> {
    const sequence = this.#continue(tokens, tokens.length - 1);
    try {
      await this.#model.forward([{ sequence, tokens: tokens.slice(sequence.length), logitCount: 0 }]);
    } catch (error) {
      sequence.dispose();
      throw error;
    }
    this.#known.push({ tokens, sequence, values: new Map() });
  }

  #longest(tokens: readonly number[]): { readonly known: Known | undefined; readonly length: number } {
    let best: { readonly known: Known | undefined; readonly length: number } = { known: undefined, length: 0 };
    for (const known of this.#known) {
      const length = commonLength(known.tokens, tokens);
      if (length > best.length) best = { known, length };
    }
    return best;
  }

  #rowOf(wanted: JudgedTokens): Row {
    const { known, length } = this.#longest(wanted.tokens);
    const values = new Map<number, number>();
    const sameUpTo = this.#reader.readsToken ? length - 1 : length;
    for (const [position, value] of known?.values ?? []) if (position <= sameUpTo) values.set(position, value);
    const missing = wanted.positions.filter((position) => !values.has(position));
    return { wanted, known, values, passes: consecutive(missing), sequence: undefined };
  }

  /** A new sequence that holds what is known of these tokens, at most the first `most`. */
  #continue(tokens: readonly number[], most: number): TokenSequence {
    const { known, length } = this.#longest(tokens);
    if (!known) return this.#model.openSequence();
    const sequence = known.sequence.fork();
    const held = Math.min(length, sequence.length, most);
    if (held < sequence.length) sequence.truncate(held);
    return sequence;
  }

  async #pass(rows: readonly Row[], pass: number): Promise<void> {
    const size = this.#model.vocabularySize;
    const forward = rows.map(({ wanted, passes, sequence }): ForwardRow => {
      const positions = passes[pass]!;
      return { sequence: sequence!, tokens: wanted.tokens.slice(sequence!.length, positions.at(-1)), logitCount: positions.length };
    });
    const logits = await this.#model.forward(forward);
    let start = 0;
    for (const { wanted, passes, values } of rows) {
      for (const position of passes[pass]!) {
        const value = this.#reader.read(logits, start, wanted.tokens[position]);
        if (Number.isNaN(value)) throw new ModelError('The model gave logits that are not numbers.');
        values.set(position, value);
        start += size;
      }
    }
  }

  /** Keeps what the row has come to in place of what it continues. */
  #keep({ wanted: { tokens }, known, values, sequence }: Row): void {
    const isReplaced = known !== undefined && (sequence === undefined || commonLength(known.tokens, tokens) === known.tokens.length);
    const place = known ? this.#known.indexOf(known) : -1;
    if (isReplaced && place >= 0) this.#known.splice(place, 1);
    if (sequence) {
      if (isReplaced && place >= 0) known.sequence.dispose();
      this.#known.push({ tokens, sequence, values });
    } else if (known && place >= 0) {
      // Nothing was fed: what is known stays as it is, now the most recently used.
      this.#known.push(known);
    }
  }
}

/** What all begin with, before anything is to be read of any. */
function stemOf(wanted: readonly JudgedTokens[]): readonly number[] {
  const { tokens } = wanted[0]!;
  const length = wanted.reduce((least, other) => Math.min(least, commonLength(tokens, other.tokens), (other.positions[0] ?? Infinity) - 1), tokens.length);
  return tokens.slice(0, length);
}

function commonLength(left: readonly number[], right: readonly number[]): number {
  const most = Math.min(left.length, right.length);
  let length = 0;
  while (length < most && left[length] === right[length]) length++;
  return length;
}

/** Runs of consecutive numbers, at most `CHUNK` long. */
function consecutive(numbers: readonly number[]): readonly (readonly number[])[] {
  const runs: number[][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run && run.length < CHUNK && run.at(-1) === number - 1) run.push(number);
    else runs.push([number]);
  }
  return runs;
}

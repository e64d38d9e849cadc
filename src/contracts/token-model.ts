import type { SamplingOptions } from './engine.ts';

/**
 * A model seen as tokens in, logits out. One open sequence owns one key-value cache.
 * The tests in `test/models/token-model-laws.ts` state what every implementation keeps.
 */
export interface TokenModel {
  /** Length of one row of logits. */
  readonly vocabularySize: number;
  /** Most tokens one sequence can hold. */
  readonly contextTokens: number;
  /** Tokens that end a text. */
  readonly endTokens: ReadonlySet<number>;
  /** Sampling that suits the model, where its files say; omitted fields take the library's defaults. */
  readonly sampling?: SamplingOptions;
  /**
   * Why drafts cannot be checked: a pass gives one row of logits only, or a sequence cannot forget tokens.
   * `undefined` for a model that does both.
   */
  readonly cannotVerify?: string;
  /** Whether a pass costs by its longest row, since shorter ones are filled up to it; not by its tokens. @default false */
  readonly padsRows?: boolean;
  /** Opens an empty sequence. @throws {DisposedError} after `dispose`. */
  openSequence(): TokenSequence;
  /**
   * Appends tokens to several sequences in one pass. Rows may differ in length; a sequence may appear once.
   * Until it settles, no other `forward` may start and no sequence of the model may be opened, forked, truncated or
   * disposed. When it rejects, nothing has been appended.
   *
   * @throws {ContextLengthError} when a row does not fit.
   * @throws {ModelError} when the runtime fails.
   */
  forward(rows: readonly ForwardRow[]): Promise<Logits>;
  /** Frees the weights and every cache. Safe to call twice. */
  dispose(): Promise<void>;
}

/** The tokens one sequence takes in a pass. */
export interface ForwardRow {
  readonly sequence: TokenSequence;
  /** At least one token. */
  readonly tokens: readonly number[];
  /** After how many of the last tokens logits are wanted: 0 in the middle of a prefill, 1 to decode, all to verify a draft. */
  readonly logitCount: number;
}

/** Rows of logits in the order of the forward rows, `[sum of logitCount, vocabularySize]`. Valid until the next `forward`. */
export type Logits = Float32Array;

/** Tokens a model has seen, with their cache. */
export interface TokenSequence {
  /** Tokens held: every one appended and not truncated. */
  readonly length: number;
  /** Forgets every token from `length` on: the rollback of speculative decoding. */
  truncate(length: number): void;
  /** An independent copy: how branches share a prompt and beams split. */
  fork(): TokenSequence;
  /** Frees the cache. Safe to call twice. */
  dispose(): void;
}

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
  /**
   * `forward`, with the likeliest tokens of each wanted position in place of its whole row of logits: a few numbers come back, and
   * what they are found with runs beside the model. Missing where a model can only give whole rows.
   */
  readonly forwardTop?: ((rows: readonly TopRow[], request: TopRequest) => Promise<TopLogits>) | undefined;
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

/** A row of `forwardTop`. */
export interface TopRow extends ForwardRow {
  /** What the logits are changed by before the likeliest are found, and drawn with. */
  readonly sampling: Required<SamplingOptions>;
  /** Tokens in the context before this row's, where there is a repetition penalty. Tokens may recur. */
  readonly seen: readonly number[];
  /** One uniform number in [0, 1) for each wanted position, `[logitCount]`. Used where tokens are drawn from the whole vocabulary. */
  readonly points: readonly number[];
}

export interface TopRequest {
  /** How many tokens of each position. At least 1. */
  readonly count: number;
  /** Whether `normalisers` are wanted. */
  readonly normalisers: boolean;
  /** Whether `scaledTotals` and `drawn` are wanted. */
  readonly draws: boolean;
}

/** The likeliest tokens of wanted positions, in the order of the forward rows. */
export interface TopLogits {
  /** Tokens of each position: what was asked for, or the whole vocabulary. */
  readonly count: number;
  /** `[positions, count]`: the largest logit first, of equal ones the lower token. */
  readonly tokens: Int32Array;
  /** Their logits after the repetition penalty, `[positions, count]`. */
  readonly logits: Float32Array;
  /** Their logits as the model gives them, `[positions, count]`. */
  readonly raw: Float32Array;
  /** `logSumExp` of each position's row as the model gives it, `[positions]`. */
  readonly normalisers?: Float64Array;
  /** Sum over the vocabulary of exp((logit − largest) / temperature), after the repetition penalty, `[positions]`. */
  readonly scaledTotals?: Float64Array;
  /** Tokens drawn at the rows' points from the whole vocabulary, with the logits the model gives them; both `[positions]`. */
  readonly drawn?: { readonly tokens: Int32Array; readonly raw: Float32Array };
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
  /** Copies the cache of tokens `[start, end)` out of the model's. Missing where caches are not kept by token. */
  save?(start: number, end: number): SavedTokens;
  /**
   * Appends saved tokens without a pass.
   *
   * @param saved - Parts that were saved from sequences of the same model, one after the other, the first where this one ends.
   */
  restore?(saved: readonly SavedTokens[]): void;
  /** Frees the cache. Safe to call twice. */
  dispose(): void;
}

/** The cache of some tokens, apart from that of their model. */
export interface SavedTokens {
  readonly tokenCount: number;
  /** Memory it takes. */
  readonly byteLength: number;
}

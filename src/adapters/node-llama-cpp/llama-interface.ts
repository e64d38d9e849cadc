/**
 * The part of node-llama-cpp 3 that is used here, so that neither its code nor its types are needed to build or to load this
 * package. Its own classes fit these shapes.
 *
 * @module
 */

/** A loaded model: what `llama.loadModel` of node-llama-cpp resolves to. */
export interface LlamaModelLike {
  readonly filename?: string | undefined;
  readonly trainContextSize: number;
  readonly tokens: { readonly bos: number | null; readonly shouldPrependBosToken: boolean };
  readonly tokenizer: unknown;
  readonly fileInfo?: { readonly metadata?: { readonly tokenizer?: { readonly chat_template?: string } } };
  tokenize(text: string, specialTokens?: boolean, options?: 'trimLeadingSpace'): readonly number[];
  detokenize(tokens: readonly number[], specialTokens?: boolean, lastTokens?: readonly number[]): string;
  iterateAllTokens(): Iterable<number>;
  isEogToken(token: number): boolean;
  createContext(options: Readonly<Record<string, unknown>>): Promise<LlamaContextLike>;
}

export interface LlamaContextLike {
  getSequence(): LlamaSequenceLike;
  dispose(): Promise<void>;
}

export interface LlamaSequenceLike {
  readonly nextTokenIndex: number;
  controlledEvaluate(input: LlamaInput[]): Promise<readonly (LlamaOutput | undefined)[]>;
  eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void>;
  dispose(): Promise<void>;
  /**
   * Copies another sequence's cache up to an index; resolves to whether that was possible. Internal to node-llama-cpp, there since
   * 3.22. Its public way, over files, would write the cache of a prompt to a disk.
   */
  _copyStateFromOtherSequence?(other: LlamaSequenceLike, upToTokenIndex: number): Promise<boolean | undefined>;
}

/** A token, and what is wanted of the position after it. */
export type LlamaInput = number | [token: number, options: { readonly generateNext: LlamaWish }];

export interface LlamaWish {
  /** Whether a token is to be sampled. */
  readonly token?: true;
  /** Of which tokens the logits are wanted; `includeSelected` adds the one that `options` would choose. */
  readonly logits?: { readonly filter: { readonly tokens: number[]; readonly includeSelected: true } };
  /** Whether the sum of `exp(logit - largest logit)` over the vocabulary is wanted. */
  readonly totalLogitWeight?: true;
  readonly options: LlamaSampling;
}

/** llama.cpp's sampler: penalty, then top-k, top-p, min-p, and the temperature last. */
export interface LlamaSampling {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly seed?: number;
  readonly repeatPenalty?: { readonly penalty: number; readonly punishTokens: number[] };
}

export interface LlamaOutput {
  readonly next: {
    readonly token?: number | null;
    /** Missing before 3.22, as is `totalLogitWeight`. */
    readonly logits?: ReadonlyMap<number, number>;
    readonly totalLogitWeight?: number;
  };
}

/** A token predictor: `InputLookupTokenPredictor`, `DraftSequenceTokenPredictor` or one of your own. */
export interface LlamaTokenPredictorLike {
  reset(state: { targetSequence: LlamaSequenceLike; stateTokens: number[]; evaluateOptions: object }): Promise<void> | void;
  updateInputTokens(tokens: number[]): void;
  pushTokens(tokens: number[]): void;
  predictTokens(): Promise<number[]> | number[];
  stop(untilPredictionsExhausted?: boolean): Promise<void> | void;
  dispose(): Promise<void> | void;
}

/** A chat template: what `resolveChatWrapper(model)` of node-llama-cpp returns. */
export interface LlamaChatWrapperLike {
  generateContextState(options: { readonly chatHistory: LlamaChatItem[] }): { readonly contextText: { tokenize(tokenizer: unknown): readonly number[] } };
}

export type LlamaChatItem = { type: 'system'; text: string } | { type: 'user'; text: string } | { type: 'model'; response: string[] };

/** The same shapes with whatever narrower types node-llama-cpp gives its tokens. */
export type AnyLlamaModel = { readonly [Field in Exclude<keyof LlamaModelLike, 'fileInfo'>]: unknown };
export type AnyLlamaChatWrapper = { readonly generateContextState: unknown };
export type AnyLlamaTokenPredictor = { readonly [Field in keyof LlamaTokenPredictorLike]: unknown };

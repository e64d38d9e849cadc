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
  tokenize(text: string, specialTokens?: boolean, options?: 'trimLeadingSpace'): readonly number[];
  detokenize(tokens: readonly number[], specialTokens?: boolean): string;
  iterateAllTokens(): Iterable<number>;
  isEogToken(token: number): boolean;
  createContext(options: Readonly<Record<string, unknown>>): Promise<LlamaContextLike>;
}

export interface LlamaContextLike {
  readonly contextSize: number;
  getSequence(): LlamaSequenceLike;
  dispose(): Promise<void>;
}

export interface LlamaSequenceLike {
  readonly nextTokenIndex: number;
  controlledEvaluate(input: LlamaInput[]): Promise<readonly (LlamaOutput | undefined)[]>;
  eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void>;
  clearHistory(): Promise<void>;
}

/** A token, and what is wanted behind it. */
export type LlamaInput =
  | number
  | [
      token: number,
      options: {
        readonly generateNext: {
          readonly probabilities: true;
          readonly options: { readonly temperature: number; readonly topK: number; readonly topP: number; readonly minP: number };
        };
      },
    ];

export interface LlamaOutput {
  readonly next: { readonly probabilities?: ReadonlyMap<number, number> };
}

/** A chat template: what `resolveChatWrapper(model)` of node-llama-cpp returns. */
export interface LlamaChatWrapperLike {
  generateContextState(options: { readonly chatHistory: LlamaChatItem[] }): { readonly contextText: { tokenize(tokenizer: unknown): readonly number[] } };
}

export type LlamaChatItem = { type: 'system'; text: string } | { type: 'user'; text: string } | { type: 'model'; response: string[] };

/** The same shapes with whatever narrower types node-llama-cpp gives its tokens. */
export type AnyLlamaModel = { readonly [Field in keyof LlamaModelLike]: unknown };
export type AnyLlamaChatWrapper = { readonly generateContextState: unknown };

/** What crosses between the benchmark and the process in which node-llama-cpp runs. */

/** Who predicts tokens there: nobody, its draft-model predictor or its input-lookup predictor. */
export type LlamaPredictor = 'none' | 'draft' | 'lookup';

export interface LlamaLoad {
  readonly kind: 'load';
  readonly targetPath: string;
  readonly draftPath: string;
}

/** Continues one prompt by several sequences. */
export interface LlamaRequest {
  readonly kind: 'run';
  readonly predictor: LlamaPredictor;
  readonly branches: number;
  readonly threads: number;
  readonly contextTokens: number;
  readonly prompt: number[];
  readonly temperature: number;
  readonly seed: number;
  readonly maxTokens: number;
  readonly endToken: number;
  /** The run is cut short after this much time. */
  readonly limitMs: number;
}

export type LlamaCommand = LlamaLoad | LlamaRequest;

export interface LlamaResult {
  /** `[branches]`, each up to and including its end token. */
  readonly tokens: readonly (readonly number[])[];
  readonly totalMs: number;
  /** From the moment all branches have their first token. */
  readonly decodeMs: number;
  /** Predicted tokens that were checked. */
  readonly proposed: number;
  readonly accepted: number;
}

export type LlamaAnswer = LlamaResult | { readonly isReady: true } | { readonly error: string };

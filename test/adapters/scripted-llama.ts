/** A model that behaves as node-llama-cpp's, its logits a function of the tokens. */
import type { LlamaContextLike, LlamaInput, LlamaModelLike, LlamaOutput, LlamaSequenceLike } from '../../src/adapters/node-llama-cpp/llama-interface.ts';
import { logSumExp } from '../../src/maths/sampling.ts';
import type { Tokenizer } from '../../src/contracts/tokenizer.ts';

export interface ScriptedLlamaOptions {
  readonly tokenizer: Tokenizer;
  readonly vocabularySize: number;
  readonly end: number;
  readonly contextTokens: number;
  readonly logits: (tokens: readonly number[]) => readonly number[];
  /** Before which index a cache cannot be cut, as in recurrent models: a cut there forgets all. @default 0 */
  readonly cutsFrom?: number;
}

export class ScriptedLlama implements LlamaModelLike {
  readonly filename = 'scripted.gguf';
  readonly tokenizer = 'scripted';
  readonly tokens = { bos: null, shouldPrependBosToken: false };
  readonly trainContextSize: number;
  /** Tokens evaluated so far. */
  evaluated = 0;
  /** Contexts made and not disposed. */
  openContexts = 0;
  /** Thrown by the next evaluations. */
  fault: Error | undefined;
  readonly options: ScriptedLlamaOptions;

  constructor(options: ScriptedLlamaOptions) {
    this.options = options;
    this.trainContextSize = options.contextTokens;
  }

  tokenize(text: string): number[] {
    return this.options.tokenizer.encode(text);
  }

  detokenize(tokens: readonly number[]): string {
    return this.options.tokenizer.decode(tokens);
  }

  iterateAllTokens(): Iterable<number> {
    return Array.from({ length: this.options.vocabularySize }, (_, token) => token);
  }

  isEogToken(token: number): boolean {
    return token === this.options.end;
  }

  async createContext({ sequences, contextSize }: Readonly<Record<string, unknown>>): Promise<LlamaContextLike> {
    if (this.fault) throw this.fault;
    this.openContexts++;
    let left = sequences as number;
    return {
      contextSize: contextSize as number,
      getSequence: () => {
        if (left-- <= 0) throw new Error('No sequences left');
        return new ScriptedSequence(this, contextSize as number);
      },
      dispose: async () => void this.openContexts--,
    };
  }
}

class ScriptedSequence implements LlamaSequenceLike {
  readonly #model: ScriptedLlama;
  readonly #contextSize: number;
  #tokens: number[] = [];

  constructor(model: ScriptedLlama, contextSize: number) {
    this.#model = model;
    this.#contextSize = contextSize;
  }

  get nextTokenIndex(): number {
    return this.#tokens.length;
  }

  async controlledEvaluate(input: LlamaInput[]): Promise<(LlamaOutput | undefined)[]> {
    const outputs: (LlamaOutput | undefined)[] = [];
    for (const item of input) {
      const [token, options] = typeof item === 'number' ? [item, undefined] : item;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#model.fault) throw this.#model.fault;
      this.#tokens.push(token);
      this.#model.evaluated++;
      if (this.#tokens.length > this.#contextSize) throw new Error('the context would have been shifted');
      outputs.push(options && { next: { probabilities: probabilitiesOf(this.#model.options.logits(this.#tokens), options.generateNext.options.topK) } });
    }
    return outputs;
  }

  async eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void> {
    for (const { start, end } of ranges) {
      if (end !== this.#tokens.length || start > end) throw new Error('only an end is ever cut off');
      this.#tokens.length = start < (this.#model.options.cutsFrom ?? 0) ? 0 : start;
    }
  }

  async clearHistory(): Promise<void> {
    this.#tokens = [];
  }
}

/** Likeliest first, as node-llama-cpp gives them, and rounded as its floats are. */
function probabilitiesOf(logits: readonly number[], topK: number): Map<number, number> {
  const order = logits.map((_, token) => token).sort((left, right) => logits[right]! - logits[left]! || left - right);
  const kept = topK > 0 ? order.slice(0, topK) : order;
  const normaliser = logSumExp(Float32Array.from(kept, (token) => logits[token]!));
  return new Map(kept.map((token) => [token, Math.fround(Math.exp(logits[token]! - normaliser))]));
}

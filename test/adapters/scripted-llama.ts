/** A model that behaves as node-llama-cpp's, its logits a function of the tokens. */
import type {
  LlamaContextLike,
  LlamaInput,
  LlamaModelLike,
  LlamaOutput,
  LlamaSequenceLike,
  LlamaWish,
} from '../../src/adapters/node-llama-cpp/llama-interface.ts';
import { randomAt } from '../../src/maths/random.ts';
import { argmax, processedDistribution, sampleIndex } from '../../src/maths/sampling.ts';
import { TokenDistribution } from '../../src/maths/token-distribution.ts';
import type { Tokenizer } from '../../src/contracts/tokenizer.ts';

export interface ScriptedLlamaOptions {
  readonly tokenizer: Tokenizer;
  readonly vocabularySize: number;
  readonly end: number;
  readonly contextTokens: number;
  readonly logits: (tokens: readonly number[]) => readonly number[];
  /** Before which index a cache cannot be cut, as in recurrent models: a cut there forgets all. @default 0 */
  readonly cutsFrom?: number;
  /** Whether a sequence can take over the cache of another. @default true */
  readonly copies?: boolean;
  /** Whether it tells logits, as from 3.22 on. @default true */
  readonly tellsLogits?: boolean;
}

export class ScriptedLlama implements LlamaModelLike {
  readonly filename = 'scripted.gguf';
  readonly tokenizer = 'scripted';
  readonly tokens = { bos: null, shouldPrependBosToken: false };
  readonly trainContextSize: number;
  /** Tokens evaluated so far. */
  evaluated = 0;
  /** Sequences of each batch: calls that come in one turn of the event loop. */
  readonly batches: number[] = [];
  /** Contexts made and not disposed. */
  openContexts = 0;
  /** Thrown by evaluations, where it is one or makes one of a sequence's tokens. */
  fault: Error | ((tokens: readonly number[]) => Error | undefined) | undefined;
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
    if (this.fault instanceof Error) throw this.fault;
    this.openContexts++;
    let left = sequences as number;
    return {
      getSequence: () => {
        if (left-- <= 0) throw new Error('No sequences left');
        return new ScriptedSequence(this, contextSize as number, () => void left++);
      },
      dispose: async () => void this.openContexts--,
    };
  }

  #isBatchOpen = false;

  /** A call joins the batch of its turn of the event loop. */
  async nextBatch(): Promise<void> {
    if (!this.#isBatchOpen) this.batches.push(0);
    this.#isBatchOpen = true;
    this.batches[this.batches.length - 1]!++;
    await new Promise((resolve) => setImmediate(resolve));
    this.#isBatchOpen = false;
  }
}

class ScriptedSequence implements LlamaSequenceLike {
  readonly _copyStateFromOtherSequence?: NonNullable<LlamaSequenceLike['_copyStateFromOtherSequence']>;
  readonly #model: ScriptedLlama;
  readonly #contextSize: number;
  readonly #free: () => void;
  #tokens: number[] = [];

  constructor(model: ScriptedLlama, contextSize: number, free: () => void) {
    this.#model = model;
    this.#contextSize = contextSize;
    this.#free = free;
    if (model.options.copies ?? true) {
      this._copyStateFromOtherSequence = async (other, length) => {
        await Promise.resolve();
        this.#tokens = (other as ScriptedSequence).#tokens.slice(0, length);
        return this.#tokens.length === length;
      };
    }
  }

  get nextTokenIndex(): number {
    return this.#tokens.length;
  }

  async controlledEvaluate(input: LlamaInput[]): Promise<(LlamaOutput | undefined)[]> {
    await this.#model.nextBatch();
    const { fault } = this.#model;
    const error = typeof fault === 'function' ? fault([...this.#tokens, ...input.map((item) => (typeof item === 'number' ? item : item[0]))]) : fault;
    if (error) {
      // Nobody knows what such a cache holds.
      this.#tokens = [99];
      throw error;
    }
    return input.map((item) => {
      const [token, options] = typeof item === 'number' ? [item, undefined] : item;
      this.#tokens.push(token);
      this.#model.evaluated++;
      // One place is kept free, as there.
      if (this.#tokens.length >= this.#contextSize) throw new Error('the context would have been shifted');
      return options && { next: this.#answer(options.generateNext) };
    });
  }

  async eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void> {
    for (const { start, end } of ranges) {
      if (end !== this.#tokens.length || start > end) throw new Error('only an end is ever cut off');
      this.#tokens.length = start < (this.#model.options.cutsFrom ?? 0) ? 0 : start;
    }
  }

  async dispose(): Promise<void> {
    this.#tokens = [];
    this.#free();
  }

  /** In the order of llama.cpp: the temperature comes last. */
  #answer({ token, logits: wanted, options }: LlamaWish): LlamaOutput['next'] {
    const logits = Float32Array.from(this.#model.options.logits(this.#tokens));
    const { temperature, topK, topP, minP, seed = 0, repeatPenalty } = options;
    const distribution = new TokenDistribution();
    const truncation = { temperature: temperature === 0 ? 0 : 1, topK, topP, minP, repetitionPenalty: repeatPenalty?.penalty ?? 1 };
    processedDistribution({ values: logits, start: 0, size: logits.length }, truncation, repeatPenalty?.punishTokens ?? [], distribution);
    const probs = Float32Array.from(logits, (_, id) => distribution.probabilityOf(id));
    const weights = temperature === 0 ? probs : probs.map((probability) => probability ** (1 / temperature));
    const sampled = sampleIndex(weights, randomAt(seed, 0, 0));
    if (!wanted) return { token: token ? sampled : null };
    if (this.#model.options.tellsLogits === false) return {};
    const largest = logits[argmax(logits)]!;
    return {
      logits: new Map([...wanted.filter.tokens, sampled].map((one) => [one, logits[one]!])),
      totalLogitWeight: logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0),
    };
  }
}

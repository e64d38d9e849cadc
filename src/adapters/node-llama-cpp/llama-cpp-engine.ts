import * as v from 'valibot';
import type { Engine, EngineCapabilities, Session, SessionOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { ContextLengthError, DisposedError, InvalidOptionError, ModelLoadError } from '../../errors.ts';
import { DEFAULT_SAMPLING, samplingSchema, type Sampling } from '../../maths/sampling.ts';
import { func, plainObject, readOptions, wholeNumber, type OptionsOf, type SettingsOf } from '../../option-schemas.ts';
import { requirePrompt } from '../../options.ts';
import { LlamaDrafter } from './llama-drafter.ts';
import type {
  AnyLlamaChatWrapper,
  AnyLlamaModel,
  AnyLlamaTokenPredictor,
  LlamaChatWrapperLike,
  LlamaContextLike,
  LlamaModelLike,
  LlamaTokenPredictorLike,
} from './llama-interface.ts';
import { LlamaLoop } from './llama-loop.ts';
import { LlamaSession, type LlamaSessionHost } from './llama-session.ts';
import type { Slot } from './llama-slots.ts';
import { LlamaTokenizer } from './llama-tokenizer.ts';
import { requireSessionOptions } from '../../engines/advance-options.ts';

export const llamaCppEngineEntries = {
  /**
   * The chat template: `resolveChatWrapper(model)` of node-llama-cpp. A file with a template needs it for everything but
   * `{ text }`; one without takes questions as texts to go on from.
   */
  chatWrapper: v.optional(plainObject<AnyLlamaChatWrapper>()),
  /** Most tokens one branch holds, prompt included. Whole number ≥ 1. @default what the model was trained on, at most 4096 */
  contextTokens: v.optional(wholeNumber(1)),
  /**
   * Branches that are evaluated together; each takes the memory of a whole context. Further ones take turns, and a branch whose
   * cache was given to another has to be read again. Whole number ≥ 1. @default 8
   */
  sequences: v.optional(wholeNumber(1), 8),
  /** For what sessions leave out. @default temperature 1, nothing truncated */
  sampling: v.optional(samplingSchema, {}),
  /**
   * Makes the token predictor of one sequence; called for each. What it predicts is verified, and the text is the same with and
   * without it.
   */
  tokenPredictor: v.optional(
    func<() => AnyLlamaTokenPredictor | Promise<AnyLlamaTokenPredictor>>('a function that makes one for a sequence: sequences cannot share one'),
  ),
  /** Passed on to `createContext`: threads, flash attention, batch size. */
  context: v.optional(plainObject<Readonly<Record<string, unknown>>>()),
};

export interface LlamaCppEngineOptions extends OptionsOf<typeof llamaCppEngineEntries> {}

/** More would take much memory unasked: every sequence has a context of its own. */
const DEFAULT_CONTEXT_TOKENS = 4096;

const CAPABILITIES: EngineCapabilities = {
  tokenIds: true,
  logprobs: false,
  topLogprobs: 0,
  topTokens: false,
  selfCertainty: false,
  tokenCounts: 'exact',
};

/**
 * An engine over a GGUF model that node-llama-cpp has loaded. A branch is a sequence of llama.cpp, whose sampler and batches do the
 * work, in threads of its own. The model stays yours; disposing the engine frees its context only.
 *
 * llama.cpp truncates by top-p before it divides by the temperature, where the other engines do so after: below temperature 1 it
 * keeps more tokens at the same `topP`, above it fewer.
 *
 * @param model - What `llama.loadModel` has resolved to.
 * @throws {InvalidOptionError}
 */
export function llamaCppEngine(model: AnyLlamaModel, options: LlamaCppEngineOptions = {}): Engine {
  if (typeof model?.createContext !== 'function') throw new InvalidOptionError('model', 'a model loaded by node-llama-cpp', model);
  // Its own types are narrower where a token is a number of another name.
  return new LlamaCppEngine(model as LlamaModelLike, options);
}

class LlamaCppEngine implements Engine {
  readonly name: string;
  readonly contextTokens: number;
  readonly capabilities = CAPABILITIES;
  readonly #model: LlamaModelLike;
  readonly #options: SettingsOf<typeof llamaCppEngineEntries>;
  readonly #tokenizer: LlamaTokenizer;
  readonly #sampling: Sampling;
  #host: Promise<LlamaSessionHost> | undefined;
  #isDisposed = false;

  constructor(model: LlamaModelLike, options: LlamaCppEngineOptions) {
    const settings = readOptions(llamaCppEngineEntries, options);
    const { chatWrapper, contextTokens = Math.min(model.trainContextSize, DEFAULT_CONTEXT_TOKENS), sampling } = settings;
    this.name = model.filename ?? 'gguf';
    this.contextTokens = contextTokens;
    this.#sampling = { ...DEFAULT_SAMPLING, ...sampling };
    this.#model = model;
    this.#options = settings;
    this.#tokenizer = new LlamaTokenizer(model, chatWrapper as LlamaChatWrapperLike | undefined);
  }

  async ready({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    await this.#load();
    signal?.throwIfAborted();
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    if (this.#isDisposed) throw new DisposedError('engine');
    requireSessionOptions(options);
    options.signal?.throwIfAborted();
    requirePrompt(prompt);
    const tokens = this.#tokenizer.encodePrompt(prompt);
    if (tokens.length === 0) throw new InvalidOptionError('prompt', 'text with at least one token', prompt);
    if (tokens.length >= this.contextTokens) throw new ContextLengthError(tokens.length, this.contextTokens);
    return LlamaSession.open(await this.#load(), tokens, options);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const host = await this.#host?.catch(() => undefined);
    await host?.loop.dispose();
  }

  #load(): Promise<LlamaSessionHost> {
    if (this.#isDisposed) return Promise.reject(new DisposedError('engine'));
    this.#host ??= this.#makeHost();
    // What has failed is tried again.
    this.#host.catch(() => (this.#host = undefined));
    return this.#host;
  }

  async #makeHost(): Promise<LlamaSessionHost> {
    const { tokenPredictor } = this.#options;
    const context = await this.#createContext();
    const slots = await Promise.all(Array.from({ length: this.#options.sequences }, () => makeSlot(context, tokenPredictor)));
    return {
      tokenizer: this.#tokenizer,
      loop: new LlamaLoop(context, slots, this.#tokenizer.vocabularySize),
      sampling: this.#sampling,
      contextTokens: this.contextTokens,
      isSpeculating: tokenPredictor !== undefined,
    };
  }

  /** @throws {ModelLoadError} */
  async #createContext(): Promise<LlamaContextLike> {
    const { sequences, context } = this.#options;
    try {
      // It would make do with a smaller context than was promised.
      return await this.#model.createContext({ ...context, sequences, contextSize: this.contextTokens, failedCreationRemedy: false });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `node-llama-cpp could not make a context for ${this.name}: ${reason} Fewer \`sequences\` or \`contextTokens\` take less memory.`;
      throw new ModelLoadError(this.name, message, { cause });
    }
  }
}

async function makeSlot(context: LlamaContextLike, tokenPredictor: LlamaCppEngineOptions['tokenPredictor']): Promise<Slot> {
  const predictor = (await tokenPredictor?.()) as LlamaTokenPredictorLike | undefined;
  return { sequence: context.getSequence(), tokens: [], user: undefined, usedAt: 0, drafter: predictor && new LlamaDrafter(predictor) };
}

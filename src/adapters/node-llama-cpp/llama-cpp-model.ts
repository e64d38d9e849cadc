import type { Tokenizer } from '../../contracts/tokenizer.ts';
import { InvalidOptionError, ModelLoadError } from '../../errors.ts';
import type { LocalModel } from '../../models/local-model.ts';
import { requireWholeNumber } from '../../options.ts';
import type { AnyLlamaChatWrapper, AnyLlamaModel, LlamaChatWrapperLike, LlamaContextLike, LlamaModelLike } from './llama-interface.ts';
import { LlamaTokenModel } from './llama-token-model.ts';
import { LlamaTokenizer } from './llama-tokenizer.ts';

export interface LlamaCppModelOptions {
  /** A chat template: `resolveChatWrapper(model)` of node-llama-cpp. Without one prompts are texts to go on from. */
  readonly chatWrapper?: AnyLlamaChatWrapper;
  /** In place of the file's own; its ids must be the file's. @default the one in the GGUF file */
  readonly tokenizer?: Tokenizer;
  /** Most tokens one branch holds, prompt included. Whole number ≥ 1. @default what the model was trained on, at most 4096 */
  readonly contextTokens?: number;
  /**
   * Branches that are evaluated together; each takes the memory of a whole context. Further ones take turns, and a branch that
   * comes back has to be read again. Whole number ≥ 1. @default 8
   */
  readonly sequences?: number;
  /**
   * How many of the likeliest tokens are looked at; 0 for all. Each token's probability crosses from llama.cpp one by one, so
   * with a large vocabulary a bound saves time. Log-probabilities are then those among these tokens. @default 0
   */
  readonly candidates?: number;
  /** Passed on to `createContext`: threads, flash attention, batch size. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** More would take much memory unasked: every sequence has a context of its own. */
const DEFAULT_CONTEXT_TOKENS = 4096;

/**
 * A GGUF model that node-llama-cpp has loaded, as a model for `Decoder` and `SpeculativeDecoder`. It is decoded in the calling
 * thread: llama.cpp computes in threads of its own. The model stays yours; disposing an engine frees its context only.
 *
 * @param model - What `llama.loadModel` has resolved to.
 * @throws {InvalidOptionError}
 */
export function llamaCppModel(model: AnyLlamaModel, options: LlamaCppModelOptions = {}): LocalModel {
  if (typeof model?.createContext !== 'function') throw new InvalidOptionError('model', 'a model loaded by node-llama-cpp', model);
  // Its own types are narrower where a token is a number of another name.
  const llama = model as LlamaModelLike;
  const chatWrapper = options.chatWrapper as LlamaChatWrapperLike | undefined;
  const { contextTokens = Math.min(llama.trainContextSize, DEFAULT_CONTEXT_TOKENS), sequences = 8, candidates = 0 } = options;
  requireWholeNumber('contextTokens', contextTokens, 1);
  requireWholeNumber('sequences', sequences, 1);
  requireWholeNumber('candidates', candidates);
  const name = llama.filename ?? 'gguf';
  return {
    name,
    contextTokens,
    description: undefined,
    load: async () => {
      const context = await createContext(llama, name, { ...options.context, sequences, contextSize: contextTokens });
      return new LlamaTokenModel({ model: llama, context, contextTokens, sequences, candidates });
    },
    loadTokenizer: async () => options.tokenizer ?? new LlamaTokenizer(llama, chatWrapper),
  };
}

/** @throws {ModelLoadError} */
async function createContext(model: LlamaModelLike, name: string, options: Readonly<Record<string, unknown>>): Promise<LlamaContextLike> {
  try {
    return await model.createContext(options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ModelLoadError(
      name,
      `node-llama-cpp could not make a context for ${name}: ${reason} Fewer \`sequences\` or \`contextTokens\` take less memory.`,
      { cause },
    );
  }
}

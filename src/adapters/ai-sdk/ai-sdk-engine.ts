/**
 * A language model of the AI SDK as an engine: each branch is a call of its own, which its deadline or `abort` really ends.
 * What an engine over a server does about failures, slow answers and limits is done here by the same code.
 *
 * @module
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider';
import type { Engine, EngineCapabilities, SamplingOptions, Session, SessionOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { InvalidOptionError } from '../../errors.ts';
import { RemoteEngine } from '../../engines/remote/openai-compatible-engine.ts';
import type { HedgeOptions } from '../../engines/remote/remote-options.ts';
import { dialectOf, ModelClient, type AnyLanguageModel, type ModelContinuation } from './model-client.ts';

export interface AiSdkEngineOptions {
  /** A model object: `openai('…')`, not its name. Of specification v2, v3 or v4. */
  readonly model: AnyLanguageModel;
  /**
   * How the model goes on behind a text of its own, as forced answers and every strategy that works step by step need it.
   * `assistant-last`: it continues a last message of the assistant. `asked`: a message asks it to, which is not exact. `none`: it
   * cannot; what needs it fails. @default 'asked'
   */
  readonly continuation?: ModelContinuation;
  /** How tokens are chosen where a session does not say. Models of the AI SDK have no min-p and no repetition penalty. */
  readonly sampling?: SamplingOptions;
  /** Most tokens of prompt and text together. @default unknown */
  readonly contextTokens?: number;
  /** Most tokens of a call where a segment has no limit. @default the provider's own */
  readonly maxTokens?: number;
  /** Calls open at once; further branches wait. @default 64 */
  readonly maxConcurrency?: number;
  /** Times a call that failed is made again, while there is time. @default 3 */
  readonly maxRetries?: number;
  /** Milliseconds until a call's first token; less where the deadline is near. @default 60_000 */
  readonly firstTokenTimeoutMs?: number;
  /** Milliseconds between two parts of an answer. @default 30_000 */
  readonly stallTimeoutMs?: number;
  /** Whether a call that is slow to begin is made a second time. @default false */
  readonly hedge?: boolean | HedgeOptions;
  /** Part of every call: provider options, headers, reasoning. */
  readonly callOptions?: Pick<LanguageModelV4CallOptions, 'providerOptions' | 'headers' | 'reasoning' | 'responseFormat'>;
}

/** @throws {InvalidOptionError} */
export function aiSdkEngine(options: AiSdkEngineOptions): Engine {
  return new AiSdkEngine(options);
}

/** What a middleware knows beyond what users say: the call that it stands in for. */
export interface StandsInFor {
  readonly callOptions: Partial<LanguageModelV4CallOptions>;
  readonly prompt: LanguageModelV4Prompt;
}

export class AiSdkEngine implements Engine {
  readonly name: string;
  readonly #engine: RemoteEngine;

  constructor({ model, continuation = 'asked', callOptions = {}, ...options }: AiSdkEngineOptions, standsInFor?: StandsInFor) {
    if (typeof model !== 'object' || typeof model?.doStream !== 'function') {
      throw new InvalidOptionError('model', 'a language model object of the AI SDK', model, 'Names of models need a provider: pass what it returns.');
    }
    if (continuation !== 'assistant-last' && continuation !== 'asked' && continuation !== 'none') {
      throw new InvalidOptionError('continuation', "'assistant-last', 'asked' or 'none'", continuation);
    }
    const client = new ModelClient({ model, callOptions: { ...callOptions, ...standsInFor?.callOptions }, ...(standsInFor && { prompt: standsInFor.prompt }) });
    this.name = model.modelId;
    this.#engine = new RemoteEngine(
      { ...options, baseURL: client.baseURL, model: model.modelId, logprobs: false },
      { client, dialect: dialectOf(model, continuation) },
    );
  }

  get contextTokens(): number | undefined {
    return this.#engine.contextTokens;
  }

  get capabilities(): EngineCapabilities {
    return this.#engine.capabilities;
  }

  ready(options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.#engine.ready(options);
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    if (typeof prompt === 'object' && 'text' in prompt) {
      throw new InvalidOptionError(
        'prompt',
        'text or messages',
        prompt,
        'Models of the AI SDK read messages: plain text without a chat template cannot be given to them.',
      );
    }
    return this.#engine.open(prompt, options);
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}

/**
 * A language model of the AI SDK as an engine: each branch is a call of its own, which its deadline or `abort` really ends.
 * What an engine over a server does about failures, slow answers and limits is done here by the same code.
 *
 * @module
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider';
import * as v from 'valibot';
import type { Engine, EngineCapabilities, Session, SessionOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { InvalidOptionError } from '../../errors.ts';
import { RemoteEngine } from '../../engines/remote/openai-compatible-engine.ts';
import { requestEntries } from '../../engines/remote/remote-options.ts';
import { codeValue, oneOf, plainObject, readOptions, type OptionsOf } from '../../option-schemas.ts';
import { dialectOf, ModelClient, type AnyLanguageModel } from './model-client.ts';

/** How calls of a model are made. */
export const aiSdkRequestEntries = {
  /**
   * How the model goes on from a text of its own, as forced answers and every strategy that works step by step need it.
   * `assistant-last`: it continues a last message of the assistant. `asked`: a message asks it to, which is not exact. `none`: it
   * cannot; what needs it fails. @default 'asked'
   */
  continuation: v.optional(oneOf(['assistant-last', 'asked', 'none']), 'asked'),
  ...requestEntries,
};

export const aiSdkEngineEntries = {
  /** A model object: `openai('…')`, not its name. Of specification v2, v3 or v4. */
  model: codeValue<AnyLanguageModel>(
    'a language model object of the AI SDK',
    (given) => typeof given === 'object' && given !== null && 'doStream' in given && typeof given.doStream === 'function',
    'Names of models need a provider: pass what it returns.',
  ),
  ...aiSdkRequestEntries,
  /** Part of every call: provider options, headers, reasoning. @default {} */
  callOptions: v.optional(plainObject<Pick<LanguageModelV4CallOptions, 'providerOptions' | 'headers' | 'reasoning' | 'responseFormat'>>(), {}),
};

/** Models of the AI SDK have no min-p and no repetition penalty. */
export interface AiSdkEngineOptions extends OptionsOf<typeof aiSdkEngineEntries> {}

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

  constructor(options: AiSdkEngineOptions, standsInFor?: StandsInFor) {
    const { model, continuation, callOptions, ...settings } = readOptions(aiSdkEngineEntries, options);
    const client = new ModelClient({ model, callOptions: { ...callOptions, ...standsInFor?.callOptions }, ...(standsInFor && { prompt: standsInFor.prompt }) });
    this.name = model.modelId;
    this.#engine = new RemoteEngine(
      { ...settings, baseURL: client.baseURL, model: model.modelId, logprobs: false },
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

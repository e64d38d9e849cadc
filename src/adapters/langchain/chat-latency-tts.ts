import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import { BaseChatModel, type BaseChatModelCallOptions, type BaseChatModelParams, type LangSmithParams } from '@langchain/core/language_models/chat_models';
import { AIMessage, AIMessageChunk, type AIMessageFields, type BaseMessage, type UsageMetadata } from '@langchain/core/messages';
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs';
import * as v from 'valibot';
import type { SamplingOptions } from '../../contracts/engine.ts';
import type { StrategyResult } from '../../contracts/result.ts';
import type { Strategy } from '../../contracts/strategy.ts';
import { flag, pickOptions, readOptions, requireDeadlineMs, type OptionsOf } from '../../option-schemas.ts';
import { requireKnownNames } from '../../options.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { finishOf, resultMetadata, type ResultMetadata } from '../result-metadata.ts';
import { reasoningOf } from '../../runtime/chosen-branch.ts';
import { prepareCall, strategyCallEntries, type CallPolicy, type PreparedCall } from '../strategy-call.ts';
import { readMessages } from './read-messages.ts';

export const chatLatencyTtsEntries = {
  ...strategyCallEntries,
  /** Whether the report in `response_metadata.latencyTts` carries the text of every branch. @default false */
  branchTexts: v.optional(flag, false),
};

export type ChatLatencyTtsOptions = OptionsOf<typeof chatLatencyTtsEntries> & BaseChatModelParams;

/** LangChain's own options, which it checks itself. */
const LANGCHAIN: Readonly<Record<keyof BaseChatModelParams | 'name', true>> = {
  name: true,
  cache: true,
  callbackManager: true,
  callbacks: true,
  disableStreaming: true,
  maxConcurrency: true,
  maxRetries: true,
  metadata: true,
  onFailedAttempt: true,
  outputVersion: true,
  tags: true,
  verbose: true,
};

/** Beside LangChain's own, of which `stop`, `signal` and `timeout` are kept. */
export interface ChatLatencyTtsCallOptions extends BaseChatModelCallOptions {
  /** In place of the model's. */
  readonly strategy?: Strategy;
  /** In place of the model's, in milliseconds. LangChain's `timeout` is another thing: it ends the call without an answer. */
  readonly deadlineMs?: number;
  /** In place of the model's. */
  readonly seed?: number;
  /** In place of the strategy's and the engine's, field by field. */
  readonly sampling?: SamplingOptions;
  /** Most tokens that one branch samples by itself; one that has spent them may still be asked for its answer. */
  readonly maxTokens?: number;
}

/**
 * A strategy as a chat model of LangChain.js. A strategy of one branch streams its text while it grows; of several branches the
 * text comes at the end. `response_metadata.latencyTts` of a message is the run's report.
 */
export class ChatLatencyTts extends BaseChatModel<ChatLatencyTtsCallOptions> {
  readonly #policy: CallPolicy;
  readonly #withTexts: boolean;

  static override lc_name(): string {
    return 'ChatLatencyTts';
  }

  /** @throws {InvalidOptionError} */
  constructor(options: ChatLatencyTtsOptions) {
    requireKnownNames(options, [...Object.keys(chatLatencyTtsEntries), ...Object.keys(LANGCHAIN)]);
    const { branchTexts, ...policy } = readOptions(chatLatencyTtsEntries, pickOptions(chatLatencyTtsEntries, options));
    super(options);
    this.#policy = policy;
    this.#withTexts = branchTexts;
  }

  override _llmType(): string {
    return 'latency-tts';
  }

  override getLsParams(): LangSmithParams {
    return { ls_provider: 'latency-tts', ls_model_name: this.#policy.engine.name, ls_model_type: 'chat' };
  }

  override invocationParams(options?: this['ParsedCallOptions']): Record<string, unknown> {
    const { engine, strategy, deadlineMs, seed } = this.#policyOf(options ?? {});
    return { model: engine.name, strategy: strategy.name, deadlineMs, seed, stop: options?.stop, sampling: options?.sampling, maxTokens: options?.maxTokens };
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const { run, policy } = this.#prepare(messages, options, options.signal);
    const result = await run();
    // Under `exactOptionalPropertyTypes` LangChain's own types give usage the type never.
    const fields = { content: result.text, ...thoughtsOf(reasoningOf(result)), ...this.#describe(policy, result) } as unknown as AIMessageFields;
    const message = new AIMessage(fields);
    return { generations: [{ text: result.text, message }], llmOutput: { tokenUsage: message.usage_metadata } };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const scope = new AbortScope(options.signal);
    try {
      const { run, policy } = this.#prepare(messages, options, scope.signal);
      const parts = new ReadableStream<string | { readonly reasoning: string } | StrategyResult>({
        start: (controller) => {
          void run({ onText: (text) => controller.enqueue(text), onReasoning: (reasoning) => controller.enqueue({ reasoning }) }).then(
            (result) => {
              controller.enqueue(result);
              controller.close();
            },
            (error: unknown) => controller.error(error),
          );
        },
      }).getReader();
      for (let part = await parts.read(); !part.done; part = await parts.read()) {
        const { value } = part;
        const text = typeof value === 'string' ? value : '';
        const told = typeof value === 'string' ? {} : 'reasoning' in value ? thoughtsOf(value.reasoning) : this.#describe(policy, value);
        yield new ChatGenerationChunk({ text, message: new AIMessageChunk({ content: text, ...told } as unknown as AIMessageFields) });
        if (typeof value === 'string') await runManager?.handleLLMNewToken(text);
      }
    } finally {
      // A reader that leaves early ends the run; after the end this does nothing.
      scope.end();
    }
  }

  #prepare(messages: readonly BaseMessage[], options: this['ParsedCallOptions'], signal: AbortSignal | undefined): { run: PreparedCall; policy: CallPolicy } {
    const { sampling, maxTokens, stop } = options;
    const policy = this.#policyOf(options);
    const settings = { ...(sampling && { sampling }), ...(maxTokens !== undefined && { maxTokens }), ...(stop && stop.length > 0 && { stop }) };
    return { policy, run: prepareCall(policy, { prompt: readMessages(messages), settings, signal }) };
  }

  #policyOf({ strategy, deadlineMs, seed }: Pick<ChatLatencyTtsCallOptions, 'strategy' | 'deadlineMs' | 'seed'>): CallPolicy {
    if (deadlineMs !== undefined) requireDeadlineMs(deadlineMs);
    return { ...this.#policy, ...(strategy && { strategy }), ...(deadlineMs !== undefined && { deadlineMs }), ...(seed !== undefined && { seed }) };
  }

  /** Usage counts all branches: it is what the answer has cost. */
  #describe({ engine, strategy }: CallPolicy, result: StrategyResult): { usage_metadata: UsageMetadata; response_metadata: ChatLatencyTtsMetadata } {
    const { promptTokens, completionTokens } = result.usage;
    return {
      usage_metadata: { input_tokens: promptTokens, output_tokens: completionTokens, total_tokens: promptTokens + completionTokens },
      response_metadata: {
        model_name: engine.name,
        finish_reason: finishOf(result) ?? 'other',
        latencyTts: resultMetadata(strategy.name, result, this.#withTexts),
      },
    };
  }
}

/** Thoughts, where LangChain's own models of servers that keep them apart have them. */
function thoughtsOf(reasoning: string | undefined): { additional_kwargs?: { reasoning_content: string } } {
  return reasoning === undefined ? {} : { additional_kwargs: { reasoning_content: reasoning } };
}

/** What `response_metadata` of a message of `ChatLatencyTts` has. */
export interface ChatLatencyTtsMetadata extends Record<string, unknown> {
  readonly model_name: string;
  /** How the returned branch has ended. */
  readonly finish_reason: string;
  readonly latencyTts: ResultMetadata;
}

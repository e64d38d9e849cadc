import type {
  LanguageModelV2,
  LanguageModelV3,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
} from '@ai-sdk/provider';
import { ServerError } from '../../errors.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { onAbort } from '../../runtime/on-abort.ts';
import type { Dialect } from '../../servers/dialects.ts';
import { DIALECTS } from '../../servers/dialects.ts';
import type { StreamEvent } from '../../servers/read-events.ts';
import { ServerClient } from '../../servers/server-client.ts';
import { errorOfAnswer } from '../../servers/server-errors.ts';

/** A language model of the AI SDK, of any specification that `ai` 5 to 7 know. */
export type AnyLanguageModel = LanguageModelV2 | LanguageModelV3 | LanguageModelV4;

/** How a model is made to go on behind a text of its own. */
export type ModelContinuation = 'assistant-last' | 'asked' | 'none';

export interface ModelClientOptions {
  readonly model: AnyLanguageModel;
  /** Part of every call. */
  readonly callOptions: Partial<LanguageModelV4CallOptions>;
  /** Messages that are sent in place of those that are their text. */
  readonly prompt?: LanguageModelV4Prompt;
}

/** What a model of the AI SDK does in its own way, in the terms of servers. */
export function dialectOf({ provider }: AnyLanguageModel, continuation: ModelContinuation): Dialect {
  return {
    ...DIALECTS.other,
    label: provider,
    // A field that the client then refuses.
    continuation: continuation === 'none' ? 'continue-final-message' : continuation,
    hasCompletions: false,
    samplingFields: { topK: 'top_k' },
  };
}

interface TextMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** The body of a request as `completionRequest` writes it for `dialectOf`. */
interface RequestBody {
  readonly messages: readonly TextMessage[];
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly max_tokens?: number;
  readonly seed?: number;
  /** Where the model is to go on behind a text and was declared not to. */
  readonly continue_final_message?: true;
}

/** A part of a stream, as far as the specifications agree. */
type Part =
  | { readonly type: 'text-delta' | 'reasoning-delta'; readonly delta: string }
  | { readonly type: 'error'; readonly error: unknown }
  | { readonly type: 'finish'; readonly finishReason: string | { readonly unified: string }; readonly usage: AnyUsage }
  | { readonly type: 'other' };

type Count = number | undefined;
interface AnyUsage {
  readonly inputTokens: Count | { readonly total: Count; readonly cacheRead: Count };
  readonly outputTokens: Count | { readonly total: Count; readonly reasoning: Count };
  readonly cachedInputTokens?: Count;
  readonly reasoningTokens?: Count;
}

/** Answers an engine's requests by calls of a model: no HTTP, and none of its bytes, lie between. */
export class ModelClient extends ServerClient {
  readonly #options: ModelClientOptions;

  constructor(options: ModelClientOptions) {
    super({ baseURL: 'http://model.invalid' });
    this.#options = options;
  }

  override async *stream(path: string, body: object, signal: AbortSignal): AsyncGenerator<StreamEvent, boolean> {
    const ending = new AbortScope(signal);
    const call = this.#callOf(body as RequestBody, ending.signal);
    let reader: ReadableStreamDefaultReader<unknown> | undefined;
    const leave = (): void => void reader?.cancel().catch(() => undefined);
    // Models need not end their streams when they are aborted.
    const forget = onAbort(signal, leave);
    try {
      // The specifications agree on what is used here.
      const { stream } = await (this.#options.model as LanguageModelV4).doStream(call);
      reader = stream.getReader();
      if (signal.aborted) leave();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        const event = eventOf(next.value as Part);
        if (event) yield { value: event };
      }
      signal.throwIfAborted();
      return true;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof ServerError ? error : await serverErrorOf(path, error);
    } finally {
      forget();
      ending.end();
      leave();
    }
  }

  #callOf(body: RequestBody, abortSignal: AbortSignal): LanguageModelV4CallOptions {
    const { messages, temperature, top_p: topP, top_k: topK, max_tokens: maxTokens, seed, continue_final_message: isContinued } = body;
    const { callOptions, prompt = [] } = this.#options;
    if (isContinued) throw cannotContinue();
    return {
      ...callOptions,
      prompt: messages.map((message, index) => originalOf(message, prompt[index]) ?? messageOf(message)),
      ...(temperature !== undefined && { temperature }),
      // Providers refuse fields that they do not know, even where they would change nothing.
      ...(topP !== undefined && topP < 1 && { topP }),
      ...(topK !== undefined && topK > 0 && { topK }),
      ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
      ...(seed !== undefined && { seed }),
      abortSignal,
    };
  }
}

/** The message that a text stands for, images and all. */
function originalOf({ role, content }: TextMessage, original: LanguageModelV4Message | undefined): LanguageModelV4Message | undefined {
  if (!original) return undefined;
  const text = textMessageOf(original);
  return text.role === role && text.content === content ? original : undefined;
}

/** A message in words: parts that are none are named. */
export function textMessageOf(message: LanguageModelV4Message): TextMessage {
  if (message.role === 'system') return { role: message.role, content: message.content };
  const content = message.content.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('');
  return { role: message.role === 'tool' ? 'user' : message.role, content };
}

export function messageOf({ role, content }: TextMessage): LanguageModelV4Message {
  return role === 'system' ? { role, content } : { role, content: [{ type: 'text', text: content }] };
}

function eventOf(part: Part): object | undefined {
  if (part.type === 'text-delta') return { choices: [{ delta: { content: part.delta } }] };
  if (part.type === 'reasoning-delta') return { choices: [{ delta: { reasoning: part.delta } }] };
  if (part.type === 'error') throw part.error;
  if (part.type !== 'finish') return undefined;
  const { finishReason, usage } = part;
  const reason = typeof finishReason === 'string' ? finishReason : finishReason.unified;
  return { choices: [{ delta: {}, finish_reason: reason }], usage: usageOf(usage) };
}

function usageOf({ inputTokens, outputTokens, cachedInputTokens, reasoningTokens }: AnyUsage): object | undefined {
  const input = typeof inputTokens === 'object' ? inputTokens : { total: inputTokens, cacheRead: cachedInputTokens };
  const output = typeof outputTokens === 'object' ? outputTokens : { total: outputTokens, reasoning: reasoningTokens };
  if (output.total === undefined) return undefined;
  return {
    prompt_tokens: input.total,
    completion_tokens: output.total,
    prompt_tokens_details: { cached_tokens: input.cacheRead },
    completion_tokens_details: { reasoning_tokens: output.reasoning },
  };
}

function cannotContinue(): ServerError {
  const advice =
    "Use strategies that sample whole solutions, with `forcedAnswer: false`, or say how it goes on by `continuation: 'assistant-last'` or `'asked'`.";
  return new ServerError('request', `The model cannot go on behind a text of its own, as it was declared. ${advice}`);
}

/** What a provider failed with, where the AI SDK says so: `APICallError`, seen by its fields. */
interface CallFailure {
  readonly message?: string;
  readonly statusCode?: number;
  readonly isRetryable?: boolean;
  readonly responseHeaders?: Readonly<Record<string, string>>;
}

/** The message only: errors of the SDK carry the request, and with it what must not be told. */
async function serverErrorOf(path: string, error: unknown): Promise<Error> {
  const {
    message = String(error),
    statusCode,
    isRetryable = false,
    responseHeaders = {},
  } = (typeof error === 'object' && error !== null ? error : {}) as CallFailure;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 600) {
    return errorOfAnswer(path, new Response(JSON.stringify({ message }), { status: statusCode, headers: { ...responseHeaders } }), (text) => text);
  }
  return new ServerError('stream', `The model failed: ${message}`, { isRetryable });
}

/** Requests to a handler without a network, and replies taken apart. */
import { createParser } from 'eventsource-parser';
import type { ServeHandler } from '../../src/serve/handler.ts';

export const CHAT = '/v1/chat/completions';
export const TEXT = '/v1/completions';

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Sends a JSON body. */
export function post(handler: ServeHandler, path: string, body: unknown, { headers = {}, signal }: CallOptions = {}): Promise<Response> {
  return handler.fetch(
    new Request(`http://localhost${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    }),
  );
}

export interface BranchBody {
  readonly branch: number;
  readonly answer: string | null;
  readonly finish: string;
  readonly token_count: number;
  readonly text?: string;
  readonly error?: string;
}

export interface ExtensionBody {
  readonly strategy: string;
  readonly seed: number;
  readonly stop_reason: string;
  readonly answer: string | null;
  readonly confidence: number | null;
  readonly votes?: readonly { readonly answer: string; readonly weight: number; readonly voters: readonly number[] }[];
  readonly branches: readonly BranchBody[];
  readonly usage: { readonly sampled_tokens: number; readonly forced_tokens: number; readonly forward_count: number };
  readonly timing: { readonly deadline_ms: number | null; readonly queued_ms: number; readonly total_ms: number };
  readonly ignored?: readonly string[];
  readonly warnings?: readonly string[];
}

export interface NamedTokenBody {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
}

export interface LogprobsBody {
  readonly content: readonly (NamedTokenBody & { readonly top_logprobs: readonly NamedTokenBody[] })[];
}

export interface ChatBody {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly message: { readonly role: string; readonly content: string };
    readonly logprobs: LogprobsBody | null;
    readonly finish_reason: string;
    readonly stop_reason: string | null;
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number };
  readonly latency_tts: ExtensionBody;
}

export interface ErrorBody {
  readonly error: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string };
}

export async function chat(handler: ServeHandler, body: object, options: CallOptions = {}): Promise<ChatBody> {
  const response = await post(handler, CHAT, body, options);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as ChatBody;
}

export async function errorOf(response: Response): Promise<ErrorBody['error'] & { readonly status: number }> {
  return { status: response.status, ...((await response.json()) as ErrorBody).error };
}

export interface ChunkBody {
  readonly object: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta?: { readonly role?: string; readonly content?: string };
    readonly text?: string;
    readonly logprobs: LogprobsBody | null;
    readonly finish_reason: string | null;
    readonly stop_reason?: string | null;
  }[];
  readonly usage?: ChatBody['usage'] | null;
  readonly latency_tts?: ExtensionBody;
  readonly error?: ErrorBody['error'];
}

/** A stream of server-sent events, read to its end. */
export interface StreamBody {
  readonly chunks: readonly ChunkBody[];
  readonly comments: readonly string[];
  readonly isDone: boolean;
  /** Comments and chunks as they came. */
  readonly order: readonly ('comment' | 'chunk')[];
}

export async function readStream(response: Response): Promise<StreamBody> {
  const chunks: ChunkBody[] = [];
  const comments: string[] = [];
  const order: ('comment' | 'chunk')[] = [];
  let isDone = false;
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data === '[DONE]') isDone = true;
      else {
        chunks.push(JSON.parse(data) as ChunkBody);
        order.push('chunk');
      }
    },
    onComment: (comment) => {
      comments.push(comment);
      order.push('comment');
    },
  });
  parser.feed(await response.text());
  return { chunks, comments, isDone, order };
}

/** The text of a choice, put together from its chunks. */
export function textOf({ chunks }: StreamBody, index = 0): string {
  return chunks
    .flatMap(({ choices }) => choices)
    .filter((choice) => choice.index === index)
    .map(({ delta, text }) => delta?.content ?? text ?? '')
    .join('');
}

import { ContextLengthError, ServerError, type ServerErrorKind } from '../errors.ts';
import { readText, type Redact } from './read-events.ts';

/** What is read of an answer that tells of a failure. */
const LONGEST_REFUSAL = 64 * 1024;
/** What of it is told. */
const TOLD_LENGTH = 300;

/** The error that an answer with another status than 2xx stands for. Reads its body. */
export async function errorOfAnswer(path: string, response: Response, redact: Redact): Promise<Error> {
  const { status, headers } = response;
  const text = await readText(response, LONGEST_REFUSAL, redact).catch(() => '');
  const message = messageOf(text);
  if (status === 400 || status === 413 || status === 422) {
    const tooLong = contextLengthError(message);
    if (tooLong) return tooLong;
  }
  const retryAfterMs = retryAfter(headers);
  return new ServerError(kindOf(status), `The server answered ${path} with status ${status}: ${told(message, redact)}`, {
    status,
    isRetryable: status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** The error that an `error` object within a stream stands for. */
export function errorInStream(error: unknown, redact: Redact): ServerError {
  const { code } = (typeof error === 'object' && error !== null ? error : {}) as { readonly code?: unknown };
  const status = typeof code === 'number' && code >= 400 && code < 600 ? code : undefined;
  return new ServerError('stream', `The server told of a failure within its answer: ${told(messageOf(error), redact)}`, {
    isRetryable: status === undefined || status >= 500 || status === 429,
    ...(status !== undefined && { status }),
  });
}

function kindOf(status: number): ServerErrorKind {
  if (status === 401 || status === 403) return 'authentication';
  if (status === 429) return 'rate-limit';
  if (status === 408 || status === 504) return 'timeout';
  return status >= 400 && status < 500 ? 'request' : 'status';
}

/** Milliseconds; `undefined` where the server does not say. A date counts from the server's own time. */
function retryAfter(headers: Headers): number | undefined {
  const milliseconds = Number(headers.get('retry-after-ms') ?? Number.NaN);
  if (milliseconds >= 0) return milliseconds;
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const seconds = Number(value);
  if (seconds >= 0) return seconds * 1_000;
  const from = Date.parse(headers.get('date') ?? '');
  const until = Date.parse(value);
  return until >= from ? until - from : undefined;
}

/** Servers say it as `{ error: { message } }`, `{ error: 'text' }`, `{ message }` or `{ detail }`. */
function messageOf(value: unknown): string {
  let object = value;
  if (typeof value === 'string') {
    try {
      object = JSON.parse(value) as unknown;
    } catch {
      return value;
    }
  }
  for (let depth = 0; depth < 3 && typeof object === 'object' && object !== null; depth++) {
    const { error, message, detail } = object as { readonly error?: unknown; readonly message?: unknown; readonly detail?: unknown };
    const inner = message ?? error ?? detail;
    if (inner === undefined) break;
    object = inner;
  }
  return typeof object === 'string' ? object : (JSON.stringify(object) ?? '');
}

function told(message: string, redact: Redact): string {
  const clean = redact(message).replace(/\s+/g, ' ').trim().slice(0, TOLD_LENGTH);
  return clean === '' ? 'it did not say why.' : /[.!?]$/.test(clean) ? clean : `${clean}.`;
}

/** vLLM and OpenAI: "maximum context length is 8192 tokens. However, you requested 9000 tokens"; llama.cpp: "the request exceeds the available context size". */
function contextLengthError(message: string): ContextLengthError | undefined {
  const context = /(?:maximum (?:context|model) length|context (?:size|length|window))\D{0,40}?(\d+)/i.exec(message);
  if (!context) return undefined;
  const rest = message.slice(context.index + context[0].length);
  const asked =
    /(?:requested|request has|resulted in|contains at least|prompt (?:has|contains)|input)\D{0,40}?(\d+)/i.exec(rest) ?? /\((\d+) tokens\)/i.exec(message);
  // What fits by itself was only asked to grow too long.
  return asked && Number(asked[1]) >= Number(context[1]) ? new ContextLengthError(Number(asked[1]), Number(context[1])) : undefined;
}

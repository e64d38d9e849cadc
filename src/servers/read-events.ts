import { createParser } from 'eventsource-parser';
import { ServerError } from '../errors.ts';
import { withoutHtml } from './html-text.ts';

/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/** What came: a parsed event, or a sign of life. */
export type StreamEvent = { readonly value: unknown } | { readonly value?: never; readonly isPing: true };

/** Longest event, in characters. */
const LONGEST_EVENT = 4 * 1024 * 1024;
/** Longest answer that is not a stream, in characters. */
export const LONGEST_ANSWER = 32 * 1024 * 1024;
/** A line of a stream: a field, or a comment. */
const FIELD = /^\w*:/;
const DONE = /^"?\[?done\]?"?$/i;
/** What keeps a connection alive: a word or a time, no JSON and no sentence. */
const SIGN_OF_LIFE = /^[\w:.+-]{0,40}$/;

/**
 * Events of a response as they come, in a stream or as JSON: gateways call either the other. Returns whether the server said
 * that it was done.
 *
 * @throws {ServerError}
 */
export async function* readEvents(response: Response, path: string, redact: Redact): AsyncGenerator<StreamEvent, boolean> {
  const texts = textsOf(response);
  const first = await nextText(texts);
  async function* all(): AsyncGenerator<string> {
    yield first;
    yield* texts;
  }
  try {
    const beginning = first.trimStart();
    if (/^[{[]/.test(beginning)) {
      yield* parseAnswer(await joined(all(), LONGEST_ANSWER, redact), path, redact).map((value) => ({ value }));
      return true;
    }
    const type = response.headers.get('content-type') ?? '';
    if (/\btext\/event-stream\b/i.test(type) || FIELD.test(beginning)) return yield* readStream(all(), redact);
    const sent = redact(type) || 'no content type';
    throw new ServerError('protocol', `The server answered ${path} with ${sent} in place of an event stream. Check the base URL.`, { status: response.status });
  } finally {
    await texts.return(undefined);
  }
}

/** The first text that is more than space. */
async function nextText(texts: AsyncGenerator<string>): Promise<string> {
  let text = '';
  while (text.trim() === '') {
    const next = await texts.next();
    if (next.done) break;
    text += next.value;
  }
  return text;
}

/** One value, or one a line. */
function parseAnswer(text: string, path: string, redact: Redact): unknown[] {
  const whole = parseEvent(text);
  if (whole !== undefined) return [whole];
  const lines = text.trim().split(/\r?\n/).map(parseEvent);
  if (lines.every((line) => line !== undefined)) return lines;
  throw new ServerError('protocol', `The server answered ${path} with something other than JSON: ${JSON.stringify(redact(withoutHtml(text)).slice(0, 80))}.`);
}

async function* readStream(texts: AsyncGenerator<string>, redact: Redact): AsyncGenerator<StreamEvent, boolean> {
  let events: StreamEvent[] = [];
  let isDone = false;
  let failure: ServerError | undefined;
  const parser = createParser({
    maxBufferSize: LONGEST_EVENT,
    onComment: () => events.push({ isPing: true }),
    onEvent: ({ data, event }) => {
      if (isDone || failure) return;
      if (DONE.test(data.trim())) return void (isDone = true);
      const value = parseEvent(data);
      if (event !== undefined && /error|exception/i.test(event)) return void events.push({ value: { error: value ?? data } });
      if (SIGN_OF_LIFE.test(data.trim())) return void events.push({ isPing: true });
      if (value !== undefined) return void events.push({ value });
      // A text of its own says what went wrong; JSON that is cut does not.
      if (!/^\s*[{["]/.test(data)) return void events.push({ value: { error: data } });
      failure = new ServerError('protocol', `The server sent an event that is not JSON: ${JSON.stringify(redact(withoutHtml(data)).slice(0, 80))}.`, {
        isRetryable: true,
      });
    },
    onError: ({ type, field, value }) => {
      if (type === 'max-buffer-size-exceeded') failure ??= new ServerError('protocol', `The server sent an event of more than ${LONGEST_EVENT} characters.`);
      // Older llama.cpp tells of failures on a line of their own.
      if (type === 'unknown-field' && field === 'error' && value !== undefined) events.push({ value: { error: parseEvent(value) ?? value } });
    },
  });
  for await (const text of texts) {
    parser.feed(text);
    yield* events;
    events = [];
    if (failure) throw failure;
    if (isDone) return true;
  }
  // An event that only lacks its closing line is whole; one that is not JSON was cut.
  parser.feed('\n\n');
  yield* events;
  return isDone;
}

/** Python writes numbers that JSON has no word for; `undefined` for what is not JSON either way. */
function parseEvent(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    try {
      return JSON.parse(data.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (match) => (match.startsWith('"') ? match : 'null'))) as unknown;
    } catch {
      return undefined;
    }
  }
}

/** The whole body. @throws {ServerError} when it is longer than `longest` characters. */
export function readText(response: Response, longest: number, redact: Redact): Promise<string> {
  return joined(textsOf(response), longest, redact);
}

async function joined(texts: AsyncGenerator<string>, longest: number, redact: Redact): Promise<string> {
  let whole = '';
  for await (const text of texts) {
    whole += text;
    if (whole.length > longest)
      throw new ServerError(
        'protocol',
        `The server sent an answer of more than ${longest} characters: ${JSON.stringify(redact(withoutHtml(whole)).slice(0, 80))}.`,
      );
  }
  return whole;
}

/** Characters that are split between packets come with the later one. */
async function* textsOf({ body }: Response): AsyncGenerator<string> {
  if (!body) return;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch {
      throw new ServerError('protocol', 'The server sent bytes that are not UTF-8.', { isRetryable: true });
    }
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield decode(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  decode();
}

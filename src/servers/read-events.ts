import { createParser } from 'eventsource-parser';
import { ServerError } from '../errors.ts';

/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/** What came: a parsed event, or a sign of life. */
export type StreamEvent = { readonly value: unknown } | { readonly value?: never; readonly isPing: true };

/** Longest event, in characters. */
const LONGEST_EVENT = 4 * 1024 * 1024;

/** Events of a response as they come. Returns whether it ended with `[DONE]`. @throws {ServerError} */
export async function* readEvents(response: Response, redact: Redact): AsyncGenerator<StreamEvent, boolean> {
  let events: StreamEvent[] = [];
  let isDone = false;
  let failure: ServerError | undefined;
  const parser = createParser({
    maxBufferSize: LONGEST_EVENT,
    onComment: () => events.push({ isPing: true }),
    onEvent: ({ data, event }) => {
      if (isDone || failure) return;
      if (data.trim() === '[DONE]') return void (isDone = true);
      if (data.trim() === '') return void events.push({ isPing: true });
      const value = parseEvent(data);
      if (event === 'error') return void events.push({ value: { error: value ?? data } });
      if (value !== undefined) return void events.push({ value });
      failure = new ServerError('protocol', `The server sent an event that is not JSON: ${JSON.stringify(redact(data).slice(0, 80))}.`, { isRetryable: true });
    },
    onError: ({ type, field, value }) => {
      if (type === 'max-buffer-size-exceeded') failure ??= new ServerError('protocol', `The server sent an event of more than ${LONGEST_EVENT} characters.`);
      // Older llama.cpp tells of failures on a line of their own.
      if (type === 'unknown-field' && field === 'error' && value !== undefined) events.push({ value: { error: parseEvent(value) ?? value } });
    },
  });
  for await (const text of textsOf(response)) {
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
export async function readText(response: Response, longest: number, redact: Redact): Promise<string> {
  let whole = '';
  for await (const text of textsOf(response)) {
    whole += text;
    if (whole.length > longest)
      throw new ServerError('protocol', `The server sent an answer of more than ${longest} characters: ${JSON.stringify(redact(whole).slice(0, 80))}.`);
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

import * as v from 'valibot';
import { InvalidOptionError, isLatencyTtsError, ServerError } from '../errors.ts';
import { func, text, value, type OptionsOf } from '../option-schemas.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import { withoutHtml } from './html-text.ts';
import { LONGEST_ANSWER, readEvents, readText, type Redact, type StreamEvent } from './read-events.ts';
import { errorOfAnswer } from './server-errors.ts';

export const serverEntries = {
  /** Up to and including the version: `http://127.0.0.1:8000/v1`. */
  baseURL: value<string>('a URL of HTTP, such as `http://127.0.0.1:8000/v1`', (given) => /^https?:$/.test(parseURL(given)?.protocol ?? '')),
  /** Sent as a bearer token; never told to anyone else. */
  apiKey: v.optional(text),
  /** Further headers, for gateways. As secret as the key. */
  headers: v.optional(
    value<Readonly<Record<string, string>>>('an object of texts', (given) => isObject(given) && Object.values(given).every((one) => typeof one === 'string')),
  ),
  /** Sends requests. @default the global one */
  fetch: v.optional(func<typeof fetch>()),
};

export interface ServerOptions extends OptionsOf<typeof serverEntries> {}

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

/** Values of headers that are no secrets are shorter than this. */
const SHORTEST_SECRET = 6;

/** Requests to one server. What it throws of failures is a `ServerError`; an abort rejects with the signal's reason. */
export class ServerClient {
  /** As given, without a slash at its end. */
  readonly baseURL: string;
  /** The same without the version, where servers have what is their own. */
  readonly rootURL: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];
  readonly #fetch: typeof fetch;

  /** @param options - As they were checked. @throws {InvalidOptionError} for a URL with secrets in it. */
  constructor({ baseURL, apiKey, headers = {}, fetch: send = globalThis.fetch }: ServerOptions) {
    this.baseURL = requirePublicURL(baseURL).replace(/\/+$/, '');
    this.rootURL = this.baseURL.replace(/\/v\d+$/, '');
    this.#headers = { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) };
    this.#secrets = [apiKey ?? '', ...Object.values(headers)].filter((secret) => secret.length >= SHORTEST_SECRET || (secret !== '' && secret === apiKey));
    this.#fetch = send;
  }

  /** Takes secrets out of a text: servers repeat what they were sent. */
  readonly redact: Redact = (text) => this.#secrets.reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), text);

  /** @param path - Behind the root where it begins with `//`, else behind the base. */
  async get<Output>(path: string, schema: v.GenericSchema<unknown, Output>, signal: AbortSignal): Promise<Output> {
    return this.#read(path, await this.#send(path, undefined, signal), schema, signal);
  }

  async post<Output>(path: string, body: object, schema: v.GenericSchema<unknown, Output>, signal: AbortSignal): Promise<Output> {
    return this.#read(path, await this.#send(path, body, signal), schema, signal);
  }

  /**
   * Events of a stream as they come; an answer in one piece is one event. Returns whether the server said that it is done.
   * Whoever stops listening ends the request.
   */
  async *stream(path: string, body: object, signal: AbortSignal): AsyncGenerator<StreamEvent, boolean> {
    const ending = new AbortScope(signal);
    try {
      signal.throwIfAborted();
      const response = await this.#send(path, body, ending.signal);
      return yield* readEvents(response, path, this.redact);
    } catch (error) {
      signal.throwIfAborted();
      throw this.#failure(path, error);
    } finally {
      ending.end();
    }
  }

  async #send(path: string, body: object | undefined, signal: AbortSignal): Promise<Response> {
    const url = path.startsWith('//') ? this.rootURL + path.slice(1) : this.baseURL + path;
    let response: Response;
    try {
      response = await this.#fetch(url, {
        signal,
        headers: { ...this.#headers, accept: 'application/json, text/event-stream', ...(body && { 'content-type': 'application/json' }) },
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      });
    } catch (error) {
      signal.throwIfAborted();
      throw this.#failure(path, error);
    }
    if (!response.ok) throw await errorOfAnswer(path, response, this.redact, body);
    return response;
  }

  async #read<Output>(path: string, response: Response, schema: v.GenericSchema<unknown, Output>, signal: AbortSignal): Promise<Output> {
    try {
      const value = this.#parse(path, await readText(response, LONGEST_ANSWER, this.redact));
      const result = v.safeParse(schema, value);
      if (result.success) return result.output;
      throw new ServerError(
        'protocol',
        `The server answered ${path} in another form than expected: ${this.redact(v.flatten(result.issues).root?.[0] ?? result.issues[0].message)}.`,
      );
    } catch (error) {
      signal.throwIfAborted();
      throw this.#failure(path, error);
    }
  }

  #parse(path: string, text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new ServerError(
        'protocol',
        `The server answered ${path} with something other than JSON: ${JSON.stringify(this.redact(withoutHtml(text)).slice(0, 80))}.`,
      );
    }
  }

  /** A failure of the connection. The cause is told in words: errors of other libraries carry the headers that were sent. */
  #failure(path: string, error: unknown): Error {
    if (isLatencyTtsError(error)) return error;
    const words = [error, error instanceof Error ? error.cause : undefined].filter((one) => one !== undefined).map((one) => this.redact(String(one)));
    return new ServerError('connect', `The connection for ${path} failed: ${words.join(': ')}.`.replace(/\.\.$/, '.'), { isRetryable: true });
  }
}

function parseURL(given: unknown): URL | undefined {
  try {
    return new URL(given as string);
  } catch {
    return undefined;
  }
}

function requirePublicURL(baseURL: string): string {
  const url = new URL(baseURL);
  if (url.username || url.password || url.search) {
    throw new InvalidOptionError('baseURL', 'a URL without credentials and parameters', url.origin + url.pathname, 'Pass a key as `apiKey`.');
  }
  return url.href;
}

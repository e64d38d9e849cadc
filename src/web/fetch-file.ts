import { ModelLoadError } from '../errors.ts';
import { VERSION } from '../version.ts';

/** What `fetchFile` tells while a file arrives. */
export interface FetchProgress {
  readonly url: string;
  readonly loadedBytes: number;
  /** `undefined` where the server does not say. */
  readonly totalBytes: number | undefined;
  /** Whether the file comes out of the cache. */
  readonly isCached: boolean;
}

export interface FetchOptions {
  /**
   * Name of the browser's cache (Cache API) that keeps files, or `false` to keep none. Pages that are not served over https
   * or from this machine have no such cache; files are then fetched each time.
   *
   * @default 'latency-tts-' and the package's version
   */
  readonly cache?: string | false;
}

const DEFAULT_CACHE = `latency-tts-${VERSION}`;

/**
 * The bytes of a file, out of the cache where it is there already.
 *
 * @param source - For messages: what needs the file.
 * @param onProgress - Called as parts arrive, and with the whole.
 * @throws {ModelLoadError}
 */
export async function fetchFile(
  url: string,
  source: string,
  { cache: name = DEFAULT_CACHE }: FetchOptions = {},
  onProgress?: (progress: FetchProgress) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const cache = name === false ? undefined : await openCache(name);
  const held = await cache?.match(url);
  const response = held ?? (await requested(url, source));
  const bytes = await bytesOf(response, url, source, { isCached: held !== undefined, onProgress });
  // A full disk keeps no one from a model that has arrived.
  if (cache && !held) await cache.put(url, new Response(bytes, { headers: { 'Content-Length': String(bytes.length) } })).catch(() => undefined);
  return bytes;
}

/** A file of JSON. @throws {ModelLoadError} */
export async function fetchJson(url: string, source: string, options?: FetchOptions): Promise<object> {
  const text = new TextDecoder().decode(await fetchFile(url, source, options));
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    const advice = 'A server that answers every address with its start page gives HTML here; check the address.';
    throw new ModelLoadError(source, `${url} is not JSON. ${advice}`, { cause: error });
  }
}

async function openCache(name: string): Promise<Cache | undefined> {
  // Private windows and pages without a secure context have none, or refuse it.
  return globalThis.caches?.open(name).catch(() => undefined);
}

async function requested(url: string, source: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new ModelLoadError(source, `${url} cannot be fetched (${detail}). Check the address, and that its server allows this page's origin.`, {
      cause: error,
    });
  }
  if (response.ok) return response;
  throw new ModelLoadError(source, `${url} cannot be fetched (status ${response.status}). Serve the file there, or pass where it is.`);
}

interface Reading {
  readonly isCached: boolean;
  readonly onProgress: ((progress: FetchProgress) => void) | undefined;
}

async function bytesOf(response: Response, url: string, source: string, { isCached, onProgress }: Reading): Promise<Uint8Array<ArrayBuffer>> {
  // The length of a compressed body is not the length of what comes out of it.
  const declared = response.headers.has('Content-Encoding') ? null : response.headers.get('Content-Length');
  const totalBytes = declared === null ? undefined : Number(declared);
  const parts: Uint8Array[] = [];
  let loadedBytes = 0;
  try {
    for await (const part of partsOf(response)) {
      parts.push(part);
      loadedBytes += part.length;
      onProgress?.({ url, loadedBytes, totalBytes, isCached });
    }
  } catch (error) {
    throw new ModelLoadError(source, `${url} broke off after ${loadedBytes} bytes. Try again.`, { cause: error });
  }
  const bytes = new Uint8Array(loadedBytes);
  let next = 0;
  for (const part of parts) {
    bytes.set(part, next);
    next += part.length;
  }
  return bytes;
}

/** Streams are asynchronous iterables, but not in every browser. */
async function* partsOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (!part?.value) return;
    yield part.value;
  }
}

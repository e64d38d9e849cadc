import { createAdaptorServer } from '@hono/node-server';
import type { Server, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { isIP, type AddressInfo } from 'node:net';
import { readOptions, text, texts, value, wholeNumber, type EntriesFor } from '../option-schemas.ts';
import { isWhole } from '../options.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { ApiError } from '../serve/api-error.ts';
import type { ServeHandler } from '../serve/handler.ts';

export interface ListenOptions {
  /** 0 takes any that is free. @default 8080 */
  readonly port?: number;
  /** Address to listen on. Anything but a loopback address lets other machines in: set an API key first. @default '127.0.0.1' */
  readonly hostname?: string;
  /**
   * Names by which clients may call the server, without port; requests for others are refused. Web pages can have their own
   * names resolve to this machine. @default loopback names where it listens on a loopback address, else any
   */
  readonly allowedHosts?: readonly string[];
  /** Milliseconds a client may take to send a request. Whole number ≥ 1. @default 30 000 */
  readonly requestTimeoutMs?: number;
}

export const listenEntries = {
  port: v.optional(
    value<number>('a whole number from 0 to 65535', (given) => isWhole(given, 0) && (given as number) <= 65_535),
    8080,
  ),
  hostname: v.optional(text, '127.0.0.1'),
  allowedHosts: v.optional(texts()),
  requestTimeoutMs: v.optional(wholeNumber(1), 30_000),
} satisfies EntriesFor<ListenOptions>;

/** A server that listens. */
export interface Listener {
  /** `http://127.0.0.1:8080`, without a slash. */
  readonly url: string;
  readonly port: number;
  /**
   * Accepts no further connections, lets requests under way end, and cuts what is left after `graceMs`. The handler is closed,
   * engines are not disposed. Safe to call twice; a shorter grace of a later call counts.
   *
   * @param options.graceMs - Milliseconds. @default Infinity
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Time that last words of a server that stops have to be read in. */
const LAST_WORDS_MS = 1000;
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Serves a handler over HTTP/1.1.
 *
 * @throws {InvalidOptionError}
 * @throws Node's error where the port cannot be had.
 */
export async function listen(handler: ServeHandler, options: ListenOptions = {}): Promise<Listener> {
  const { port, hostname, requestTimeoutMs, allowedHosts } = readOptions(listenEntries, options);
  const allowed = allowedHosts ?? (isLoopback(hostname) ? LOOPBACK_NAMES : undefined);
  const server = createAdaptorServer({
    fetch: (request) => (allowed && !allowed.includes(hostOf(request)) ? misdirected(request) : handler.fetch(request)),
    // Replaced globals would change what other code of the process sees.
    overrideGlobalObjects: false,
    serverOptions: { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
  }) as Server;
  const replies = new OpenReplies(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, hostname, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  const host = isIP(address.address) === 6 ? `[${address.address}]` : address.address;
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    async close({ graceMs = Infinity } = {}) {
      server.close();
      await handler.close({ graceMs });
      // What was said last is still on its way; a client that does not read it is not waited for.
      const written = new AbortScope();
      void replies.written().then(() => written.end());
      await systemClock.wait!(graceMs < Infinity ? LAST_WORDS_MS : Infinity, written.signal);
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Replies that are not written to their end. */
class OpenReplies {
  readonly #open = new Set<ServerResponse>();
  #waiting: (() => void)[] = [];

  constructor(server: Server) {
    server.on('request', (_, reply: ServerResponse) => {
      this.#open.add(reply);
      reply.once('close', () => {
        this.#open.delete(reply);
        if (this.#open.size > 0) return;
        for (const resolve of this.#waiting) resolve();
        this.#waiting = [];
      });
    });
  }

  async written(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '::1' || /^127\./.test(hostname);
}

function hostOf(request: Request): string {
  return new URL(request.url).hostname;
}

function misdirected(request: Request): Response {
  const message = `This server does not answer for \`${hostOf(request)}\`.`;
  return new ApiError(421, 'misdirected_host', message).toResponse();
}

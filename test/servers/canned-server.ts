/**
 * A server on loopback that answers every request for text with bytes that were written down beforehand, so that replies of
 * servers that nobody here runs go through the same HTTP, stream and engine as those of any other.
 *
 * @module
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Segment } from '../../src/contracts/engine.ts';
import { openaiCompatibleEngine, type OpenAICompatibleEngine } from '../../src/engines/remote/openai-compatible-engine.ts';
import type { OpenAICompatibleOptions } from '../../src/engines/remote/remote-options.ts';
import { impatientClock } from '../engines/remote/impatient-clock.ts';

export interface CannedReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string as it is; objects are the events of a stream, `[DONE]` behind them; with a status they are the body. */
  readonly body: string | object | readonly object[];
}

/** The nth request is answered by what this gives for it. */
export type Script = (body: Readonly<Record<string, unknown>>, index: number) => CannedReply;

export class CannedServer {
  /** Bodies of the requests for text. */
  readonly bodies: Readonly<Record<string, unknown>>[] = [];
  readonly #server: Server;
  #script: Script;

  private constructor(server: Server, script: Script) {
    this.#server = server;
    this.#script = script;
  }

  static async start(script: Script | CannedReply): Promise<CannedServer> {
    const server = createServer();
    const canned = new CannedServer(server, typeof script === 'function' ? script : () => script);
    server.on('request', (request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => canned.#answer(request.url ?? '', text, response));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return canned;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  set script(script: Script | CannedReply) {
    this.#script = typeof script === 'function' ? script : () => script;
  }

  engine(options: Partial<OpenAICompatibleOptions> = {}): OpenAICompatibleEngine {
    return openaiCompatibleEngine({ baseURL: this.url, model: 'canned', server: 'other', maxRetries: 0, ...options });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(path: string, text: string, response: ServerResponse): void {
    if (!path.endsWith('/completions')) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    const body = JSON.parse(text) as Record<string, unknown>;
    this.bodies.push(body);
    const reply = this.#script(body, this.bodies.length - 1);
    if (reply.status !== undefined) {
      const json = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers }).end(json);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', ...reply.headers }).end(streamOf(reply.body));
  }
}

/** Events as a stream, `[DONE]` behind them. */
export function streamOf(body: string | object | readonly object[]): string {
  if (typeof body === 'string') return body;
  return `${[body]
    .flat()
    .map((event) => `data: ${JSON.stringify(event)}\n\n`)
    .join('')}data: [DONE]\n\n`;
}

/** One segment from a server that answers so. */
export async function segmentFrom(
  reply: Script | CannedReply,
  options: Partial<OpenAICompatibleOptions> = {},
  until: { tokens?: number; stop?: string[] } = {},
): Promise<Segment> {
  const server = await CannedServer.start(reply);
  const engine = server.engine(options);
  try {
    const session = await engine.open('Say it.', { clock: impatientClock(), topLogprobs: options.server === undefined ? 0 : 2 });
    return await session.branch(1)[0]!.advance({ until });
  } finally {
    await engine.dispose();
    await server.stop();
  }
}

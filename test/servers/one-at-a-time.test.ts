/** Servers that handle one request at a time, in each of the ways they do it; and servers that read a prompt once for all. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { openaiCompatibleEngine, type OpenAICompatibleEngine } from '../../src/engines/remote/openai-compatible-engine.ts';
import type { OpenAICompatibleOptions } from '../../src/engines/remote/remote-options.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';

/** What becomes of a request that comes while another runs. */
type Manner = 'interrupts in order' | 'interrupts by closing' | 'refuses' | 'lets wait' | 'runs beside';

const PIECES = [...'Six times seven, that is to say. #### 42'];

class NarrowServer {
  /** Bodies of requests, in the order they came. */
  readonly bodies: { readonly messages: readonly { readonly content: string }[] }[] = [];
  /** Answers that were under way when the nth request came. */
  readonly runningAtArrival: number[] = [];
  /** Pieces sent of each. */
  readonly sent: number[] = [];
  readonly #server: Server;
  readonly #manner: Manner;
  readonly #running: { response: ServerResponse; stop: boolean }[] = [];
  readonly #waiting: (() => void)[] = [];
  /** No answer begins before so many requests have come. */
  holdUntil = 0;
  /** The nth request, from 0, is cut after some pieces for no reason. */
  cut: ((index: number) => boolean) | undefined;

  private constructor(server: Server, manner: Manner) {
    this.#server = server;
    this.#manner = manner;
  }

  static async start(manner: Manner): Promise<NarrowServer> {
    const server = createServer();
    const narrow = new NarrowServer(server, manner);
    server.on('request', (request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        if (!request.url!.endsWith('/completions')) return response.writeHead(404).end('{}');
        return narrow.#arrive(JSON.parse(text) as NarrowServer['bodies'][number], response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return narrow;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #arrive(body: NarrowServer['bodies'][number], response: ServerResponse): void {
    const index = this.bodies.push(body) - 1;
    this.sent.push(0);
    this.runningAtArrival.push(this.#running.length);
    const isBusy = this.#running.length > 0 && this.#manner !== 'runs beside';
    if (isBusy && this.#manner === 'refuses') {
      response
        .writeHead(503, { 'content-type': 'application/json' })
        .end('{"detail":{"msg":"Server is busy; please try again later.","type":"service_unavailable"}}');
      return;
    }
    if (!isBusy) return void this.#run(index, response);
    this.#waiting.push(() => void this.#run(index, response));
    if (this.#manner !== 'lets wait') this.#running[0]!.stop = true;
  }

  async #run(index: number, response: ServerResponse): Promise<void> {
    const run = { response, stop: false };
    this.#running.push(run);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const isCut = this.cut?.(index) ?? false;
    while (this.bodies.length < this.holdUntil) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const [at, content] of PIECES.entries()) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (response.closed || run.stop || (isCut && at === 20)) break;
      this.sent[index]!++;
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: at === PIECES.length - 1 ? 'stop' : null }] })}\n\n`);
    }
    if (run.stop && this.#manner === 'interrupts by closing') response.destroy();
    else response.end(isCut ? '' : 'data: [DONE]\n\n');
    this.#running.splice(this.#running.indexOf(run), 1);
    this.#waiting.shift()?.();
  }
}

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(manner: Manner, options: Partial<OpenAICompatibleOptions> = {}): Promise<{ server: NarrowServer; engine: OpenAICompatibleEngine }> {
  const server = await NarrowServer.start(manner);
  const engine = openaiCompatibleEngine({ baseURL: server.url, model: 'narrow', server: 'other', ...options });
  stops.push(async () => {
    await engine.dispose();
    await server.stop();
  });
  return { server, engine };
}

const vote = new SelfConsistency({ branches: 6, earlyDecision: 'none', forcedAnswer: false });

describe.each(['interrupts in order', 'interrupts by closing', 'refuses', 'lets wait'] as const)('a server that %s', (manner) => {
  test('is noticed, and its requests queue: every branch is whole', async () => {
    const { server, engine } = await start(manner);
    const result = await vote.run({ engine, prompt: 'What is 6 · 7?' });
    expect(result.branches.map(({ finish, text }) => [finish, text])).toEqual(Array.from({ length: 6 }, () => ['end', PIECES.join('')]));
    expect(result.answer).toBe('42');
    expect(engine.handlesOneAtATime).toBe(true);
    const before = server.bodies.length;
    await vote.run({ engine, prompt: 'And once more?' });
    expect(server.runningAtArrival.slice(before)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('needs no retries for it: a request that had to wait has not failed', async () => {
    const { engine } = await start(manner, { maxRetries: manner === 'interrupts by closing' ? 1 : 0 });
    const result = await vote.run({ engine, prompt: 'What is 6 · 7?' });
    expect(result.branches.filter(({ finish }) => finish === 'failed')).toEqual([]);
  });

  test('known beforehand is asked one by one', async () => {
    const { server, engine } = await start(manner, { maxConcurrency: 1 });
    await vote.run({ engine, prompt: 'What is 6 · 7?' });
    expect(server.runningAtArrival).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('a server that runs requests beside one another', () => {
  test('is not taken for one that does not, also where it cuts one short', async () => {
    const { server, engine } = await start('runs beside');
    server.cut = (index) => index === 1 || index === 3;
    const result = await vote.run({ engine, prompt: 'What is 6 · 7?' });
    expect(result.branches.every(({ finish }) => finish === 'end')).toBe(true);
    expect(engine.handlesOneAtATime).toBe(false);
    const before = server.bodies.length;
    server.cut = undefined;
    await vote.run({ engine, prompt: 'And once more?' });
    expect(server.runningAtArrival.slice(before).at(-1)).toBe(5);
  });

  test('a short piece that was cut is written again from the beginning where going on would have to be asked for', async () => {
    const { server, engine } = await start('interrupts in order');
    await vote.run({ engine, prompt: 'What is 6 · 7?' });
    for (const { messages } of server.bodies) expect(messages).toHaveLength(1);
  });
});

describe('a request that leads', () => {
  /** Pieces that the first request had brought when each of the others came. */
  async function piecesAtArrival(options: Partial<OpenAICompatibleOptions>, holdUntil = 0): Promise<readonly number[]> {
    const { server, engine } = await start('runs beside', { contextTokens: 4_096, ...options });
    server.holdUntil = holdUntil;
    const arrivals: number[] = [];
    const push = server.runningAtArrival.push.bind(server.runningAtArrival);
    server.runningAtArrival.push = (...items) => (arrivals.push(server.sent[0]!), push(...items));
    const result = await vote.run({ engine, prompt: 'What is 6 · 7?' });
    expect(result.branches).toHaveLength(6);
    return arrivals.slice(1);
  }

  test.each(['vllm', 'sglang', 'llama.cpp'] as const)('is the default on %s: the others start at its first token', async (server) => {
    for (const pieces of await piecesAtArrival({ server })) expect(pieces).toBeGreaterThan(0);
  });

  test('is not where it is switched off, nor by default where servers share nothing', async () => {
    expect(await piecesAtArrival({ server: 'vllm', leadRequest: false }, 6)).toEqual([0, 0, 0, 0, 0]);
    expect(await piecesAtArrival({ server: 'other' }, 6)).toEqual([0, 0, 0, 0, 0]);
  });

  test('that fails hands the lead on', async () => {
    const { server } = await start('runs beside');
    let isFirst = true;
    const engine = openaiCompatibleEngine({
      baseURL: server.url,
      model: 'narrow',
      server: 'other',
      leadRequest: true,
      maxRetries: 0,
      fetch: (input, init) => {
        if (!isFirst || init?.method !== 'POST') return fetch(input, init);
        isFirst = false;
        return Promise.reject(new Error('The first one fails.'));
      },
    });
    const result = await vote.run({ engine, prompt: 'What is 6 · 7?' });
    expect(result.branches.map(({ finish }) => finish).sort()).toEqual(['end', 'end', 'end', 'end', 'end', 'failed']);
    await engine.dispose();
  });

  test('that hangs does not keep the others for long', async () => {
    let isFirst = true;
    const { server } = await start('runs beside');
    const engine = openaiCompatibleEngine({
      baseURL: server.url,
      model: 'narrow',
      server: 'other',
      leadRequest: true,
      fetch: (input, init) => {
        if (!isFirst || init?.method !== 'POST') return fetch(input, init);
        isFirst = false;
        return new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(new Error('Left.'))));
      },
    });
    const result = await vote.run({ engine, prompt: 'What is 6 · 7?', deadlineMs: 1_000 });
    expect(result.branches.filter(({ finish }) => finish === 'end').length).toBeGreaterThanOrEqual(5);
    await engine.dispose();
  });
});

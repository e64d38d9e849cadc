/** The whole server over HTTP on loopback, on the bundled models, with the client that OpenAI publishes. */
import { bundledModels, Decoder, PrmScorer, type Engine } from 'latency-tts';
import {
  createHandler,
  listen,
  prometheusMetrics,
  standardStrategies,
  type HandlerOptions,
  type Listener,
  type RequestRecord,
  type ServeHandler,
} from 'latency-tts/serve';
import { connect } from 'node:net';
import { request as httpRequest } from 'node:http';
import { once } from 'node:events';
import OpenAI, { APIConnectionTimeoutError, APIUserAbortError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ExtensionBody } from './calls.ts';
import { GatedEngine } from './gated-engine.ts';

const PROBLEM = 'Mia has 34 apples. She buys 7 boxes with 12 apples in each. How many apples does Mia have now?';
const messages = [{ role: 'user' as const, content: PROBLEM }];
const chatRequest = { model: 'bundled', messages, seed: 1 };
/** Fields the client passes on without knowing them. */
type Extended = { readonly latency_tts?: ExtensionBody };

interface Server {
  readonly handler: ServeHandler;
  readonly listener: Listener;
  readonly client: OpenAI;
  readonly records: RequestRecord[];
}

let engine: Engine;
let bundled: HandlerOptions['models'];
let server: Server;

async function start(options: HandlerOptions): Promise<Server> {
  const records: RequestRecord[] = [];
  const handler = createHandler({ metrics: prometheusMetrics(), onRequest: (record) => records.push(record), ...options });
  await handler.ready();
  const listener = await listen(handler, { port: 0 });
  const client = new OpenAI({ baseURL: `${listener.url}/v1`, apiKey: options.apiKey ?? 'none needed', maxRetries: 0 });
  return { handler, listener, client, records };
}

async function startForTest(options: HandlerOptions): Promise<Server> {
  const started = await start(options);
  onTestFinished(() => started.listener.close({ graceMs: 0 }));
  return started;
}

beforeAll(async () => {
  const { target, prm } = await bundledModels();
  engine = new Decoder({ model: target });
  bundled = { bundled: { engine, tokenizer: await target.loadTokenizer(), strategies: standardStrategies({ scorer: new PrmScorer({ model: prm }) }) } };
  server = await start({ models: bundled });
});

afterAll(async () => {
  await server.listener.close({ graceMs: 0 });
  await engine.dispose();
});

describe('the OpenAI client', () => {
  test('gets a chat completion, the same for the same seed', async () => {
    const { client } = server;
    const [first, second] = [await client.chat.completions.create(chatRequest), await client.chat.completions.create(chatRequest)];
    expect(first.choices[0]!.message.content).not.toBe('');
    expect(first.choices[0]!.message).toEqual(second.choices[0]!.message);
    expect(first.choices[0]!.finish_reason).toBe('stop');
    expect(first.usage!.total_tokens).toBe(first.usage!.prompt_tokens + first.usage!.completion_tokens);
    expect(first._request_id).toBe(first.id);
  });

  test('streams one, with usage', async () => {
    const { client } = server;
    const whole = await client.chat.completions.create(chatRequest);
    const stream = await client.chat.completions.create({ ...chatRequest, stream: true, stream_options: { include_usage: true } });
    let text = '';
    let usage: object | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(whole.choices[0]!.message.content);
    // What is in the cache by now is not read again.
    expect(usage).toMatchObject({ ...whole.usage, prompt_tokens_details: { cached_tokens: expect.any(Number) as number } });
  });

  test('streams through its helper, which checks the order of chunks', async () => {
    const final = await server.client.chat.completions.stream({ ...chatRequest, n: 2, logprobs: true }).finalChatCompletion();
    expect(final.choices).toHaveLength(2);
    for (const { message, logprobs } of final.choices) expect(logprobs!.content!.map(({ token }) => token).join('')).toBe(message.content);
  });

  test('gets the likeliest tokens, whole and streamed, in chats and completions', async () => {
    const { client } = server;
    const asked = { ...chatRequest, temperature: 0, max_tokens: 12, logprobs: true, top_logprobs: 4 };
    const whole = (await client.chat.completions.create(asked)).choices[0]!.logprobs!.content!;
    expect(whole).toHaveLength(12);
    for (const { token, logprob, top_logprobs: top } of whole) {
      expect(top).toHaveLength(4);
      // The likeliest was taken.
      expect(top[0]).toMatchObject({ token, logprob });
    }
    const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
    expect(streamed.choices[0]!.logprobs!.content).toEqual(whole);
    const plain = await client.completions.create({
      model: 'bundled',
      prompt: `<s><|user|> ${PROBLEM}<|assistant|>`,
      temperature: 0,
      max_tokens: 5,
      logprobs: 3,
    });
    const { tokens, token_logprobs, top_logprobs } = plain.choices[0]!.logprobs!;
    for (const [index, likeliest] of top_logprobs!.entries()) expect(likeliest[tokens![index]!]).toBe(token_logprobs![index]);
  });

  test('gets a plain completion, whole and streamed', async () => {
    const { client } = server;
    const request = { model: 'bundled', prompt: `<s><|user|> ${PROBLEM}<|assistant|>`, seed: 1, max_tokens: 40, logprobs: 0, stop: ['\n#'] };
    const { choices } = await client.completions.create(request);
    expect(choices[0]!.logprobs!.tokens!.join('')).toBe(choices[0]!.text);
    let text = '';
    for await (const chunk of await client.completions.create({ ...request, stream: true })) text += chunk.choices[0]?.text ?? '';
    expect(text).toBe(choices[0]!.text);
  });

  test('continues what the assistant has begun', async () => {
    const { client } = server;
    const { choices } = await client.chat.completions.create({ ...chatRequest, temperature: 0 });
    const whole = choices[0]!.message.content!;
    const begun = whole.slice(0, whole.indexOf('\n') + 1);
    const continued = await client.chat.completions.create({ ...chatRequest, temperature: 0, messages: [...messages, { role: 'assistant', content: begun }] });
    expect(begun + continued.choices[0]!.message.content).toBe(whole);
  });

  test('gets the answer of a strategy, within its deadline, with votes and branches', async () => {
    const reply = (await server.client.chat.completions.create({
      ...chatRequest,
      ...{ strategy: { name: 'self-consistency', options: { branches: 5 } }, deadline_ms: 60_000 },
    })) as OpenAI.ChatCompletion & Extended;
    expect(reply.latency_tts).toMatchObject({ strategy: 'self-consistency', seed: 1 });
    expect(reply.latency_tts!.branches).toHaveLength(5);
    expect(reply.choices[0]!.message.content).toContain(reply.latency_tts!.answer!);
  });

  test('can name deadline and strategy in headers', async () => {
    const reply = (await server.client.chat.completions.create(chatRequest, {
      headers: { 'X-Deadline-Ms': '60000', 'X-Strategy': 'first-finish' },
    })) as OpenAI.ChatCompletion & Extended;
    expect(reply.latency_tts).toMatchObject({ strategy: 'first-finish', timing: { deadline_ms: 60_000 } });
  });

  test('is not disturbed by comments of a streamed vote', async () => {
    const stream = await server.client.chat.completions.create({ ...chatRequest, stream: true, ...{ strategy: 'beam-search' } });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).not.toBe('');
  });

  test('lists models and finds one', async () => {
    const { client } = server;
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual(['bundled']);
    expect(await client.models.retrieve('bundled')).toMatchObject({ id: 'bundled', object: 'model', owned_by: 'latency-tts' });
    await expect(client.models.retrieve('other')).rejects.toThrow(NotFoundError);
  });

  test('has its own classes for what goes wrong', async () => {
    const { client } = server;
    await expect(client.chat.completions.create({ ...chatRequest, temperature: 9 })).rejects.toThrow(BadRequestError);
    await expect(client.chat.completions.create({ ...chatRequest, temperature: 9 })).rejects.toMatchObject({ param: 'temperature', code: 'invalid_value' });
    await expect(client.chat.completions.create({ ...chatRequest, model: 'gpt' })).rejects.toThrow(NotFoundError);
    await expect(
      client.chat.completions.create({ ...chatRequest, max_tokens: 4, messages: [{ role: 'user', content: 'apples '.repeat(600) }] }),
    ).rejects.toMatchObject({
      code: 'context_length_exceeded',
    });
  });
});

describe('a client that leaves', () => {
  async function startGated(options: Partial<HandlerOptions> = {}): Promise<Server & { readonly gated: GatedEngine }> {
    const gated = new GatedEngine();
    return { gated, ...(await startForTest({ models: { gated: { engine: gated } }, ...options })) };
  }
  const gatedRequest = { model: 'gated', messages };

  async function untilIdle({ handler, gated, records }: Server & { readonly gated: GatedEngine }): Promise<void> {
    while (records.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect([gated.openSessions, gated.openAdvances]).toEqual([0, 0]);
    expect(handler.load).toEqual({ queued: 0, running: 0 });
  }

  test('by an abort leaves no work behind', async () => {
    const started = await startGated();
    const controller = new AbortController();
    const replying = started.client.chat.completions.create({ ...gatedRequest, n: 3 }, { signal: controller.signal });
    await started.gated.reached(3);
    controller.abort();
    await expect(replying).rejects.toThrow(APIUserAbortError);
    await untilIdle(started);
    expect(started.records).toMatchObject([{ outcome: 'aborted' }]);
  });

  test('in the middle of a stream leaves no work behind', async () => {
    const started = await startGated();
    const stream = await started.client.chat.completions.create({ ...gatedRequest, n: 2, stream: true });
    await started.gated.reached(2);
    stream.controller.abort();
    await untilIdle(started);
    expect(started.records).toMatchObject([{ outcome: 'aborted', isStreamed: true }]);
  });

  test('because its own time is up leaves no work behind', async () => {
    const started = await startGated();
    // Longer, where the machine is too busy for the request to arrive at all.
    for (let timeout = 50; started.gated.prompts.length === 0; timeout *= 2) {
      await expect(started.client.chat.completions.create(gatedRequest, { timeout })).rejects.toThrow(APIConnectionTimeoutError);
    }
    await untilIdle(started);
  });

  test('while it waits for its turn takes none', async () => {
    const started = await startGated({ maxRunning: 1 });
    const working = started.client.chat.completions.create(gatedRequest);
    await started.gated.reached(1);
    const controller = new AbortController();
    const waiting = started.client.chat.completions.create(gatedRequest, { signal: controller.signal });
    while (started.handler.load.queued === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await expect(waiting).rejects.toThrow(APIUserAbortError);
    while (started.handler.load.queued > 0) await new Promise((resolve) => setImmediate(resolve));
    started.gated.release();
    await working;
    expect(started.gated.prompts).toHaveLength(1);
    expect(started.records.map(({ outcome }) => outcome).sort()).toEqual(['aborted', 'completed']);
  });

  test('without a word, as a cut line does, leaves no work behind', async () => {
    const started = await startGated();
    const body = JSON.stringify(gatedRequest);
    const socket = connect(started.listener.port, '127.0.0.1');
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await started.gated.reached(1);
    socket.destroy();
    await untilIdle(started);
    expect(started.records).toMatchObject([{ outcome: 'aborted', status: 499 }]);
  });

  test('during real decoding leaves the engine free', async () => {
    const started = await startForTest({ models: bundled });
    const stream = await started.client.chat.completions.create({ ...chatRequest, n: 8, stream: true });
    for await (const { object } of stream) if (object) break;
    while (started.records.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(started.handler.load).toEqual({ queued: 0, running: 0 });
    expect(['aborted', 'completed']).toContain(started.records[0]!.outcome);
  });

  test.each([true, false])('is told apart from a server that stops: streamed %s', async (stream) => {
    const started = await startGated();
    const replying = (async () => {
      const reply = await started.client.chat.completions.create({ ...gatedRequest, stream });
      if (Symbol.asyncIterator in reply) for await (const { object } of reply) expect(object).toBe('chat.completion.chunk');
    })();
    const failure = expect(replying).rejects.toMatchObject({ code: 'shutting_down' });
    await started.gated.reached(1);
    await started.listener.close({ graceMs: 0 });
    await failure;
    await untilIdle(started);
    expect(started.records).toMatchObject([{ outcome: 'shutting_down' }]);
  });

  test('a stopping server lets work end and takes no more', async () => {
    const started = await startGated({ maxRunning: 1 });
    const working = started.client.chat.completions.create(gatedRequest);
    await started.gated.reached(1);
    const waiting = started.client.chat.completions.create(gatedRequest);
    while (started.handler.load.queued === 0) await new Promise((resolve) => setImmediate(resolve));
    const closing = started.listener.close({ graceMs: 60_000 });
    await expect(started.handler.fetch(new Request('http://localhost/health/ready'))).resolves.toMatchObject({ status: 503 });
    await expect(started.client.chat.completions.create(gatedRequest)).rejects.toThrow();
    started.gated.release('one');
    await started.gated.reached(1);
    started.gated.release('two');
    expect((await working).choices[0]!.message.content).toBe('one');
    expect((await waiting).choices[0]!.message.content).toBe('two');
    await closing;
  });

  test('a full queue and a hopeless deadline are told at once, with when to come back', async () => {
    const { client, gated } = await startGated({ maxRunning: 1, maxQueued: 1 });
    const working = client.chat.completions.create(gatedRequest);
    await gated.reached(1);
    const waiting = client.chat.completions.create(gatedRequest);
    const refused = client.chat.completions.create(gatedRequest);
    await expect(refused).rejects.toThrow(InternalServerError);
    const error = (await refused.catch((caught: unknown) => caught)) as InstanceType<typeof InternalServerError>;
    expect(error).toMatchObject({ status: 503, code: 'queue_full' });
    expect(Number(error.headers!.get('retry-after'))).toBeGreaterThanOrEqual(1);
    gated.release();
    await working;
    gated.release();
    await waiting;
    // Both took longer than a thousandth of a millisecond.
    await expect(client.chat.completions.create({ ...gatedRequest, ...{ deadline_ms: 0.001 } })).rejects.toMatchObject({
      status: 503,
      code: 'deadline_unattainable',
    });
  });
});

describe('the door', () => {
  test('is closed without the key, to everything but health', async () => {
    const { listener, client, records } = await startForTest({ models: bundled, apiKey: 'sésame' });
    expect((await client.chat.completions.create({ ...chatRequest, max_tokens: 2 })).choices).toHaveLength(1);
    for (const apiKey of ['sesame', 'sésame ', 'x']) {
      const stranger = new OpenAI({ baseURL: `${listener.url}/v1`, apiKey, maxRetries: 0, defaultHeaders: { authorization: encodeURI(`Bearer ${apiKey}`) } });
      await expect(stranger.chat.completions.create(chatRequest)).rejects.toThrow(AuthenticationError);
      await expect(stranger.models.list()).rejects.toThrow(AuthenticationError);
    }
    expect((await fetch(`${listener.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${listener.url}/health`)).status).toBe(200);
    expect(JSON.stringify(records.map(({ error }) => String(error)))).not.toMatch(/s.same/);
    expect(records.filter(({ outcome }) => outcome === 'invalid_api_key')).toHaveLength(3);
  });

  test.each(['with its length', 'without it'])('is closed to a body that is too large, sent %s', async (how) => {
    const { listener, records } = await startForTest({ models: bundled, maxBodyBytes: 1000 });
    const body = JSON.stringify({ ...chatRequest, messages: [{ role: 'user', content: 'x'.repeat(2000) }] });
    const headers = { 'content-type': 'application/json', ...(how === 'with its length' && { 'content-length': String(body.length) }) };
    const request = httpRequest(`${listener.url}/v1/chat/completions`, { method: 'POST', headers });
    request.on('error', () => undefined);
    request.write(body.slice(0, 500));
    request.end(body.slice(500));
    const [response] = (await once(request, 'response')) as [{ statusCode: number }];
    expect(response.statusCode).toBe(413);
    expect(records).toMatchObject([{ outcome: 'body_too_large', status: 413 }]);
  });

  test('is closed to names that are not of this machine', async () => {
    const { listener } = await startForTest({ models: bundled });
    const statusFor = async (host: string): Promise<number> => {
      const request = httpRequest(`${listener.url}/health`, { headers: { host } });
      request.end();
      const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }];
      response.resume();
      return response.statusCode;
    };
    expect(await statusFor(`localhost:${listener.port}`)).toBe(200);
    expect(await statusFor('127.0.0.1')).toBe(200);
    expect(await statusFor('evil.example')).toBe(421);
  });

  test.each([
    ['port', { port: 70_000 }],
    ['port', { port: -1 }],
    ['hostname', { hostname: '' }],
    ['requestTimeoutMs', { requestTimeoutMs: 0 }],
  ])('has a bad %s refused', async (option, options) => {
    const handler = createHandler({ models: bundled });
    await expect(listen(handler, options)).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION', option });
  });
});

test('metrics count requests, tokens and load', async () => {
  const { listener, client } = await startForTest({ models: bundled });
  const { usage } = await client.chat.completions.create(chatRequest);
  await client.chat.completions.create({ ...chatRequest, model: 'x'.repeat(50) }).catch(() => undefined);
  const response = await fetch(`${listener.url}/metrics`);
  const text = await response.text();
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
  expect(text).toContain('latency_tts_requests_total{endpoint="chat",model="bundled",strategy="single",outcome="completed"} 1');
  expect(text).toContain('latency_tts_requests_total{endpoint="chat",model="",strategy="",outcome="model_not_found"} 1');
  expect(text).toContain(`latency_tts_tokens_total{model="bundled",kind="prompt"} ${usage!.prompt_tokens}`);
  expect(text).toContain(`latency_tts_tokens_total{model="bundled",kind="sampled"} ${usage!.completion_tokens}`);
  for (const name of [
    'request_duration_seconds_bucket',
    'queue_wait_seconds_count',
    'deadline_misses_total',
    'queue_length',
    'requests_in_flight',
    'aborted_total',
  ]) {
    expect(text).toContain(`latency_tts_${name}`);
  }
  expect(text).not.toContain('xxxx');
});

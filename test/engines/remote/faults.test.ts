import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import type { Segment } from '../../../src/contracts/engine.ts';
import { openaiCompatibleEngine } from '../../../src/engines/remote/openai-compatible-engine.ts';
import type { OpenAICompatibleOptions } from '../../../src/engines/remote/remote-options.ts';
import { ContextLengthError, ServerError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { SelfConsistency } from '../../../src/strategies/self-consistency.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { ConformanceServer, type ConformanceOptions, type Fault } from './conformance-server.ts';
import { impatientClock } from './impatient-clock.ts';

const KEY = 'sk-this-key-is-a-secret';
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A server, and an engine on it that waits for nothing between its tries. */
async function start(
  server: ConformanceOptions,
  options: Partial<OpenAICompatibleOptions> = {},
): Promise<{ server: ConformanceServer; engine: ReturnType<typeof openaiCompatibleEngine> }> {
  const started = await ConformanceServer.start(server);
  const engine = openaiCompatibleEngine({ baseURL: started.url, model: 'scripted', apiKey: KEY, maxRetries: 0, ...options });
  stops.push(async () => {
    await engine.dispose();
    await started.stop();
  });
  return { server: started, engine };
}

async function advanceOnce(
  engine: ReturnType<typeof openaiCompatibleEngine>,
  options: Parameters<ReturnType<typeof firstBranch>['advance']>[0] = { until: { tokens: 30 } },
): Promise<Segment> {
  const session = await engine.open('abba', { sampling: { temperature: 0 }, clock: impatientClock() });
  try {
    return await firstBranch(session).advance(options);
  } finally {
    await session.dispose();
  }
}

function firstBranch(session: Awaited<ReturnType<ReturnType<typeof openaiCompatibleEngine>['open']>>): ReturnType<typeof session.branch>[number] {
  return session.branch(1)[0]!;
}

const onFirst =
  (fault: Fault): NonNullable<ConformanceOptions['fault']> =>
  (_, index) =>
    index === 0 ? fault : undefined;

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const EVERY_FAILURE: readonly (readonly [string, Fault, Partial<ServerError>])[] = [
  ['a connection that is closed', { kind: 'refuse' }, { kind: 'connect', isRetryable: true }],
  ['another content type', { kind: 'wrong-type' }, { kind: 'protocol' }],
  ['half an answer in JSON', { kind: 'not-json' }, { kind: 'protocol' }],
  ['a line without an end', { kind: 'giant-line' }, { kind: 'protocol' }],
  ['bytes that are not UTF-8', { kind: 'bad-utf8' }, { kind: 'protocol' }],
  ['an event that is not JSON', { kind: 'malformed-event' }, { kind: 'protocol' }],
  ['an event of another form', { kind: 'wrong-shape' }, { kind: 'protocol' }],
  ['an answer without an end', { kind: 'truncate', tokens: 3 }, { kind: 'stream', isRetryable: true }],
  ['a connection lost within the answer', { kind: 'reset', tokens: 3 }, { kind: 'connect', isRetryable: true }],
  ['an error within the answer', { kind: 'error-event', tokens: 3 }, { kind: 'stream', status: 500, isRetryable: true }],
  ['a failing server', { kind: 'status', status: 500 }, { kind: 'status', status: 500, isRetryable: true }],
  ['a server that is loading', { kind: 'status', status: 503 }, { kind: 'status', status: 503, isRetryable: true }],
  ['a proxy that gave up', { kind: 'status', status: 504 }, { kind: 'timeout', status: 504, isRetryable: true }],
  [
    'another key',
    { kind: 'status', status: 401, body: `{"error":{"message":"Incorrect API key provided: ${KEY}"}}` },
    { kind: 'authentication', isRetryable: false },
  ],
  ['a model that is not there', { kind: 'status', status: 404, body: '{"object":"error","message":"no such model"}' }, { kind: 'request', isRetryable: false }],
  ['too many requests', { kind: 'status', status: 429, headers: { 'retry-after': '7' } }, { kind: 'rate-limit', isRetryable: true, retryAfterMs: 7_000 }],
  [
    'too many requests until a date',
    { kind: 'status', status: 429, headers: { 'retry-after': 'Wed, 25 Nov 2026 00:00:09 GMT', date: 'Wed, 25 Nov 2026 00:00:04 GMT' } },
    { kind: 'rate-limit', retryAfterMs: 5_000 },
  ],
];

describe.each(EVERY_FAILURE)('%s', (_, fault, fields) => {
  test('is a ServerError that says what it was, and leaves nothing open', async () => {
    const { server, engine } = await start({ fault: onFirst(fault) });
    const error = await errorOf(advanceOnce(engine));
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject(fields);
    expect((error as Error).message).toMatch(/^[A-Z].*\.$/s);
    expect(`${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`).not.toContain(KEY);
    await server.settled();
  });

  test('costs one branch of a vote and nothing else', async () => {
    const { server, engine } = await start({ fault: onFirst(fault) });
    const result = await new SelfConsistency({ branches: 4, earlyDecision: 'none', forcedAnswer: false, maxTokens: 30, extract: (text) => text[0] }).run({
      engine,
      prompt: 'abba',
      deadlineMs: 30_000,
    });
    expect(result.branches.map(({ finish }) => finish === 'failed').filter(Boolean)).toHaveLength(1);
    expect(result.branches).toHaveLength(4);
    expect(JSON.stringify(result, (_key, value: unknown) => (value instanceof Error ? inspect(value) : value))).not.toContain(KEY);
    await server.settled();
  });
});

describe('a request that can succeed a moment later', () => {
  test.each(EVERY_FAILURE.filter(([, , { isRetryable }]) => isRetryable))('is sent again: %s', async (_, fault) => {
    const plain = await start({});
    const expected = await advanceOnce(plain.engine);
    const { server, engine } = await start({ fault: onFirst(fault) }, { maxRetries: 1 });
    const segment = await advanceOnce(engine);
    expect(segment).toMatchObject({ text: expected.text, tokens: expected.tokens, finish: expected.finish });
    expect(server.completions).toHaveLength(2);
    await server.settled();
  });

  test('goes on behind what has come, and counts it once', async () => {
    const { server, engine } = await start({ fault: (_, index) => (index < 3 ? { kind: 'truncate', tokens: 5 } : undefined) }, { maxRetries: 3 });
    const session = await engine.open('abba', { sampling: { temperature: 0 }, clock: impatientClock() });
    const segment = await firstBranch(session).advance({ until: { tokens: 18 } });
    expect(segment.tokenCount).toBe(18);
    expect(segment.logprobs).toHaveLength(18);
    expect(server.completions.map(({ body }) => body['max_tokens'])).toEqual([18, 13, 8, 3]);
    expect(session.usage()).toMatchObject({ completionTokens: 18, server: { requestCount: 4, retryCount: 3, discardedTokens: 0 } });
  });

  test('is given up where the server wants more time than there is', async () => {
    const clock = impatientClock();
    const { server, engine } = await start({ fault: () => ({ kind: 'status', status: 429, headers: { 'retry-after': '60' } }) }, { maxRetries: 5 });
    const session = await engine.open('abba', { clock });
    expect(await errorOf(firstBranch(session).advance({ deadlineAt: clock.now() + 40_000 }))).toMatchObject({ kind: 'rate-limit', retryAfterMs: 60_000 });
    expect(server.completions).toHaveLength(1);
  });

  test('keeps what came before where there is no time for another', async () => {
    const clock = impatientClock();
    const { engine } = await start(
      { fault: (_, index) => (index === 0 ? { kind: 'truncate', tokens: 4 } : { kind: 'status', status: 429, headers: { 'retry-after': '60' } }) },
      { maxRetries: 5 },
    );
    const session = await engine.open('abba', { clock });
    expect(await firstBranch(session).advance({ deadlineAt: clock.now() + 40_000 })).toMatchObject({ finish: 'deadline', tokenCount: 4 });
  });
});

describe('a server that hangs', () => {
  test('before its first token is left after the time that a request has to begin', async () => {
    const clock = new ManualClock();
    const { server, engine } = await start(
      { fault: (_, index) => (index === 0 ? { kind: 'hang' } : undefined) },
      { maxRetries: 1, firstTokenTimeoutMs: 4_000 },
    );
    const session = await engine.open('abba', { clock });
    const segment = firstBranch(session).advance({ until: { tokens: 5 } });
    while (server.completions.length < 1) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(3_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.completions).toHaveLength(1);
    clock.advance(1);
    while (server.completions.length < 2) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(100);
    }
    expect(await segment).toMatchObject({ finish: 'length', tokenCount: 5 });
    expect(session.usage().server).toMatchObject({ requestCount: 2, retryCount: 1 });
    expect(server.requests.filter(({ isCancelled }) => isCancelled)).toHaveLength(1);
    await server.settled();
  });

  test('has half of the time that is left before the deadline, so that there is time for another try', async () => {
    const clock = new ManualClock();
    const { server, engine } = await start({ fault: () => ({ kind: 'hang' }) }, { maxRetries: 3 });
    const session = await engine.open('abba', { clock });
    const segment = firstBranch(session).advance({ deadlineAt: 1_000 });
    while (server.completions.length < 1) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(500);
    for (let turn = 0; turn < 500 && server.completions.length < 2; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (turn % 5 === 0 && clock.now() < 900) clock.advance(25);
    }
    expect(server.completions).toHaveLength(2);
    clock.advance(1_000);
    expect(await segment).toMatchObject({ finish: 'deadline', text: '', tokenCount: 0 });
    await server.settled();
  });

  test('within its answer has its tokens kept at the deadline', async () => {
    const clock = new ManualClock();
    const { server, engine } = await start({ fault: () => ({ kind: 'hang-behind', tokens: 6 }) });
    const session = await engine.open('abba', {
      clock,
      progressIntervalMs: 0,
      onProgress: ([progress]) => void (progress!.tokenCount === 6 && clock.advance(1_000)),
    });
    const segment = await firstBranch(session).advance({ deadlineAt: 1_000 });
    expect(segment).toMatchObject({ finish: 'deadline', tokenCount: 6 });
    expect(session.usage()).toMatchObject({ completionTokens: 6 });
    await server.settled();
  });

  test('and keeps the connection open does not keep the run', async () => {
    const { engine } = await start({ fault: (_, index) => (index % 2 === 0 ? { kind: 'hang' } : undefined) });
    const result = await new SelfConsistency({ branches: 4, earlyDecision: 'none', forcedAnswer: false, maxTokens: 30, extract: (text) => text[0] }).run({
      engine,
      prompt: 'abba',
      deadlineMs: 1_500,
    });
    expect(result.branches.filter(({ text }) => text !== '')).toHaveLength(2);
    expect(result.stopReason).toBe('deadline');
  });
});

describe('what servers do that is no failure', () => {
  test.each(['no-done', 'split-bytes', 'pings', 'no-usage', 'no-logprobs', 'whole-json'] as const)('%s', async (kind) => {
    const plain = await start({});
    const expected = await advanceOnce(plain.engine);
    const { engine } = await start({ fault: () => ({ kind }) });
    const segment = await advanceOnce(engine);
    expect(segment).toMatchObject({ text: expected.text, tokenCount: expected.tokenCount, finish: expected.finish });
  });

  test('a server that ignores limits is cut at them, and what it wrote beyond is counted apart', async () => {
    const { server, engine } = await start({ fault: () => ({ kind: 'ignores-limits' }) });
    const session = await engine.open('abba', { sampling: { temperature: 0 } });
    const [limited, stopped] = session.branch(2) as [ReturnType<typeof firstBranch>, ReturnType<typeof firstBranch>];
    const whole = await limited.advance({ until: { tokens: 7 } });
    expect(whole).toMatchObject({ finish: 'length', tokenCount: 7 });
    const stop = whole.text.slice(2, 4);
    expect(await stopped.advance({ until: { stop: [stop] } })).toMatchObject({ finish: 'stop', stop, text: whole.text.slice(0, 4) });
    expect(session.usage().server!.discardedTokens).toBe(2);
    await server.settled();
  });

  test('a prompt that is too long is said with its length, also where only the request tells', async () => {
    const { engine } = await start({ dialect: 'other' });
    const session = await engine.open('a'.repeat(200), {});
    expect(await errorOf(firstBranch(session).advance())).toMatchObject({ code: 'LTTS_CONTEXT_LENGTH', neededTokens: 201, contextTokens: 120 });
    expect(await errorOf(firstBranch(session).advance())).toBeInstanceOf(ContextLengthError);
  });

  test('a field that a server refuses is left out from then on', async () => {
    const { server, engine } = await start({
      fault: ({ body }) =>
        body['logprobs'] === undefined ? undefined : { kind: 'status', status: 400, body: '{"error":{"message":"This model does not support logprobs."}}' },
    });
    await engine.ready();
    expect(engine.capabilities.logprobs).toBe(true);
    expect(await advanceOnce(engine)).toMatchObject({ logprobs: [] });
    expect(engine.withoutFields).toEqual(['logprobs']);
    expect(engine.capabilities).toMatchObject({ logprobs: false, topLogprobs: 0 });
    await advanceOnce(engine);
    expect(server.completions).toHaveLength(3);
  });

  test('also where branches that were sent together are refused together', async () => {
    const { engine } = await start({
      fault: ({ body }) => (body['logprobs'] === undefined ? undefined : { kind: 'status', status: 400, body: '{"message":"Leave `logprobs` out."}' }),
    });
    const session = await engine.open('abba', {});
    const segments = await Promise.all(session.branch(6).map((branch) => branch.advance({ until: { tokens: 3 } })));
    expect(segments.map(({ tokenCount }) => tokenCount)).toEqual([3, 3, 3, 3, 3, 3]);
  });
});

describe('an abort', () => {
  test('ends the request on the server', async () => {
    let release = (): void => undefined;
    const { server, engine } = await start({ pace: ({ tokens }) => (tokens < 3 ? Promise.resolve() : new Promise((resolve) => (release = resolve))) });
    const session = await engine.open('abba', {});
    const branch = firstBranch(session);
    const segment = branch.advance();
    while ((server.completions[0]?.tokens ?? 0) < 3) await new Promise((resolve) => setImmediate(resolve));
    branch.abort();
    expect((await segment).finish).toBe('aborted');
    await server.settled();
    expect(server.completions[0]!.isCancelled).toBe(true);
    release();
  });

  test('of a waiting branch sends nothing', async () => {
    const { server, engine } = await start({ fault: onFirst({ kind: 'hang' }) }, { maxConcurrency: 1 });
    const session = await engine.open('abba', {});
    const [open, waiting] = session.branch(2) as [ReturnType<typeof firstBranch>, ReturnType<typeof firstBranch>];
    const segments = [open.advance(), waiting.advance()];
    while (server.completions.length < 1) await new Promise((resolve) => setImmediate(resolve));
    waiting.abort();
    expect((await segments[1])!.finish).toBe('aborted');
    open.abort();
    await segments[0];
    await server.settled();
    expect(server.completions).toHaveLength(1);
  });
});

describe('a hedge', () => {
  test('overtakes a request that is slow to begin, is counted, and ends the slow one', async () => {
    const { server, engine } = await start({ fault: onFirst({ kind: 'hang' }) }, { hedge: { afterMs: 10 } });
    const session = await engine.open('abba', { clock: systemClock });
    const segment = await firstBranch(session).advance({ until: { tokens: 5 } });
    expect(segment).toMatchObject({ finish: 'length', tokenCount: 5 });
    expect(server.completions.map(({ body }) => body['seed'])).toEqual([server.completions[0]!.body['seed'], server.completions[0]!.body['seed']]);
    expect(session.usage()).toMatchObject({ completionTokens: 5, server: { requestCount: 2, hedgeCount: 1, retryCount: 0 } });
    await server.settled();
    expect(server.completions[0]!.isCancelled).toBe(true);
  });

  test('is not sent beyond its share', async () => {
    const clock = new ManualClock();
    const { server, engine } = await start({ fault: () => ({ kind: 'hang' }) }, { leadRequest: false, hedge: { afterMs: 10, atMostShare: 0.1 } });
    const session = await engine.open('abba', { clock });
    const segments = session.branch(8).map((branch) => branch.advance({ deadlineAt: 1_000 }));
    const reached = async (count: number): Promise<void> => {
      while (server.completions.length < count) await new Promise((resolve) => setImmediate(resolve));
    };
    await reached(8);
    clock.advance(10);
    await reached(9);
    // The time of all eight hedges has come; one was let go.
    expect(session.usage().server).toMatchObject({ requestCount: 9, hedgeCount: 1 });
    clock.advance(990);
    expect((await Promise.all(segments)).map(({ finish }) => finish)).toEqual(Array.from({ length: 8 }, () => 'deadline'));
    expect(session.usage().server).toMatchObject({ requestCount: 9, hedgeCount: 1 });
    await server.settled();
    expect(server.completions).toHaveLength(9);
  });
});

describe('the key', () => {
  test('goes to the server and nowhere else', async () => {
    const { server, engine } = await start(
      { fault: onFirst({ kind: 'status', status: 500, body: `key ${KEY} refused` }) },
      { headers: { 'x-gateway': 'another-secret' } },
    );
    const session = await engine.open('abba', {});
    const error = await errorOf(firstBranch(session).advance());
    const shown = [engine, session, error].map((value) => `${inspect(value, { depth: 12, showHidden: true })} ${JSON.stringify(value)}`).join('\n');
    expect(shown).not.toContain(KEY);
    expect(shown).not.toContain('another-secret');
    expect((error as Error).message).toContain('key [secret] refused');
    expect(server.completions[0]!.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'x-gateway': 'another-secret' });
  });

  test('is not in what a fetch of the user’s own throws', async () => {
    const engine = openaiCompatibleEngine({
      baseURL: 'http://127.0.0.1:9/v1',
      model: 'scripted',
      apiKey: KEY,
      fetch: (_, init) => Promise.reject(Object.assign(new Error(`sent ${JSON.stringify(init)}`), { config: init })),
    });
    const error = await errorOf(engine.ready());
    expect(error).toMatchObject({ kind: 'connect', isRetryable: true });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(KEY);
  });

  test.each(['http://user:pass-word@127.0.0.1/v1', 'http://127.0.0.1/v1?key=pass-word'])('does not belong in %s', (baseURL) => {
    expect(() => openaiCompatibleEngine({ baseURL, model: 'm' })).toThrow(/without credentials/);
    expect(() => openaiCompatibleEngine({ baseURL, model: 'm' })).not.toThrow(/pass-word/);
  });
});

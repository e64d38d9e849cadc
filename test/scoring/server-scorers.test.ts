import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import { serverOutcomeScorer, serverStepScorer, type ServerOutcomeScorerOptions, type ServerStepScorerOptions } from '../../src/scoring/server-scorers.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ConformanceServer, type ConformanceOptions, type Fault } from '../engines/remote/conformance-server.ts';
import { impatientClock } from '../engines/remote/impatient-clock.ts';

const KEY = 'sk-this-key-is-a-secret';
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(answer: NonNullable<ConformanceOptions['answer']>, more: ConformanceOptions = {}): Promise<ConformanceServer> {
  const server = await ConformanceServer.start({ answer, ...more });
  stops.push(() => server.stop());
  return server;
}

const texts: readonly ScoredText[] = [
  { text: 'good', isFinished: true },
  { text: 'bad', isFinished: true },
];
const lastContent = (body: Readonly<Record<string, unknown>>): string => (body['messages'] as readonly { readonly content: string }[]).at(-1)!.content;
const gradeOf = (text: string): number => (text.includes('good') ? 0.9 : 0.2);

describe('serverOutcomeScorer', () => {
  test.each<[ServerOutcomeScorerOptions['endpoint'], NonNullable<ConformanceOptions['answer']>]>([
    ['pooling', (path, body) => (path === '/pooling' ? { data: [{ index: 0, data: [0, gradeOf(lastContent(body))] }] } : undefined)],
    [
      'classify',
      (path, body) => (path === '/classify' ? { data: [{ label: 'x', probs: [1 - gradeOf(lastContent(body)), gradeOf(lastContent(body))] }] } : undefined),
    ],
    ['score', (path, body) => (path === '/score' && body['text_1'] === 'why?' ? { data: [{ score: gradeOf(body['text_2'] as string) }] } : undefined)],
    ['sglang', (path, body) => (path === '/classify' ? [{ embedding: [gradeOf(body['text'] as string)] }] : undefined)],
  ])('asks by %s', async (endpoint, answer) => {
    const server = await serve(answer);
    const scorer = serverOutcomeScorer({ baseURL: server.url, model: 'rm', endpoint, apiKey: KEY });
    expect(await scorer.score('why?', texts)).toEqual([0.9, 0.2]);
    expect(server.requests[0]!.headers).toMatchObject({ authorization: `Bearer ${KEY}` });
    expect(inspect(scorer, { depth: 9, showHidden: true })).not.toContain(KEY);
    await scorer.dispose();
  });

  test('leaves a text without a score whose request fails, and tells why without the key', async () => {
    const server = await serve((_, body) => (body['text_2'] === 'bad' ? { error: `what is ${KEY}?` } : { data: [{ score: 0.5 }] }));
    const errors: unknown[] = [];
    const scorer = serverOutcomeScorer({ baseURL: server.url, model: 'rm', endpoint: 'score', apiKey: KEY, onError: (error) => errors.push(error) });
    expect(await scorer.score('why?', texts)).toEqual([0.5, undefined]);
    expect(errors).toMatchObject([{ code: 'LTTS_SERVER', kind: 'protocol' }]);
    expect(inspect(errors)).not.toContain(KEY);
  });

  test('ends its requests at the deadline', async () => {
    const server = await serve(() => undefined, { fault: () => ({ kind: 'hang' }) });
    const scorer = serverStepScorer({ baseURL: server.url, model: 'prm', layout: { kind: 'turns' } });
    expect(await scorer.score('why?', texts, { clock: systemClock, deadlineAt: systemClock.now() + 100 })).toEqual([undefined, undefined]);
    await server.settled();
  });

  test.each([
    [{ endpoint: 'embed' }, 'endpoint'],
    [{ model: '' }, 'model'],
    [{ label: -1 }, 'label'],
    [{ baseURL: 'nowhere' }, 'baseURL'],
  ])('refuses %j', (wrong, option) => {
    const options = { baseURL: 'http://127.0.0.1:1/v1', model: 'rm', endpoint: 'score', ...wrong } as ServerOutcomeScorerOptions;
    expect(() => serverOutcomeScorer(options)).toThrow(expect.objectContaining({ option }) as Error);
  });
});

describe('a request of a scorer', () => {
  const one = texts.slice(0, 1);
  const scored: NonNullable<ConformanceOptions['answer']> = () => ({ data: [{ score: 0.7 }] });
  const failing =
    (count: number, fault: Fault): NonNullable<ConformanceOptions['answerFault']> =>
    (_, index) =>
      index < count ? fault : undefined;

  async function scorerOn(fault: ConformanceOptions['answerFault'], more: Partial<ServerOutcomeScorerOptions> = {}) {
    const server = await serve(scored, { ...(fault && { answerFault: fault }) });
    const errors: unknown[] = [];
    const options = {
      baseURL: server.url,
      model: 'rm',
      endpoint: 'score' as const,
      apiKey: KEY,
      concurrency: 1,
      onError: (error: unknown) => errors.push(error),
    };
    return { server, errors, scorer: serverOutcomeScorer({ ...options, ...more }) };
  }

  test.each<[string, Fault]>([
    ['a connection that is closed', { kind: 'refuse' }],
    ['a failing server', { kind: 'status', status: 500 }],
    ['a server that is loading', { kind: 'status', status: 503, headers: { 'retry-after': '1' } }],
    ['too many requests', { kind: 'status', status: 429 }],
  ])('is sent again after %s', async (_, fault) => {
    const { server, errors, scorer } = await scorerOn(failing(3, fault));
    expect(await scorer.score('why?', one, { clock: impatientClock() })).toEqual([0.7]);
    expect(server.requests).toHaveLength(4);
    expect(errors).toEqual([]);
    await server.settled();
  });

  test('waits for as long as the server asks', async () => {
    const clock = impatientClock();
    const { scorer } = await scorerOn(failing(1, { kind: 'status', status: 429, headers: { 'retry-after': '5' } }));
    expect(await scorer.score('why?', one, { clock })).toEqual([0.7]);
    expect(clock.now()).toBeGreaterThanOrEqual(5_000);
    expect(clock.now()).toBeLessThan(5_250);
  });

  test('is given up where the server wants more time than there is, and after its last try', async () => {
    const late = await scorerOn(() => ({ kind: 'status', status: 429, headers: { 'retry-after': '60' } }));
    const clock = impatientClock();
    expect(await late.scorer.score('why?', one, { clock, deadlineAt: clock.now() + 40_000 })).toEqual([undefined]);
    expect(late.errors).toMatchObject([{ kind: 'rate-limit', retryAfterMs: 60_000 }]);
    expect(late.server.requests).toHaveLength(1);
    const tired = await scorerOn(() => ({ kind: 'status', status: 500, body: `what is ${KEY}?` }), { maxRetries: 2 });
    expect(await tired.scorer.score('why?', one, { clock: impatientClock() })).toEqual([undefined]);
    expect(tired.errors).toMatchObject([{ kind: 'status', status: 500 }]);
    expect(inspect(tired.errors)).not.toContain(KEY);
    expect(tired.server.requests).toHaveLength(3);
  });

  test.each<[string, Fault]>([
    ['a key that is refused', { kind: 'status', status: 401 }],
    ['a model that is not there', { kind: 'status', status: 404 }],
    ['another content', { kind: 'not-json' }],
  ])('is not sent again after %s', async (_, fault) => {
    const { server, errors, scorer } = await scorerOn(failing(1, fault));
    expect(await scorer.score('why?', one, { clock: impatientClock() })).toEqual([undefined]);
    expect(server.requests).toHaveLength(1);
    expect(errors).toHaveLength(1);
  });

  test('that hangs is left after its time, or half of what is left, and sent again', async () => {
    const clock = new ManualClock();
    const { server, scorer } = await scorerOn(failing(2, { kind: 'hang' }), { timeoutMs: 4_000 });
    const scores = scorer.score('why?', one, { clock, deadlineAt: 10_000 });
    const reached = async (count: number): Promise<void> => {
      while (server.requests.length < count) {
        await new Promise((resolve) => setImmediate(resolve));
        // The wait before another try, which is under 250 ms.
        if (clock.now() >= 4_000) clock.advance(10);
      }
    };
    await reached(1);
    clock.advance(3_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.requests).toHaveLength(1);
    clock.advance(1);
    await reached(2);
    // About 6 s are left: 3 of them are for this try.
    const secondAt = clock.now();
    clock.advance((10_000 - secondAt) / 2 - 50);
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.requests).toHaveLength(2);
    clock.advance(100);
    await reached(3);
    expect(await scores).toEqual([0.7]);
    await server.settled();
    expect(server.requests.map(({ isCancelled }) => isCancelled)).toEqual([true, true, false]);
  });

  test('ends while it waits for another try when its caller leaves', async () => {
    const clock = new ManualClock();
    const { server, errors, scorer } = await scorerOn(() => ({ kind: 'status', status: 503 }));
    const caller = new AbortController();
    const scores = scorer.score('why?', one, { clock, signal: caller.signal });
    while (server.requests.length < 1) await new Promise((resolve) => setImmediate(resolve));
    await server.settled();
    const reason = new Error('left');
    caller.abort(reason);
    await expect(scores).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  test.each([
    [{ maxRetries: -1 }, 'maxRetries'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
  ])('refuses %j', (wrong, option) => {
    expect(() => serverOutcomeScorer({ baseURL: 'http://127.0.0.1:1/v1', model: 'rm', endpoint: 'score', ...wrong })).toThrow(
      expect.objectContaining({ option }) as Error,
    );
  });
});

describe('serverStepScorer', () => {
  const solutions: readonly ScoredText[] = [
    { text: 'good one\n\nbad two\n\nunfinished', isFinished: false },
    { text: 'good one\n\ngood end', isFinished: true },
    { text: 'nothing yet', isFinished: false },
  ];

  test('asks a head over steps by pooling', async () => {
    const server = await serve((_, body) => {
      const steps = lastContent(body).split('<extra_0>').slice(0, -1);
      return { data: [{ data: steps.map((step) => [1 - gradeOf(step), gradeOf(step)]) }] };
    });
    const scorer = serverStepScorer({ baseURL: server.url, model: 'prm', layout: { kind: 'pooling' } });
    expect(await scorer.score('why?', solutions)).toEqual([[0.9, 0.2], [0.9, 0.9], []]); // prettier-ignore
    expect(server.requests).toHaveLength(2);
    const wrong = serverStepScorer({ baseURL: server.url, model: 'prm', layout: { kind: 'pooling', marker: '<other>' } });
    expect(await wrong.score('why?', solutions.slice(0, 1))).toEqual([undefined]);
  });

  /** A judge that says `+` behind good steps, over either interface. */
  const judge = async (): Promise<ConformanceServer> => {
    const server = await serve(() => undefined, { fault: ({ path, body }) => ({ kind: 'status', status: 200, body: judgement(path, body) }) });
    return server;
  };
  function judgement(path: string, body: Readonly<Record<string, unknown>>): string {
    const isChat = path.endsWith('/chat/completions');
    const step = isChat ? lastContent(body) : (body['prompt'] as string).split('\n').at(-1)!;
    const good = step.includes('good') ? 0.6 : 0.1;
    // A token may stand for a word with a space before it; the rest of the distribution is none of the two.
    const top = { ' +': good / 2, '+': good / 2, '-': 0.7 - good, what: 0.3 };
    const logprobs = isChat
      ? { content: [{ token: '+', logprob: -1, top_logprobs: Object.entries(top).map(([token, share]) => ({ token, logprob: Math.log(share) })) }] }
      : { top_logprobs: [Object.fromEntries(Object.entries(top).map(([token, share]) => [token, Math.log(share)]))] };
    return JSON.stringify({ choices: [{ index: 0, logprobs }] });
  }

  test.each<[ServerStepScorerOptions['layout'], string]>([
    [{ kind: 'turns' }, '/v1/chat/completions'],
    [{ kind: 'inline', marker: 'ки' }, '/v1/completions'],
  ])('asks for the token behind each step: %j', async (layout, path) => {
    const server = await judge();
    const scorer = serverStepScorer({ baseURL: server.url, model: 'prm', layout, concurrency: 1 });
    const scores = await scorer.score('why?', solutions);
    const [good, bad] = [0.6 / 0.7, 0.1 / 0.7];
    for (const [index, expected] of [[good, bad], [good, good], []].entries()) {
      expect(scores[index]).toHaveLength(expected.length);
      for (const [step, score] of expected.entries()) expect(scores[index]![step]).toBeCloseTo(score, 9);
    }
    // The first step of both is the same, and so is asked once.
    expect(server.requests.map((request) => request.path)).toEqual([path, path, path]);
    expect(server.requests[0]!.body).toMatchObject({ max_tokens: 1 });
    await scorer.score('why?', solutions);
    expect(server.requests).toHaveLength(3);
  });

  test('says so where the model says neither token', async () => {
    const server = await judge();
    const errors: unknown[] = [];
    const scorer = serverStepScorer({
      baseURL: server.url,
      model: 'prm',
      layout: { kind: 'turns' },
      good: 'yes',
      bad: 'no',
      onError: (error) => errors.push(error),
    });
    expect(await scorer.score('why?', solutions.slice(0, 1))).toEqual([undefined]);
    expect(String(errors[0])).toMatch(/says neither "yes" nor "no", but/);
  });

  test.each([
    [{ layout: { kind: 'tree' } }, 'layout.kind'],
    [{ layout: { kind: 'inline', marker: '' } }, 'layout.marker'],
    [{ separator: '' }, 'separator'],
    [{ good: '' }, 'good'],
  ])('refuses %j', (wrong, option) => {
    const options = { baseURL: 'http://127.0.0.1:1/v1', model: 'prm', layout: { kind: 'turns' }, ...wrong } as ServerStepScorerOptions;
    expect(() => serverStepScorer(options)).toThrow(expect.objectContaining({ option }) as Error);
  });
});

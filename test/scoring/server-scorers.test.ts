import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import { serverOutcomeScorer, serverStepScorer, type ServerOutcomeScorerOptions, type ServerStepScorerOptions } from '../../src/scoring/server-scorers.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { ConformanceServer, type ConformanceOptions } from '../engines/remote/conformance-server.ts';

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

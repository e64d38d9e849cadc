/** Our server behind our engine: strategies on the bundled model, once here and once over HTTP. */
import {
  BeamSearch,
  bundledModels,
  Decoder,
  openaiCompatibleEngine,
  PrmScorer,
  SelfConsistency,
  type Engine,
  type OpenAICompatibleEngine,
  type Prompt,
  type Segment,
} from 'latency-tts';
import { createHandler, listen, type Listener, type RequestRecord, type ServeHandler } from 'latency-tts/serve';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const PROBLEM = 'Mia has 34 apples. She buys 7 boxes with 12 apples in each. How many apples does Mia have now?';

let decoder: Engine;
let scorer: PrmScorer;
let handler: ServeHandler;
let listener: Listener;
let engine: OpenAICompatibleEngine;
const records: RequestRecord[] = [];

beforeAll(async () => {
  const { target, prm } = await bundledModels();
  decoder = new Decoder({ model: target });
  scorer = new PrmScorer({ model: prm });
  handler = createHandler({
    models: { bundled: { engine: decoder, tokenizer: await target.loadTokenizer() } },
    maxRunning: 32,
    apiKey: 'chained',
    onRequest: (record) => records.push(record),
  });
  await handler.ready();
  listener = await listen(handler, { port: 0 });
  engine = openaiCompatibleEngine({ baseURL: `${listener.url}/v1`, model: 'bundled', apiKey: 'chained' });
  await engine.ready();
});

afterAll(async () => {
  await engine.dispose();
  await listener.close({ graceMs: 0 });
  await Promise.all([decoder.dispose(), scorer.dispose()]);
});

describe('an engine over our own server', () => {
  test('knows it, with all it can tell', () => {
    expect(engine.server).toBe('latency-tts');
    expect(engine.contextTokens).toBe(512);
    expect(engine.capabilities).toMatchObject({ tokenIds: true, logprobs: true, topLogprobs: 20, topTokens: true, tokenCounts: 'exact' });
    expect(engine.withoutFields).toEqual([]);
  });

  test('writes greedily what the model writes here, in pieces and by forks', async () => {
    const write = async (subject: Engine): Promise<{ text: string; tokens: number[]; logprobs: number[] }> => {
      const session = await subject.open(PROBLEM, { sampling: { temperature: 0 } });
      try {
        const [branch] = session.branch(1);
        const first = await branch!.advance({ until: { stop: ['\n'] } });
        expect(first.finish).toBe('stop');
        const fork = branch!.fork();
        await fork.force('# ');
        const second = await branch!.advance();
        expect(second.finish).toBe('end');
        return { text: branch!.text, tokens: [...first.tokens, ...second.tokens], logprobs: [...first.logprobs, ...second.logprobs] };
      } finally {
        await session.dispose();
      }
    };
    const [here, there] = [await write(decoder), await write(engine)];
    expect(there.text).toBe(here.text);
    expect(there.tokens.filter((token) => token !== here.tokens.at(-1))).toEqual(here.tokens.slice(0, -1));
    for (const [index, logprob] of there.logprobs.entries()) expect(logprob).toBeCloseTo(here.logprobs[index]!, 4);
  });

  test.each<[string, Prompt]>([
    ['chats', PROBLEM],
    ['completions', { text: `<s><|user|> ${PROBLEM}<|assistant|>` }],
  ])('tells the likeliest tokens that the model tells here, by %s', async (_, prompt) => {
    const likeliest = async (subject: Engine): Promise<Segment> => {
      const session = await subject.open(prompt, { sampling: { temperature: 0 }, topLogprobs: 5 });
      try {
        return await session.branch(1)[0]!.advance({ until: { tokens: 15 } });
      } finally {
        await session.dispose();
      }
    };
    const [here, there] = [await likeliest(decoder), await likeliest(engine)];
    expect(there.topTokens).toEqual(here.topTokens);
    for (const [index, list] of there.topLogprobs!.entries()) {
      for (const [rank, logprob] of list.entries()) expect(logprob).toBeCloseTo(here.topLogprobs![index]![rank]!, 4);
    }
  });

  test('asks for nothing that a model without a tokenizer cannot tell', async () => {
    const seen: RequestRecord[] = [];
    const nameless = createHandler({ models: { bundled: { engine: decoder } }, onRequest: (record) => seen.push(record) });
    const untold = openaiCompatibleEngine({
      baseURL: 'http://nameless/v1',
      model: 'bundled',
      fetch: (url, init) => nameless.fetch(new Request(url, init)),
    });
    const result = await new SelfConsistency({ branches: 4, earlyDecision: 'none' }).run({ engine: untold, prompt: PROBLEM, seed: 1 });
    expect(result.branches.map(({ finish }) => finish)).toEqual(['end', 'end', 'end', 'end']);
    expect(seen.map(({ outcome }) => outcome)).toEqual(['completed', 'completed', 'completed', 'completed']);
    expect(untold.capabilities).toMatchObject({ tokenIds: false, logprobs: false, topLogprobs: 0 });
    expect(untold.withoutFields).toEqual([]);
    await untold.dispose();
  });

  test('is a source of votes', async () => {
    const result = await new SelfConsistency({ branches: 6, earlyDecision: 'none' }).run({ engine, prompt: PROBLEM, seed: 1 });
    expect(result.branches.map(({ finish }) => finish)).toEqual(Array.from({ length: 6 }, () => 'end'));
    expect(result.votes.reduce((sum, { votes }) => sum + votes, 0)).toBe(6);
    expect(result.usage.completionTokens).toBeGreaterThan(6 * 10);
    expect(new Set(result.branches.map(({ text }) => text)).size).toBeGreaterThan(1);
  });

  test('is searched step by step', async () => {
    const result = await new BeamSearch({ scorer, beams: 4, width: 2 }).run({ engine, prompt: PROBLEM, seed: 1 });
    expect(result.solutions.some(({ isComplete }) => isComplete)).toBe(true);
    expect(result.scoring).toBe('complete');
    expect(result.text).toMatch(/\n#### \d+$/);
  });

  test('keeps a deadline, and leaves nothing behind at the server', async () => {
    const result = await new SelfConsistency({ branches: 16 }).run({ engine, prompt: PROBLEM, seed: 2, deadlineMs: 150 }).catch((error: unknown) => error);
    if (!(result instanceof Error)) expect(['deadline', 'consensus', 'completed']).toContain((result as { stopReason: string }).stopReason);
    while (handler.load.running + handler.load.queued > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(records.every(({ outcome }) => outcome === 'completed' || outcome === 'aborted')).toBe(true);
  });
});

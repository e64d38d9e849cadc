import { afterEach, describe, expect, test } from 'vitest';
import type { Branch } from '../../../src/contracts/engine.ts';
import { openaiCompatibleEngine } from '../../../src/engines/remote/openai-compatible-engine.ts';
import type { OpenAICompatibleOptions } from '../../../src/engines/remote/remote-options.ts';
import { DIALECTS, type ServerName } from '../../../src/servers/dialects.ts';
import { BeamSearch } from '../../../src/strategies/beam-search.ts';
import { SelfConsistency } from '../../../src/strategies/self-consistency.ts';
import { ConformanceServer, type ConformanceOptions } from './conformance-server.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(dialect: ServerName, server: ConformanceOptions = {}, options: Partial<OpenAICompatibleOptions> = {}) {
  const started = await ConformanceServer.start({ dialect, ...server });
  const engine = openaiCompatibleEngine({ baseURL: started.url, model: 'scripted', ...options });
  stops.push(async () => {
    await engine.dispose();
    await started.stop();
  });
  return { server: started, engine };
}

/** OpenRouter is known by its address alone, which no test has. */
const NAMES = (Object.keys(DIALECTS) as ServerName[]).filter((name) => name !== 'openrouter');

describe.each(NAMES)('a server that speaks as %s', (name) => {
  test('is recognised by asking it, and asked nothing where it is declared', async () => {
    const { engine } = await start(name);
    await engine.ready();
    expect(engine.server).toBe(name);
    const declared = await start(name, {}, { server: name, contextTokens: 120 });
    await declared.engine.ready();
    expect(declared.engine.server).toBe(name);
    expect(declared.server.requests.map(({ path }) => path)).toEqual(['/v1/models']);
  });

  test('writes with the same seed the same text, and tells what its dialect says', async () => {
    const { server, engine } = await start(name);
    const write = async (seed: number): Promise<readonly string[]> => {
      const session = await engine.open('abba', { seed, topLogprobs: 3 });
      const segments = await Promise.all(session.branch(3).map((branch) => branch.advance({ until: { tokens: 12 } })));
      for (const { tokens, logprobs, topLogprobs, topTokens, tokenCount } of segments) {
        expect(tokens).toHaveLength(engine.capabilities.tokenIds ? tokenCount : 0);
        expect(logprobs).toHaveLength(engine.capabilities.logprobs ? tokenCount : 0);
        expect(topLogprobs?.map((list) => list.length) ?? []).toEqual(engine.capabilities.topLogprobs > 0 ? Array.from({ length: tokenCount }, () => 3) : []);
        expect(topTokens !== undefined).toBe(engine.capabilities.topTokens);
        // With the likeliest of all at each place.
        for (const [index, ids] of (topTokens ?? []).entries()) expect(ids.includes(tokens[index]!) || logprobs[index]! <= topLogprobs![index]![2]!).toBe(true);
      }
      await session.dispose();
      return segments.map(({ text }) => text);
    };
    const first = await write(1);
    expect(await write(1)).toEqual(first);
    expect(await write(2)).not.toEqual(first);
    expect(new Set(first).size).toBe(3);
    expect(engine.capabilities).toMatchObject({
      tokenIds: DIALECTS[name].tokenIdsField !== undefined,
      logprobs: DIALECTS[name].hasLogprobs,
      topTokens: DIALECTS[name].tokensAsIdsField !== undefined,
    });
    await server.settled();
  });

  test('ends at stop strings, which stay in the text, and goes on behind them', async () => {
    const { server, engine } = await start(name);
    const session = await engine.open({ text: 'abba' }, { sampling: { temperature: 0 } });
    const [whole, stepped] = session.branch(2) as [Branch, Branch];
    const { text } = await whole.advance({ until: { tokens: 24 } });
    const stop = text.slice(4, 6);
    const step = await stepped.advance({ until: { stop: [stop] } });
    expect(step).toMatchObject({ finish: 'stop', stop, text: text.slice(0, text.indexOf(stop) + 2), tokenCount: text.indexOf(stop) + 2 });
    await stepped.advance({ until: { tokens: 24 - step.tokenCount } });
    expect(stepped.text).toBe(text);
    const fork = (await engine.open({ text: 'abba' }, {})).branch(1)[0]!;
    await fork.force(text.slice(0, 5));
    expect(fork.fork().text).toBe(text.slice(0, 5));
    await server.settled();
  });

  test('is made to go on behind a chat’s text in its own way', async () => {
    const { server, engine } = await start(name);
    const session = await engine.open([{ role: 'user', content: 'abba' }], { sampling: { temperature: 0 } });
    const branch = session.branch(1)[0]!;
    const first = await branch.advance({ until: { tokens: 3 } });
    await branch.advance({ until: { tokens: 3 } });
    const { body } = server.completions[1]!;
    const written = { role: 'assistant', content: first.text };
    const asked = { role: 'user', content: expect.stringMatching(/^Continue/) as unknown };
    expect(body['messages']).toEqual([{ role: 'user', content: 'abba' }, written, ...(DIALECTS[name].continuation === 'asked' ? [asked] : [])]);
    expect(body['continue_final_message']).toBe(DIALECTS[name].continuation === 'continue-final-message' ? true : undefined);
    expect(body[DIALECTS[name].maxTokensField]).toBe(3);
  });

  test('counts its tokens, and says where the counts come from', async () => {
    const { engine } = await start(name);
    const session = await engine.open('abba', { sampling: { temperature: 0 } });
    const segment = await session.branch(1)[0]!.advance({ until: { tokens: 9 } });
    expect(segment.tokenCount).toBe(9);
    expect(session.promptTokens).toBe(5);
    expect(engine.capabilities.tokenCounts).toBe('exact');
    expect(session.usage()).toMatchObject({ completionTokens: 9, server: { promptTokens: 5, requestCount: 1 } });
    const silent = await start(name, { fault: () => ({ kind: 'no-usage' }) }, { logprobs: false });
    const other = await silent.engine.open('abba', { sampling: { temperature: 0 } });
    expect((await other.branch(1)[0]!.advance({ until: { tokens: 9 } })).tokenCount).toBe(9);
    expect(silent.engine.capabilities.tokenCounts).toBe(DIALECTS[name].tokenIdsField === undefined ? 'estimated' : 'exact');
  });

  test('runs strategies', async () => {
    const { server, engine } = await start(name);
    const extract = (text: string): string | undefined => text[0];
    const vote = await new SelfConsistency({ branches: 6, maxTokens: 20, extract, extractUnfinished: extract, forcedAnswer: false }).run({
      engine,
      prompt: 'abba',
      deadlineMs: 60_000,
      seed: 3,
    });
    expect(vote.answer).toBe(vote.text[0]);
    expect(vote.branches).toHaveLength(6);
    const scorer = {
      name: 'length',
      kind: 'step' as const,
      score: (_: unknown, texts: readonly { readonly text: string }[]) =>
        Promise.resolve(texts.map(({ text }) => text.split('\n').map(() => 1 / (1 + text.length)))),
      dispose: () => Promise.resolve(),
    };
    const search = new BeamSearch({ scorer, beams: 4, width: 2, maxStepTokens: 6, maxSteps: 3, extract });
    const found = await search.run({ engine, prompt: { text: 'abba' }, deadlineMs: 60_000, seed: 3 });
    expect(found.text.length).toBeGreaterThan(0);
    await server.settled();
    expect(server.openRequests).toBe(0);
  });
});

test('sampling that a server has no field for is refused, not ignored', async () => {
  const { engine } = await start('openai');
  await expect(engine.open('abba', { sampling: { topK: 5 } })).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION', option: 'sampling.topK' });
  const { engine: other } = await start('llama.cpp', {}, { sampling: { topK: 5, minP: 0.1, repetitionPenalty: 1.1 } });
  await (await other.open('abba', {})).dispose();
});

test('a server’s own sampling never applies: every field it has is sent', async () => {
  const { server, engine } = await start('vllm');
  await (await engine.open('abba', {})).branch(1)[0]!.advance({ until: { tokens: 1 } });
  expect(server.completions[0]!.body).toMatchObject({ temperature: 1, top_p: 1, top_k: -1, min_p: 0, repetition_penalty: 1 });
});

test('thoughts that the server keeps apart are counted and are no text', async () => {
  for (const name of ['vllm', 'sglang', 'ollama'] as const) {
    const { engine } = await start(name, { reasoning: ['so ', 'be ', 'it'] });
    const session = await engine.open('abba', { sampling: { temperature: 0 } });
    const { text, tokenCount } = await session.branch(1)[0]!.advance({ until: { tokens: 8 } });
    expect(text).not.toContain('so');
    expect([text.length, tokenCount]).toEqual([8, 8]);
    expect(session.usage()).toMatchObject({ completionTokens: 11, server: { reasoningTokens: 3 } });
  }
});

test('the length of drafts is asked for where a request may say, and what became of them is told', async () => {
  const drafts = { proposed: 12, accepted: 9 };
  const { server, engine } = await start('llama.cpp', { drafts }, { drafts: { maxTokens: 6, minTokens: 1, minProbability: 0.4 } });
  const session = await engine.open('abba', {});
  await session.branch(1)[0]!.advance({ until: { tokens: 5 } });
  expect(server.completions[0]!.body).toMatchObject({ 'speculative.n_max': 6, 'speculative.n_min': 1, 'speculative.p_min': 0.4 });
  expect(session.usage().speculation).toMatchObject(drafts);
  const vllm = await start('vllm', { drafts }, { drafts: { maxTokens: 6 } });
  const other = await vllm.engine.open('abba', {});
  await other.branch(1)[0]!.advance({ until: { tokens: 5 } });
  expect(Object.keys(vllm.server.completions[0]!.body).filter((field) => field.startsWith('speculative'))).toEqual([]);
  expect(other.usage().speculation).toMatchObject(drafts);
  const plain = await start('vllm');
  expect((await plain.engine.open('abba', {})).usage().speculation).toBeUndefined();
});

test.each([
  ['https://openrouter.ai/api/v1', 'openrouter'],
  ['https://api.openai.com/v1', 'openai'],
] as const)('the service at %s is known by its address', async (baseURL, name) => {
  const engine = openaiCompatibleEngine({ baseURL, model: 'some', fetch: () => Promise.resolve(Response.json({ data: [{ id: 'some' }] })) });
  await engine.ready();
  expect(engine.server).toBe(name);
  await engine.dispose();
});

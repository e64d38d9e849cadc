/**
 * The engine on servers that nobody here wrote, with a real model. They are skipped unless the environment says where the
 * models and the servers are; what is missing is said.
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY LLAMA_CPP_PYTHON=DIR/bin/python LLAMA_SERVER=PATH npx vitest run test/servers/real-server.test.ts
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Branch } from '../../src/contracts/engine.ts';
import { openaiCompatibleEngine, type OpenAICompatibleEngine } from '../../src/engines/remote/openai-compatible-engine.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { CONTEXT_TOKENS, missing, startRealServer, type RealServer, type RealServerName } from './real-server.ts';

const PROMPT = 'Ben has 12 coins. He finds 30 more. How many coins does Ben have now? Think step by step and end with "The answer is".';
const GREEDY = { temperature: 0 } as const;
const LONG_MS = 180_000;

/** With the settings that each has by default: llama-cpp-python breaks a request off when another one comes. */
const SERVERS: readonly (readonly [RealServerName, string])[] = [
  ['llama-cpp-python', 'llama-cpp-python'],
  ['llama-server', 'llama.cpp'],
];

describe.each(SERVERS)('%s', (name, dialect) => {
  const reason = missing(name);

  describe.skipIf(reason)(reason ?? 'with its default settings', () => {
    let server: RealServer;
    let engine: OpenAICompatibleEngine;

    beforeAll(async () => {
      server = await startRealServer(name);
      engine = openaiCompatibleEngine({ baseURL: server.baseURL, model: 'smollm2' });
    }, LONG_MS);

    afterAll(async () => {
      await engine?.dispose();
      await server?.stop();
    });

    async function branches(
      count: number,
      prompt: string | { readonly text: string } = PROMPT,
      topLogprobs = 0,
    ): Promise<{ branches: Branch[]; close: () => Promise<void> }> {
      const session = await engine.open(prompt, { sampling: GREEDY, topLogprobs });
      return { branches: session.branch(count), close: () => session.dispose() };
    }

    test('is recognised, and so is how many requests it handles', async () => {
      await engine.ready();
      expect(engine.server).toBe(dialect);
      expect(engine.handlesOneAtATime).toBe(name === 'llama-cpp-python');
    });

    test('a vote is complete: no branch fails, none is cut', { timeout: LONG_MS }, async () => {
      const vote = new SelfConsistency({ branches: 3, maxTokens: 48, earlyDecision: 'none', forcedAnswer: false });
      const result = await vote.run({ engine, prompt: PROMPT, seed: 1 });
      for (const branch of result.branches) expect(['end', 'length'], String(branch.error)).toContain(branch.finish);
      expect(result.usage.server!.retryCount).toBe(0);
      expect(new Set(result.branches.map(({ text }) => text)).size).toBeGreaterThan(1);
    });

    test('a deadline ends a vote in time, with what there is', { timeout: LONG_MS }, async () => {
      const vote = new SelfConsistency({ branches: 3, maxTokens: 400 });
      const result = await vote.run({ engine, prompt: PROMPT, seed: 2, deadlineMs: 8_000 });
      expect(result.timing.totalMs).toBeLessThan(10_000);
      expect(result.text).not.toBe('');
      expect(result.branches.filter(({ finish }) => finish === 'failed')).toEqual([]);
    });

    test('eight requests at once all come to their ends', { timeout: LONG_MS }, async () => {
      const { branches: eight, close } = await branches(8);
      const segments = await Promise.all(eight.map((branch) => branch.advance({ until: { tokens: 12 } })));
      expect(segments.map(({ finish, tokenCount }) => [finish, tokenCount])).toEqual(Array.from({ length: 8 }, () => ['length', 12]));
      await close();
    });

    test('an abort frees the server for the next request', { timeout: LONG_MS }, async () => {
      const { branches: two, close } = await branches(2);
      const [left, next] = two as [Branch, Branch];
      const leaving = left.advance({ until: { tokens: 1_000 } });
      setTimeout(() => left.abort(), 1_500);
      expect((await leaving).finish).toBe('aborted');
      expect((await next.advance({ until: { tokens: 4 } })).tokenCount).toBe(4);
      await close();
    });

    test('stop strings end a segment and stay in its text', { timeout: LONG_MS }, async () => {
      const { branches: two, close } = await branches(2, { text: 'One, two, three, four, five, six, seven,' });
      const [whole, stopped] = two as [Branch, Branch];
      const { text } = await whole.advance({ until: { tokens: 16 } });
      const stop = text.slice(4, 7);
      const until = text.slice(0, text.indexOf(stop) + stop.length);
      expect(await stopped.advance({ until: { stop: [stop], tokens: 16 } })).toMatchObject({ finish: 'stop', stop, text: until });
      await stopped.advance({ until: { tokens: 4 } });
      expect(stopped.text.startsWith(until)).toBe(true);
      expect(stopped.text.length).toBeGreaterThan(until.length);
      await close();
    });

    test('log-probabilities come for every token, chat and plain text', { timeout: LONG_MS }, async () => {
      for (const prompt of name === 'llama-server' ? [PROMPT] : [PROMPT, { text: 'Once upon a' }]) {
        const { branches: one, close } = await branches(1, prompt, 3);
        const { tokenCount, logprobs, topLogprobs } = await one[0]!.advance({ until: { tokens: 6 } });
        expect(tokenCount).toBe(6);
        expect(logprobs).toHaveLength(6);
        for (const [index, logprob] of logprobs.entries()) {
          expect(logprob).toBeLessThanOrEqual(0);
          // Greedy: the likeliest of all.
          expect(logprob).toBeCloseTo(topLogprobs![index]![0]!, 3);
        }
        await close();
      }
    });

    test('a long prompt is read, and one that is too long is a ContextLengthError', { timeout: LONG_MS }, async () => {
      const { branches: one, close } = await branches(1, { text: 'word '.repeat(700) });
      expect((await one[0]!.advance({ until: { tokens: 3 } })).tokenCount).toBe(3);
      await close();
      const tooLong = (async () => (await branches(1, 'word '.repeat(3 * CONTEXT_TOKENS))).branches[0]!.advance({ until: { tokens: 3 } }))();
      const error = await tooLong.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'LTTS_CONTEXT_LENGTH', contextTokens: CONTEXT_TOKENS });
      expect((error as { neededTokens: number }).neededTokens).toBeGreaterThan(3 * CONTEXT_TOKENS);
    });

    test('where nothing is known of the server beforehand, it is noticed', { timeout: LONG_MS }, async () => {
      const blind = openaiCompatibleEngine({ baseURL: server.baseURL, model: 'smollm2', server: 'other', contextTokens: CONTEXT_TOKENS });
      const vote = new SelfConsistency({ branches: 3, maxTokens: 24, earlyDecision: 'none', forcedAnswer: false });
      const result = await vote.run({ engine: blind, prompt: PROMPT, seed: 3 });
      for (const branch of result.branches) expect(['end', 'length'], String(branch.error)).toContain(branch.finish);
      expect(blind.handlesOneAtATime).toBe(name === 'llama-cpp-python');
      await blind.dispose();
    });
  });
});

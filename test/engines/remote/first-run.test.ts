/** Runs under a deadline on an engine that has measured nothing yet, as one that is made for each request. */
import { afterEach, describe, expect, test } from 'vitest';
import { openaiCompatibleEngine } from '../../../src/engines/remote/openai-compatible-engine.ts';
import { SelfConsistency } from '../../../src/strategies/self-consistency.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { ALPHABET, END, tokenizer } from '../scripted-engines.ts';
import { ConformanceServer, type SeenRequest } from './conformance-server.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const MARK = '#### ';

/** Writes letters for ever, and 42 behind the mark. */
function endless(tokens: readonly number[]): readonly number[] {
  const text = tokenizer.decode(tokens);
  const at = text.lastIndexOf(MARK);
  const said = at < 0 ? undefined : text.slice(at + MARK.length);
  const logits = Array.from({ length: ALPHABET.length + 1 }, () => -50);
  if (said === undefined) logits.fill(0, 0, 8);
  else logits[said === '' ? ALPHABET.indexOf('4') : said === '4' ? ALPHABET.indexOf('2') : END] = 0;
  return logits;
}

/** Every open request takes a token, then time passes: more of it for a request's first one, which shares nothing with any other. */
function paced(clock: ManualClock, tokenMs: number, firstMs: number, most = Infinity): (request: SeenRequest) => Promise<void> {
  const waiting: { readonly request: SeenRequest; readonly resolve: () => void }[] = [];
  let isTicking = false;
  const tick = async (): Promise<void> => {
    isTicking = true;
    while (waiting.length > 0) {
      // What was sent has to arrive before time goes on.
      for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
      const served = waiting.splice(0, most);
      clock.advance(served.some(({ request }) => request.tokens === 0) ? firstMs : tokenMs);
      for (const { resolve } of served) resolve();
    }
    isTicking = false;
  };
  return (request) =>
    new Promise((resolve) => {
      waiting.push({ request, resolve });
      if (!isTicking) void tick();
    });
}

async function start(pace: (clock: ManualClock) => (request: SeenRequest) => Promise<void>, options: { readonly maxConcurrency?: number } = {}) {
  const clock = new ManualClock();
  const server = await ConformanceServer.start({ contextTokens: 4_000, logits: endless, pace: pace(clock) });
  const engine = openaiCompatibleEngine({ baseURL: server.url, model: 'scripted', maxRetries: 0, leadRequest: false, ...options });
  stops.push(async () => {
    await engine.dispose();
    await server.stop();
  });
  return { engine, clock };
}

describe('the first run of an engine', () => {
  test.each([
    ['8 branches, 20 ms a token, 3 s', 8, 20, 20, 3_000],
    ['3 branches, 60 ms a token, 4 s', 3, 60, 200, 4_000],
    ['1 branch, a slow first token', 1, 10, 400, 2_000],
    ['a first token that takes a third of the time', 2, 5, 330, 1_000],
    ['a short deadline', 4, 10, 20, 400],
  ])('asks every branch for its answer: %s', async (_, branches, tokenMs, firstMs, deadlineMs) => {
    const { engine, clock } = await start((time) => paced(time, tokenMs, firstMs));
    const strategy = new SelfConsistency({ branches, earlyDecision: 'none', forcedAnswer: { suffix: `\n${MARK}`, maxTokens: 8 } });
    const result = await strategy.run({ engine, clock, prompt: 'how many', deadlineMs });
    expect(result.answer).toBe('42');
    expect(result.stopReason).toBe('deadline');
    expect(result.branches.filter(({ answer }) => answer === '42').length).toBe(branches);
    expect(result.branches.every(({ isForced, tokenCount }) => isForced && tokenCount > 8)).toBe(true);
    expect(result.timing.totalMs).toBeLessThanOrEqual(deadlineMs + tokenMs);
    // Time is kept free for the answers, and no more than they need and a little.
    expect(result.timing.totalMs).toBeGreaterThan(deadlineMs * 0.6);
  });

  test('a server that slows down is noticed before it is too late', async () => {
    const { engine, clock } = await start((time) => {
      const fast = paced(time, 5, 5);
      return async (request) => {
        if (time.now() > 500) time.advance(10);
        return fast(request);
      };
    });
    const strategy = new SelfConsistency({ branches: 2, earlyDecision: 'none', forcedAnswer: { suffix: `\n${MARK}`, maxTokens: 8 } });
    const result = await strategy.run({ engine, clock, prompt: 'how many', deadlineMs: 2_000 });
    expect(result.answer).toBe('42');
    expect(result.timing.totalMs).toBeLessThanOrEqual(2_050);
  });

  test('branches that have to take turns leave time for each other', async () => {
    const { engine, clock } = await start((time) => paced(time, 10, 30), { maxConcurrency: 2 });
    const strategy = new SelfConsistency({ branches: 4, earlyDecision: 'none', forcedAnswer: { suffix: `\n${MARK}`, maxTokens: 8 } });
    const result = await strategy.run({ engine, clock, prompt: 'how many', deadlineMs: 2_000 });
    expect(result.answer).toBe('42');
    expect(result.branches.filter(({ answer }) => answer === '42').length).toBe(4);
    expect(result.timing.totalMs).toBeLessThanOrEqual(2_010);
  });
});

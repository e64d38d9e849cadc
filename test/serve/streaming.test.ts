/** Streamed replies on scripted engines and a virtual clock. */
import { describe, expect, test } from 'vitest';
import { createHandler, type ServeHandler } from '../../src/serve/handler.ts';
import { standardStrategies } from '../../src/serve/standard-strategies.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { openSolver, type SolverOptions } from '../strategies/solver.ts';
import { CHAT, chat, post, readStream, TEXT, textOf, type StreamBody } from './calls.ts';
import { GatedEngine } from './gated-engine.ts';

const request = { model: 'solver', messages: [{ role: 'user', content: 'how many?' }], seed: 3 };
const tokenizer = characterTokenizer('abcdefghijklmnopqrstuvwxyz\n #0123456789.?', '\n#### ');

async function serveSolver(solving: SolverOptions = {}): Promise<ServeHandler> {
  const { engine, clock } = await openSolver(solving);
  return createHandler({ models: { solver: { engine, tokenizer, strategies: standardStrategies() } }, clock });
}

async function stream(handler: ServeHandler, body: object, path = CHAT): Promise<StreamBody> {
  const response = await post(handler, path, { ...body, stream: true });
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  return readStream(response);
}

describe('a streamed choice', () => {
  test('comes as it is written, and is the text of the reply that is not streamed', async () => {
    const handler = await serveSolver();
    const whole = await chat(handler, request);
    const streamed = await stream(handler, request);
    expect(textOf(streamed)).toBe(whole.choices[0]!.message.content);
    expect(streamed.isDone).toBe(true);
    const { chunks } = streamed;
    expect(chunks.filter(({ choices }) => choices[0]?.delta?.content).length).toBeGreaterThan(2);
    expect(chunks[0]!.choices[0]!.delta!.role).toBe('assistant');
    expect(chunks.slice(1).every(({ choices }) => choices[0]?.delta?.role === undefined)).toBe(true);
    expect(chunks.map(({ choices }) => choices[0]!.finish_reason)).toEqual([...chunks.slice(1).map(() => null), 'stop']);
    expect(chunks.every(({ object }) => object === 'chat.completion.chunk')).toBe(true);
    expect(chunks.at(-1)!.latency_tts).toMatchObject({ strategy: 'single', seed: 3, stop_reason: 'completed' });
  });

  test('of the other endpoint has texts', async () => {
    const handler = await serveSolver();
    const streamed = await stream(handler, { model: 'solver', prompt: 'how many?', seed: 3 }, TEXT);
    expect(textOf(streamed)).toBe((await chat(handler, request)).choices[0]!.message.content);
    expect(streamed.chunks.every(({ object }) => object === 'text_completion')).toBe(true);
  });

  test('never shows the beginning of a stop string', async () => {
    const handler = await serveSolver();
    const whole = (await chat(handler, request)).choices[0]!.message.content;
    const streamed = await stream(handler, { ...request, stop: ['\n####'] });
    expect(textOf(streamed)).toBe(whole.slice(0, whole.indexOf('\n')));
    expect(streamed.chunks.at(-1)!.choices[0]).toMatchObject({ finish_reason: 'stop', stop_reason: '\n####' });
    const notMet = await stream(handler, { ...request, stop: ['\n##x'] });
    expect(textOf(notMet)).toBe(whole);
  });

  test('finds a stop string across the pieces that log-probabilities come in', async () => {
    const handler = await serveSolver();
    const whole = (await chat(handler, request)).choices[0]!.message.content;
    const streamed = await stream(handler, { ...request, logprobs: true, stop: ['\n#### '] });
    expect(textOf(streamed)).toBe(whole.slice(0, whole.indexOf('\n')));
    expect(streamed.chunks.at(-1)!.choices[0]!.stop_reason).toBe('\n#### ');
  });

  test('carries the log-probability of each token beside its text', async () => {
    const handler = await serveSolver();
    const whole = await chat(handler, { ...request, logprobs: true });
    const { chunks } = await stream(handler, { ...request, logprobs: true });
    const parts = chunks.flatMap(({ choices }) => choices).filter(({ logprobs }) => logprobs);
    expect(parts.length).toBeGreaterThan(1);
    for (const { delta, logprobs } of parts) expect(logprobs!.content.map(({ token }) => token).join('')).toBe(delta!.content);
    expect(parts.flatMap(({ logprobs }) => logprobs!.content)).toEqual(whole.choices[0]!.logprobs!.content);
  });

  test('has its siblings beside it', async () => {
    const handler = await serveSolver();
    const whole = await chat(handler, { ...request, n: 3 });
    const streamed = await stream(handler, { ...request, n: 3 });
    for (const { index, message } of whole.choices) expect(textOf(streamed, index)).toBe(message.content);
    const ends = streamed.chunks.flatMap(({ choices }) => choices).filter(({ finish_reason }) => finish_reason !== null);
    expect(ends.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(streamed.chunks.filter(({ latency_tts }) => latency_tts)).toHaveLength(1);
  });

  test('is followed by its usage where that is asked for', async () => {
    const handler = await serveSolver();
    const { usage } = await chat(handler, request);
    const { chunks } = await stream(handler, { ...request, stream_options: { include_usage: true } });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    const without = await stream(handler, request);
    expect(without.chunks.every((chunk) => !('usage' in chunk))).toBe(true);
  });

  test('that fails ends with an error, not with the mark of a whole stream', async () => {
    const handler = await serveSolver({ fault: (solution) => (solution.length > 3 ? new Error('as planned') : undefined) });
    const { chunks, isDone } = await stream(handler, request);
    expect(chunks.at(-1)!.error).toMatchObject({ type: 'server_error' });
    expect(isDone).toBe(false);
  });
});

describe('a streamed vote', () => {
  test('tells in comments how it goes, and its answer in the end', async () => {
    const handler = await serveSolver();
    const body = { ...request, strategy: { name: 'self-consistency', options: { branches: 6, earlyDecision: 'none' } } };
    const whole = await chat(handler, body);
    const { chunks, comments, order, isDone } = await stream(handler, body);
    const events = comments.map((comment) => JSON.parse(comment) as { event: string; branch?: number; answer?: string });
    expect(
      events
        .filter(({ event }) => event === 'branch-end')
        .map(({ branch }) => branch!)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4, 5]);
    expect(events.filter(({ event }) => event === 'vote-change').at(-1)!.answer).toBe(whole.latency_tts.answer);
    expect(order.indexOf('chunk')).toBe(comments.length);
    expect(textOf({ chunks, comments, order, isDone })).toBe(whole.choices[0]!.message.content);
    expect(chunks).toHaveLength(3);
    expect(chunks[2]!.latency_tts!.votes).toEqual(whole.latency_tts.votes);
  });

  test('of a strategy with one line of text shows it as it is written', async () => {
    const handler = await serveSolver();
    const body = { ...request, strategy: { name: 'budget-forcing', options: { thinkingEnd: false, maxWaits: 0 } } };
    const whole = await chat(handler, body);
    const streamed = await stream(handler, body);
    expect(textOf(streamed)).toBe(whole.choices[0]!.message.content);
    expect(streamed.chunks.filter(({ choices }) => choices[0]?.delta?.content).length).toBeGreaterThan(1);
  });
});

describe('stop strings of a strategy', () => {
  test('cut the text that is returned, not the branches it comes from', async () => {
    const handler = await serveSolver();
    const body = { ...request, include_branch_text: true, strategy: { name: 'self-consistency', options: { branches: 4, earlyDecision: 'none' } } };
    const whole = await chat(handler, body);
    const cut = await chat(handler, { ...body, stop: ['\n'] });
    const text = whole.choices[0]!.message.content;
    expect(cut.choices[0]).toMatchObject({ message: { content: text.slice(0, text.indexOf('\n')) }, finish_reason: 'stop', stop_reason: '\n' });
    expect(cut.latency_tts.answer).toBe(whole.latency_tts.answer);
    expect(cut.latency_tts.branches.map((branch) => branch.text)).toEqual(whole.latency_tts.branches.map((branch) => branch.text));
    const kept = await chat(handler, { ...body, stop: ['\n'], include_stop_str_in_output: true });
    expect(kept.choices[0]!.message.content).toBe(text.slice(0, text.indexOf('\n') + 1));
  });

  test('cut it while it is written as well', async () => {
    const handler = await serveSolver();
    const body = { ...request, stop: ['\n#### '], strategy: { name: 'budget-forcing', options: { thinkingEnd: false, maxWaits: 0 } } };
    const streamed = await stream(handler, body);
    expect(textOf(streamed)).toBe((await chat(handler, body)).choices[0]!.message.content);
    expect(textOf(streamed)).not.toContain('#');
    expect(streamed.chunks.at(-1)!.choices[0]).toMatchObject({ finish_reason: 'stop', stop_reason: '\n#### ' });
  });
});

describe('a reader', () => {
  test('who leaves ends the work', async () => {
    const engine = new GatedEngine();
    const outcomes: string[] = [];
    const handler = createHandler({ models: { gated: { engine } }, onRequest: ({ outcome }) => outcomes.push(outcome) });
    const response = await post(handler, CHAT, { ...request, model: 'gated', n: 3, stream: true });
    await engine.reached(3);
    await response.body!.cancel();
    await handler.close();
    expect(outcomes).toEqual(['aborted']);
    expect([engine.openSessions, engine.openAdvances, handler.load.running]).toEqual([0, 0, 0]);
  });

  test('who is slow gets everything, in fewer pieces', async () => {
    const { engine, clock } = await openSolver();
    const handler = createHandler({ models: { solver: { engine, tokenizer } }, clock });
    const whole = (await chat(handler, request)).choices[0]!.message.content;
    const response = await post(handler, CHAT, { ...request, stream: true });
    // The work is done before the first byte is read.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    const streamed = await readStream(response);
    expect(textOf(streamed)).toBe(whole);
    expect(streamed.chunks.filter(({ choices }) => choices[0]?.delta?.content).length).toBeLessThan(5);
  });
});

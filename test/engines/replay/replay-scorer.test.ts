import { expect, test } from 'vitest';
import type { LatencyProfile, PassShape } from '../../../src/contracts/profile.ts';
import type { ProblemTrace } from '../../../src/contracts/trace.ts';
import { ReplayBank } from '../../../src/engines/replay/replay-bank.ts';
import { ReplayScorer } from '../../../src/engines/replay/replay-scorer.ts';
import { SimulatedClock } from '../../../src/runtime/simulated-clock.ts';

const TRACE: ProblemTrace = {
  id: 'a',
  prompt: 'how many?',
  promptTokens: 50,
  seed: 1,
  branches: [{ text: 'aabbccdd', ends: [2, 4, 6, 8], logprobs: [], finish: 'end', scores: [0.5] }],
};

test('a prompt is read once, a text for as many tokens as it has', async () => {
  const clock = new SimulatedClock();
  const passes: PassShape[] = [];
  const profile: LatencyProfile = {
    label: 'by tokens',
    parts: ['scorer'],
    passMs: (_, shape) => (passes.push(shape), shape.newTokens),
    spread: () => 1,
    requestMs: 0,
  };
  const scorer = new ReplayScorer(new ReplayBank([TRACE]), profile, clock);
  expect(await scorer.score(TRACE.prompt, [{ text: 'aabbccdd', isFinished: true }])).toEqual([[0.5]]);
  expect(clock.now()).toBe(54);
  await scorer.score(TRACE.prompt, [
    { text: 'aabb', isFinished: true },
    { text: 'aa', isFinished: true },
  ]);
  expect(clock.now()).toBe(56);
  expect(passes.map(({ rows, newTokens }) => [rows, newTokens])).toEqual([
    [1, 50],
    [1, 4],
    [2, 2],
  ]);
});

test('calls take turns, also behind one that was given up', async () => {
  const clock = new SimulatedClock();
  const profile: LatencyProfile = { label: 'even', parts: ['scorer'], passMs: () => 10, spread: () => 1, requestMs: 0 };
  const scorer = new ReplayScorer(new ReplayBank([TRACE]), profile, clock);
  const controller = new AbortController();
  const text = { text: 'aabbccdd', isFinished: true };
  const endings = [scorer.score(TRACE.prompt, [text]), scorer.score(TRACE.prompt, [text], { signal: controller.signal }), scorer.score(TRACE.prompt, [text])];
  controller.abort(new Error('enough'));
  const times = await Promise.all(
    endings.map(async (ending) => {
      const [outcome] = await Promise.allSettled([ending]);
      return [outcome.status, clock.now()];
    }),
  );
  // The first reads the prompt.
  expect(times).toEqual([
    ['fulfilled', 20],
    ['rejected', 20],
    ['fulfilled', 30],
  ]);
});

test('what was read ahead is not read again, and a hint at a bad time is dropped', async () => {
  const clock = new SimulatedClock();
  const profile: LatencyProfile = { label: 'by tokens', parts: ['scorer'], passMs: (_, { newTokens }) => newTokens, spread: () => 1, requestMs: 0 };
  const trace: ProblemTrace = { ...TRACE, branches: [{ text: 'aa\nbb\ncc', ends: [3, 6, 8], logprobs: [], finish: 'end', scores: [0.5] }] };
  const scorer = new ReplayScorer(new ReplayBank([trace]), profile, clock);
  scorer.readAhead(trace.prompt, []);
  scorer.readAhead(trace.prompt, ['aa\n']);
  // The second one is dropped.
  await clock.wait(51);
  scorer.readAhead(trace.prompt, ['aa\nbb\nc', 'x']);
  await clock.wait(10);
  const startedAt = clock.now();
  expect(await scorer.score(trace.prompt, [{ text: 'aa\nbb\ncc', isFinished: true }])).toEqual([[0.5]]);
  expect(clock.now() - startedAt).toBe(1);
});

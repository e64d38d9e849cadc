import { describe, expect, test } from 'vitest';
import { ServiceTimes, type Work } from '../../src/serve/service-times.ts';
import { sizeOf } from '../../src/serve/work-size.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

const WHOLE = { isCut: false, hasAnswer: true };
const PROMPT = 'x'.repeat(100);

const vote = (branches?: number, more: { readonly maxTokens?: number; readonly prompt?: string } = {}): Work => ({
  kind: 'bundled\nself-consistency',
  size: sizeOf({
    choices: 1,
    strategy: { name: 'self-consistency', ...(branches !== undefined && { options: { branches } }) },
    maxTokens: more.maxTokens,
    prompt: more.prompt ?? PROMPT,
  }),
});

describe('sizes of work', () => {
  test('tell powers of two apart, of branches, tokens and prompts', () => {
    expect(vote(8).size).toEqual({ branches: 3, tokens: Infinity, prompt: 7 });
    expect(vote(9).size).toEqual(vote(8).size);
    expect(vote(16, { maxTokens: 256, prompt: 'x'.repeat(4000) }).size).toEqual({ branches: 4, tokens: 8, prompt: 12 });
    expect(vote().size.branches).toBeUndefined();
  });

  test('multiply what multiplies: beams and their width, choices', () => {
    const shape = { maxTokens: undefined, prompt: [{ role: 'user' as const, content: PROMPT }] };
    expect(sizeOf({ ...shape, choices: 1, strategy: { name: 'beam-search', options: { beams: 8, width: 4, stepStop: ['\n'] } } }).branches).toBe(5);
    expect(sizeOf({ ...shape, choices: 4, strategy: { name: 'single' } })).toEqual({ branches: 2, tokens: Infinity, prompt: 7 });
  });
});

describe('ServiceTimes', () => {
  test('go by work of the same size where there was some', () => {
    const times = new ServiceTimes(new ManualClock());
    for (let count = 0; count < 10; count++) times.add(vote(4), 100, WHOLE);
    times.add(vote(64), 1500, WHOLE);
    expect([times.plannedMs(vote(4)), times.leastMs(vote(4)), times.neededMs(vote(4))]).toEqual([100, 100, 100]);
    expect([times.plannedMs(vote(64)), times.leastMs(vote(64)), times.neededMs(vote(64))]).toEqual([1500, 1500, 1500]);
  });

  test('take other sizes for how long a wait may be, and no larger ones for how much is needed', () => {
    const times = new ServiceTimes(new ManualClock());
    times.add(vote(16), 800, WHOLE);
    // Twice the branches need as much at least; nobody knows how little is enough for half of them.
    expect(times.leastMs(vote(32))).toBe(800);
    expect(times.leastMs(vote(8))).toBe(0);
    expect(times.neededMs(vote(8))).toBe(0);
    expect(times.plannedMs(vote(8))).toBe(800);
    expect(times.remainingMs(vote(8), 300)).toBe(500);
  });

  test.each<[string, Work]>([
    ['a shorter prompt', vote(16, { prompt: 'x' })],
    ['fewer tokens', vote(16, { maxTokens: 20 })],
    ['defaults of the strategy', vote()],
  ])('do not refuse by what is not known to be smaller: %s', (_, work) => {
    const times = new ServiceTimes(new ManualClock());
    times.add(vote(16), 800, WHOLE);
    expect(times.leastMs(work)).toBe(0);
  });

  test('tell strategies and models apart', () => {
    const times = new ServiceTimes(new ManualClock());
    times.add(vote(8), 100, WHOLE);
    expect(times.plannedMs({ ...vote(8), kind: 'other\nself-consistency' })).toBe(0);
  });

  test('take what was cut for longer than it was let', () => {
    const times = new ServiceTimes(new ManualClock());
    for (const time of [100, 120, 140]) times.add(vote(8), time, WHOLE);
    for (let count = 0; count < 6; count++) times.add(vote(8), 90, { isCut: true, hasAnswer: true });
    // Without those that were cut, three in four end within 140; by what they were let, within 100.
    expect(times.plannedMs(vote(8))).toBe(140);
    expect(times.leastMs(vote(8))).toBe(90);
  });

  test('follow a machine that slows down within a window of requests of one size', () => {
    const times = new ServiceTimes(new ManualClock());
    for (let count = 0; count < 32; count++) times.add(vote(8), 100, WHOLE);
    for (let count = 0; count < 32; count++) times.add(vote(8), 300, WHOLE);
    expect([times.leastMs(vote(8)), times.plannedMs(vote(8))]).toEqual([300, 300]);
  });

  test('keep a bounded number, however many sizes clients make up', () => {
    const clock = new ManualClock();
    const times = new ServiceTimes(clock);
    times.add(vote(1), 1, WHOLE);
    for (let count = 0; count < 256; count++) times.add(vote(2 ** (1 + (count % 20)), { maxTokens: 2 ** (count % 13) }), 500, WHOLE);
    // The oldest has made room.
    expect(times.leastMs(vote(1))).toBe(0);
  });
});

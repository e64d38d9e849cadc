/** The gate, its predictions and the reserve together: clients that never rest, on a simulated machine. */
import { setMaxListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { randomSequence } from '../../src/maths/random.ts';
import { Admission } from '../../src/serve/admission.ts';
import { ApiError } from '../../src/serve/api-error.ts';
import { ReplyReserve } from '../../src/serve/reply-reserve.ts';
import { ServiceTimes, type Work } from '../../src/serve/service-times.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

const WORK: Work = { kind: 'vote', size: { branches: 3, tokens: Infinity, prompt: 7 } };
const DEADLINE_MS = 1000;
const TICK_MS = 5;

interface Outcome {
  readonly at: number;
  /** `whole` and `cut`: a reply, by its end or by its deadline. */
  readonly kind: 'whole' | 'cut' | 'refused' | 'given-up';
  readonly latencyMs: number;
}

interface Machine {
  readonly clients: number;
  readonly seconds: number;
  /** By how much everything is slower at a time. */
  readonly slowness: (ms: number) => number;
}

async function simulate({ clients, seconds, slowness }: Machine): Promise<Outcome[]> {
  const clock = new ManualClock();
  const times = new ServiceTimes(clock);
  const reserve = new ReplyReserve(5, { ms: 0 });
  const admission = new Admission({ clock, times, maxRunning: 4, maxQueued: 64, onLoad: () => undefined });
  const random = randomSequence(7);
  const ended = new AbortController();
  setMaxListeners(0, ended.signal);
  const outcomes: Outcome[] = [];

  /** Anytime work: to its end, or to its deadline and by up to a step beyond it. */
  const work = async (deadlineAt: number): Promise<boolean> => {
    const startedAt = clock.now();
    const takesMs = 80 * (1 + 4 * random()) * slowness(startedAt);
    const isCut = startedAt + takesMs > deadlineAt;
    await clock.wait(isCut ? deadlineAt - startedAt + 30 * random() * slowness(startedAt) : takesMs, ended.signal);
    times.add(WORK, clock.now() - startedAt, { isCut, hasAnswer: !isCut || random() < 0.5 });
    if (isCut) reserve.add(clock.now() - deadlineAt);
    return isCut;
  };
  const client = async (_: unknown, index: number): Promise<void> => {
    await clock.wait(100 * index, ended.signal);
    while (!ended.signal.aborted) {
      const at = clock.now();
      const deadlineAt = (): number => at + DEADLINE_MS - reserve.of(DEADLINE_MS);
      try {
        const release = await admission.admit({ work: WORK, deadlineAt: deadlineAt(), signal: new AbortController().signal });
        const isCut = await work(deadlineAt());
        release();
        outcomes.push({ at, kind: isCut ? 'cut' : 'whole', latencyMs: clock.now() - at });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        outcomes.push({ at, kind: error.code === 'queue_timeout' ? 'given-up' : 'refused', latencyMs: clock.now() - at });
        await clock.wait(error.retryAfterMs!, ended.signal);
      }
    }
  };
  void Promise.all(Array.from({ length: clients }, client));
  while (clock.now() < 1000 * seconds) {
    clock.advance(TICK_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
  ended.abort();
  return outcomes;
}

const share = (outcomes: readonly Outcome[], isCounted: (outcome: Outcome) => boolean): number => outcomes.filter(isCounted).length / outcomes.length;
const isMiss = ({ kind, latencyMs }: Outcome): boolean => kind === 'given-up' || latencyMs > DEADLINE_MS;

describe('past saturation', () => {
  test.each<[string, (ms: number) => number]>([
    ['a steady machine', () => 1],
    ['a machine that becomes three times slower', (ms) => (ms < 10_000 ? 1 : 3)],
    ['a machine with bad moments', (ms) => (ms % 4_000 < 400 ? 4 : 1)],
  ])('on %s, 19 in 20 that are let in have their reply in time, and most of them whole', async (_, slowness) => {
    const outcomes = await simulate({ clients: 32, seconds: 40, slowness });
    const letIn = outcomes.filter(({ kind }) => kind !== 'refused');
    expect(letIn.length).toBeGreaterThan(200);
    expect(share(letIn, isMiss)).toBeLessThan(0.05);
    expect(share(letIn, ({ kind }) => kind === 'whole')).toBeGreaterThan(0.5);
    // Who is turned away learns it at once.
    expect(outcomes.filter(({ kind, latencyMs }) => kind === 'refused' && latencyMs > 0)).toEqual([]);
  });

  test('below saturation nobody is turned away', async () => {
    const outcomes = await simulate({ clients: 4, seconds: 20, slowness: () => 1 });
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['whole']));
  });
});

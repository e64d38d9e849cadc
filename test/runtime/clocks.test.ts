import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/contracts/clock.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A wait, and whether it is over. */
function waitOn(clock: Required<Clock>, milliseconds: number, signal = new AbortController().signal) {
  const state = { isOver: false, done: clock.wait(milliseconds, signal) };
  void state.done.then(() => (state.isOver = true));
  return state;
}

describe.each([
  ['the system clock', () => systemClock as Required<Clock>],
  ['a manual clock', () => new ManualClock()],
])('a wait on %s', (_, make) => {
  test('ends at once when the signal is aborted, before or later, however long it was to be', async () => {
    const controller = new AbortController();
    const waiting = waitOn(make(), 1e12, controller.signal);
    await turn();
    expect(waiting.isOver).toBe(false);
    controller.abort();
    await waiting.done;
    await waitOn(make(), 1e12, controller.signal).done;
  });
});

test('a wait on the system clock ends by itself', async () => {
  await waitOn(systemClock as Required<Clock>, 1).done;
});

test('a wait on a manual clock ends when the clock has been moved far enough', async () => {
  const clock = new ManualClock(100);
  const [short, long] = [waitOn(clock, 5), waitOn(clock, 12)];
  clock.advance(4);
  await turn();
  expect([short.isOver, long.isOver]).toEqual([false, false]);
  clock.advance(1);
  await turn();
  expect([short.isOver, long.isOver]).toEqual([true, false]);
  clock.advance(50);
  await long.done;
  await waitOn(clock, 0).done;
});

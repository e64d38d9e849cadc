import { describe, expect, test } from 'vitest';
import { LoopLag } from '../../src/serve/loop-lag.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

/** Lets everything happen that can happen now. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function pass(clock: ManualClock, steps: readonly number[]): Promise<void> {
  for (const step of steps) {
    clock.advance(step);
    await settle();
  }
}

describe('LoopLag', () => {
  test('is how much later than asked for timers come', async () => {
    const clock = new ManualClock();
    const lag = new LoopLag(clock);
    expect(lag.ms).toBe(0);
    lag.watch();
    lag.watch();
    await pass(clock, [20, 20, 20]);
    expect(lag.ms).toBe(0);
    await pass(clock, [120, 120, 120]);
    expect(lag.ms).toBe(100);
    lag.rest();
  });

  test('does not look while nothing is to be done, and goes on later', async () => {
    const clock = new ManualClock();
    const lag = new LoopLag(clock);
    lag.watch();
    await pass(clock, [30]);
    lag.rest();
    await pass(clock, [5000]);
    expect(lag.ms).toBe(10);
    lag.watch();
    await pass(clock, [20, 20]);
    expect(lag.ms).toBeLessThan(10);
    lag.rest();
  });

  test('forgets a busy time', async () => {
    const clock = new ManualClock();
    const lag = new LoopLag(clock);
    lag.watch();
    await pass(clock, [300, ...Array.from({ length: 64 }, () => 20)]);
    expect(lag.ms).toBe(0);
    lag.rest();
  });

  test('tells of nothing on a clock that cannot wait', () => {
    const lag = new LoopLag({ now: () => 0 });
    lag.watch();
    expect(lag.ms).toBe(0);
    lag.rest();
  });
});

import type { Clock } from '../contracts/clock.ts';
import { AbortScope } from './abort-scope.ts';

/** Whether the time came before the signal. Stays open where the clock cannot wait, and for Infinity. */
export async function waitUntil(clock: Clock, until: number, signal: AbortSignal): Promise<boolean> {
  if (!clock.wait || until === Infinity) return new Promise(() => undefined);
  while (clock.now() < until && !signal.aborted) await clock.wait(until - clock.now(), signal);
  return !signal.aborted;
}

/** Resolves once the time has passed on the clock; not at all when the signal comes first. */
export function expiry(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    void waitUntil(clock, clock.now() + milliseconds, signal).then((isOver) => isOver && resolve());
  });
}

/** @throws what `failure` makes once the time has passed; never on a clock that cannot wait. */
export async function within<Result>(clock: Clock, milliseconds: number, work: Promise<Result>, failure: () => Error): Promise<Result> {
  if (milliseconds === Infinity || !clock.wait) return work;
  const waiting = new AbortScope();
  try {
    return await Promise.race([
      work,
      expiry(clock, milliseconds, waiting.signal).then(() => {
        throw failure();
      }),
    ]);
  } finally {
    waiting.end();
  }
}

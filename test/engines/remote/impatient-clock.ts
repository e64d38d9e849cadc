import { ManualClock } from '../../../src/testing/manual-clock.ts';

/** Whoever waits short on it has waited already, on virtual time; timeouts of minutes stay out of the way. */
export function impatientClock(): ManualClock {
  const clock = new ManualClock();
  const wait = clock.wait.bind(clock);
  clock.wait = async (milliseconds, signal) => {
    if (milliseconds > 9_000) return wait(milliseconds, signal);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(milliseconds);
  };
  return clock;
}

import type { Clock } from '../contracts/clock.ts';
import { onAbort } from './on-abort.ts';

const { timeOrigin } = performance;

/** Timers of JavaScript fire at once when set for longer; who waits looks at the time again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Monotonic time that threads of one process share, so that deadlines can cross to a worker. */
export const systemClock: Clock = {
  now: () => timeOrigin + performance.now(),
  wait: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = setTimeout(done, Math.min(milliseconds, LONGEST_TIMER_MS));
      const forget = onAbort(signal, done);
      function done(): void {
        clearTimeout(timer);
        forget();
        resolve();
      }
    }),
};

import type { Clock } from '../contracts/clock.ts';

/** Monotonic time that threads of one process share, so that deadlines can cross to a worker. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
};

import type { Clock } from '../contracts/clock.ts';
import { requireClock, requireSignal, requireTime } from '../options.ts';
import { systemClock } from './system-clock.ts';

/** What every call takes that may wait. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Time on the clock. @default Infinity */
  readonly deadlineAt?: number | undefined;
  /** @default the system clock */
  readonly clock?: Clock | undefined;
}

/** @throws {InvalidOptionError} for what is no signal or clock, or a time of another clock. */
export function requireCallOptions({ signal, deadlineAt, clock }: CallOptions): void {
  requireSignal(signal);
  requireClock(clock);
  if (deadlineAt !== undefined) requireTime('deadlineAt', deadlineAt, (clock ?? systemClock).now());
}

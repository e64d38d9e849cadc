import * as v from 'valibot';
import type { Clock } from '../contracts/clock.ts';
import { objectWith, readValue, requireSignal, signalSchema } from '../option-schemas.ts';
import { requireTime } from '../options.ts';
import { systemClock } from './system-clock.ts';

/** What every call takes that may wait. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Time on the clock. @default Infinity */
  readonly deadlineAt?: number | undefined;
  /** @default the system clock */
  readonly clock?: Clock | undefined;
}

export const clockSchema: v.GenericSchema<Clock> = /* @__PURE__ */ objectWith<Clock>('now', 'a clock, with `now()`', 'Leave it out for the system clock.');

/** Of functions that take time. */
export const callEntries = {
  /** Ends the call; it rejects with the signal's reason. */
  signal: v.optional(signalSchema),
  /** Tells the time. @default the system clock */
  clock: v.optional(clockSchema),
};

/** @throws {InvalidOptionError} for what is no signal or clock, or a time of another clock. */
export function requireCallOptions({ signal, deadlineAt, clock }: CallOptions): void {
  requireSignal(signal);
  if (clock !== undefined) readValue(clockSchema, clock, 'clock');
  if (deadlineAt !== undefined) requireTime('deadlineAt', deadlineAt, (clock ?? systemClock).now());
}

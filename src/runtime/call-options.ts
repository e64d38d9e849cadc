import * as v from 'valibot';
import type { Clock } from '../contracts/clock.ts';
import type { ScoreOptions } from '../contracts/scorer.ts';
import { InvalidOptionError } from '../errors.ts';
import { objectWith, readValue, requireSignal, signalSchema } from '../option-schemas.ts';
import { requireKnownNames, requireTime } from '../options.ts';
import { systemClock } from './system-clock.ts';

/** What every call takes that may wait. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Time on the clock. @default Infinity */
  readonly deadlineAt?: number | undefined;
  /** @default the system clock */
  readonly clock?: Clock | undefined;
}

const SCORE = ['signal', 'deadlineAt', 'clock', 'onError'] as const satisfies readonly (keyof ScoreOptions)[];

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

/** @throws {InvalidOptionError} as `requireCallOptions`, and for an option that there is not. */
export function requireScoreOptions(options: ScoreOptions): void {
  requireScoreNames(options);
  requireCallOptions(options);
  if (options.onError !== undefined && typeof options.onError !== 'function') throw new InvalidOptionError('onError', 'a function', options.onError);
}

/** @throws {InvalidOptionError} for an option that there is not. Whoever scores checks the rest. */
export function requireScoreNames(options: ScoreOptions): void {
  requireKnownNames(options, SCORE);
}

/**
 * Requests that are sent again: which, when, and how long each may take. Generation and reward models go by the same rules.
 *
 * @module
 */
import type { Clock } from '../contracts/clock.ts';
import { ServerError } from '../errors.ts';
import { waitUntil } from '../runtime/wait-until.ts';

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 8_000;
/** A request may take this many times as long as usual before it is given up. */
const PATIENCE = 3;

/** A request that has failed. */
export interface FailedTry {
  readonly clock: Clock;
  /** Time on the clock after which nothing is of use any more. */
  readonly endsAt: number;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Requests that failed before this one, from 0. */
  readonly attempt: number;
  /** Times a request may be sent again. */
  readonly maxRetries: number;
  /** Uniform in [0, 1): spreads those that failed together. */
  readonly point: number;
}

/**
 * Waits until a request that has failed may be sent again. `never`: no later one would fare better, or there were enough.
 * `late`: none would come in time.
 *
 * @throws the `signal`'s reason when it is aborted.
 */
export async function untilNextTry(error: unknown, { clock, endsAt, signal, attempt, maxRetries, point }: FailedTry): Promise<'now' | 'never' | 'late'> {
  if (!(error instanceof ServerError) || !error.isRetryable || attempt >= maxRetries) return 'never';
  const nextAt = clock.now() + retryDelayMs(error, attempt, point);
  if (nextAt >= endsAt) return 'late';
  if (clock.wait) await waitUntil(clock, nextAt, signal);
  signal.throwIfAborted();
  return 'now';
}

export interface TryLimits {
  /** Most milliseconds of a try, whatever is left. */
  readonly timeoutMs: number;
  /** Milliseconds until the deadline. */
  readonly leftMs: number;
  /** What a try takes as a rule; `undefined` where that is not known. */
  readonly usualMs: number | undefined;
  readonly isLast: boolean;
}

/** Milliseconds that a try may take: half of what is left, so that there is time for another; the last may take all there is. */
export function tryMs({ timeoutMs, leftMs, usualMs = 0, isLast }: TryLimits): number {
  return Math.min(timeoutMs, leftMs, isLast ? Infinity : Math.max(leftMs / 2, PATIENCE * usualMs));
}

/**
 * Milliseconds to wait before the next request: what the server asked for, and beside it a random share of an interval that
 * doubles each time, so that requests that failed together do not come back together.
 */
function retryDelayMs({ retryAfterMs = 0 }: ServerError, attempt: number, point: number): number {
  return retryAfterMs + point * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
}

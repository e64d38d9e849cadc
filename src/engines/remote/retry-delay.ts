import type { ServerError } from '../../errors.ts';

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 8_000;

/**
 * Milliseconds to wait before the next request: what the server asked for, and beside it a random share of an interval that
 * doubles each time, so that branches that failed together do not come back together.
 *
 * @param attempt - Requests that failed before this one, from 0.
 * @param point - Uniform in [0, 1).
 */
export function retryDelayMs({ retryAfterMs = 0 }: ServerError, attempt: number, point: number): number {
  return retryAfterMs + point * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
}

import { nearestValue } from '../../maths/nearest-value.ts';

/** Weight of the newest measurement: follows a machine that slows down within a few steps. */
const NEWEST = 0.25;
/**
 * Deviations that are kept free beside the mean, so that a step which takes longer than most still ends in time. As the
 * retransmission timer of TCP does it (Jacobson 1988, RFC 6298), where four of them are for a wait that must not end early.
 */
const DEVIATIONS = 2;

/**
 * How long model steps take, by the number of rows in them: exponentially weighted means of what was measured, and of how far
 * measurements are from those.
 */
export class StepTimer {
  readonly #means = new Map<number, number>();
  readonly #deviations = new Map<number, number>();

  record(rows: number, milliseconds: number): void {
    const mean = this.#means.get(rows);
    if (mean === undefined) {
      this.#means.set(rows, milliseconds);
      return;
    }
    const error = milliseconds - mean;
    this.#means.set(rows, mean + NEWEST * error);
    const deviation = this.#deviations.get(rows) ?? 0;
    this.#deviations.set(rows, deviation + NEWEST * (Math.abs(error) - deviation));
  }

  /**
   * Milliseconds within which so many steps should end: of as many rows, else of the nearest number measured, else 0. Steps
   * deviate independently of each other.
   */
  allowance(rows: number, steps: number): number {
    const mean = nearestValue(this.#means, rows) ?? 0;
    const deviation = nearestValue(this.#deviations, rows) ?? 0;
    return steps * mean + DEVIATIONS * Math.sqrt(steps) * deviation;
  }
}

import { nearestValue } from '../../maths/nearest-value.ts';
import { quantile } from '../../maths/quantile.ts';

/** Latest steps that count: a machine that slows down is followed within half of them. */
const WINDOW = 9;
/** Standard deviations that are kept free beside the expected time, for steps that take longer than most. */
const DEVIATIONS = 2;
/** Median absolute deviation to standard deviation, for a normal distribution (Hampel 1974). */
const PER_MEDIAN_DEVIATION = 1.4826;

interface StepTime {
  readonly milliseconds: number;
  readonly deviation: number;
}

/**
 * How long model steps take, by the number of rows in them. Median and median deviation of the latest ones: a step during which
 * the machine did something else says little about the next, and must not cut a run short.
 */
export class StepTimer {
  readonly #latest = new Map<number, number[]>();
  readonly #times = new Map<number, StepTime>();

  record(rows: number, milliseconds: number): void {
    const latest = this.#latest.get(rows) ?? [];
    this.#latest.set(rows, latest);
    if (latest.push(milliseconds) > WINDOW) latest.shift();
    const median = quantile(latest, 0.5);
    const away = latest.map((time) => Math.abs(time - median));
    this.#times.set(rows, { milliseconds: median, deviation: PER_MEDIAN_DEVIATION * quantile(away, 0.5) });
  }

  /**
   * Milliseconds within which so many steps should end: of as many rows, else of the nearest number measured, else 0. Steps
   * deviate independently of each other.
   */
  allowance(rows: number, steps: number): number {
    const time = nearestValue(this.#times, rows);
    return time === undefined ? 0 : steps * time.milliseconds + DEVIATIONS * Math.sqrt(steps) * time.deviation;
  }
}

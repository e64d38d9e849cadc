import { nearestValue } from '../maths/nearest-value.ts';
import { quantile } from '../maths/quantile.ts';

/** Latest steps that count: a machine that slows down is followed within half of them. */
const WINDOW = 9;
/** The step that shows how far steps go beyond the median: one longer one among the latest is chance, two are not. */
const LONG = 7 / 8;
/** How many times that far is kept free for a step. */
const ROOM = 1.5;

interface StepTime {
  readonly milliseconds: number;
  readonly beyondMs: number;
}

/**
 * How long model steps take, by the number of rows in them. Order statistics of the latest ones: a step during which the machine
 * did something else says little about the next, and must not cut a run short.
 */
export class StepTimer {
  readonly #latest = new Map<number, number[]>();
  readonly #times = new Map<number, StepTime>();

  record(rows: number, milliseconds: number): void {
    const latest = this.#latest.get(rows) ?? [];
    this.#latest.set(rows, latest);
    if (latest.push(milliseconds) > WINDOW) latest.shift();
    const median = quantile(latest, 0.5);
    this.#times.set(rows, { milliseconds: median, beyondMs: quantile(latest, LONG) - median });
  }

  /**
   * Milliseconds within which so many steps should end: of as many rows, else of the nearest number measured, else 0. Steps
   * deviate independently of each other.
   */
  allowance(rows: number, steps: number): number {
    const time = nearestValue(this.#times, rows);
    return time === undefined ? 0 : steps * time.milliseconds + ROOM * Math.sqrt(steps) * time.beyondMs;
  }
}

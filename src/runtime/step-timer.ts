import { nearestValue } from '../maths/nearest-value.ts';
import { quantile } from '../maths/quantile.ts';

/** Latest steps that count: a machine that slows down is followed within half of them. */
const WINDOW = 9;
/** The step that shows how far steps go beyond the median: one longer one among the latest is chance, two are not. */
const LONG = 7 / 8;
/** How many times that far is kept free for a step. */
const ROOM = 1.5;

/** Steps of one number of rows. */
interface Steps {
  readonly latest: number[];
  /** What they come to; `undefined` until somebody asks, which is seldom, while steps are many. */
  time: { readonly milliseconds: number; readonly beyondMs: number } | undefined;
}

/**
 * How long model steps take, by the number of rows in them. Order statistics of the latest ones: a step during which the machine
 * did something else says little about the next, and must not cut a run short.
 */
export class StepTimer {
  readonly #steps = new Map<number, Steps>();

  record(rows: number, milliseconds: number): void {
    let steps = this.#steps.get(rows);
    if (!steps) this.#steps.set(rows, (steps = { latest: [], time: undefined }));
    if (steps.latest.push(milliseconds) > WINDOW) steps.latest.shift();
    steps.time = undefined;
  }

  /**
   * Milliseconds within which so many steps should end: of as many rows, else of the nearest number measured, else 0. Steps
   * deviate independently of each other.
   */
  allowance(rows: number, count: number): number {
    const steps = nearestValue(this.#steps, rows);
    if (steps === undefined) return 0;
    const { milliseconds, beyondMs } = (steps.time ??= timeOf(steps.latest));
    return count * milliseconds + ROOM * Math.sqrt(count) * beyondMs;
  }
}

function timeOf(latest: readonly number[]): NonNullable<Steps['time']> {
  const milliseconds = quantile(latest, 0.5);
  return { milliseconds, beyondMs: quantile(latest, LONG) - milliseconds };
}

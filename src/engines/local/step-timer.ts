import { nearestValue } from '../../maths/nearest-value.ts';

/** Weight of the newest measurement: follows a machine that slows down within a few steps. */
const NEWEST = 0.25;

/** How long a model step takes, by the number of rows in it. Exponentially weighted means of what was measured. */
export class StepTimer {
  readonly #means = new Map<number, number>();

  record(rows: number, milliseconds: number): void {
    const mean = this.#means.get(rows);
    this.#means.set(rows, mean === undefined ? milliseconds : mean + NEWEST * (milliseconds - mean));
  }

  /** Expected milliseconds of a step: of as many rows, else of the nearest number measured, else 0. */
  estimate(rows: number): number {
    return nearestValue(this.#means, rows) ?? 0;
  }
}

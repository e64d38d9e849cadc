import { nearestValue } from '../../maths/nearest-value.ts';

/** Measured cost of model passes over a grid of rows and new tokens, interpolated, and corrected while running. */
const NEWEST = 0.1;

export interface StepCost {
  /** Rows of the pass. */
  readonly rows: number;
  /** New tokens of each row. */
  readonly width: number;
  readonly milliseconds: number;
}

/** Milliseconds of a pass by rows and width: bilinear between measured points, linear beyond them, never falling. */
export class StepCosts {
  readonly #rows: readonly number[];
  readonly #widths: readonly number[];
  readonly #milliseconds = new Map<string, number>();
  /** Measured over predicted, by width: contexts grow and machines slow down after the grid was measured. */
  readonly #drift = new Map<number, number>();

  /** @param measured - A full grid: every width for every number of rows. At least one point. */
  constructor(measured: readonly StepCost[]) {
    this.#rows = [...new Set(measured.map(({ rows }) => rows))].sort((left, right) => left - right);
    this.#widths = [...new Set(measured.map(({ width }) => width))].sort((left, right) => left - right);
    for (const { rows, width, milliseconds } of measured) this.#milliseconds.set(`${rows}x${width}`, milliseconds);
  }

  /** Expected milliseconds of a pass. */
  estimate(rows: number, width: number): number {
    return this.#base(rows, width) * this.#driftOf(width);
  }

  /** Takes a pass that was measured while running. */
  record(rows: number, width: number, milliseconds: number): void {
    const ratio = milliseconds / this.#base(rows, width);
    const known = this.#drift.get(width) ?? 1;
    // One slow pass (a pause of the machine) must not count for more than a real change would.
    this.#drift.set(width, known + NEWEST * (Math.min(ratio, 3 * known) - known));
  }

  /** Widths that have not run yet drift like the nearest one that has. */
  #driftOf(width: number): number {
    return nearestValue(this.#drift, width) ?? 1;
  }

  #base(rows: number, width: number): number {
    return alongAxis(this.#rows, rows, (measuredRows) =>
      alongAxis(this.#widths, width, (measuredWidth) => this.#milliseconds.get(`${measuredRows}x${measuredWidth}`)!),
    );
  }
}

/** Linear interpolation of `valueAt` over ascending `points`; beyond them the nearest slope goes on, but never down. */
function alongAxis(points: readonly number[], at: number, valueAt: (point: number) => number): number {
  if (points.length === 1) return valueAt(points[0]!);
  const found = points.findIndex((point) => point >= at);
  const upper = found < 0 ? points.length - 1 : Math.max(1, found);
  const [from, to] = [points[upper - 1]!, points[upper]!];
  const [low, high] = [valueAt(from), valueAt(to)];
  const value = low + ((high - low) * (at - from)) / (to - from);
  return Math.max(at > to ? high : Math.min(low, high), value);
}

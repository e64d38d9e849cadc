import type { PassShape } from '../../contracts/profile.ts';
import { InvalidOptionError } from '../../errors.ts';
import { monotoneGrid } from '../../maths/monotone-grid.ts';

/** The median of a shape's timed passes. */
export interface SurfacePoint extends PassShape {
  readonly medianMs: number;
}

export const AXES = ['rows', 'newTokens', 'contextTokens'] as const;
export type Axis = (typeof AXES)[number];

interface Place {
  readonly index: number;
  /** Way to the next grid value, in [0, 1]. */
  readonly share: number;
}

/**
 * Milliseconds of a pass between measured points and beyond: linear along each axis within the grid, after a repair that
 * lets them fall nowhere. Beyond the grid they grow in proportion to the share of the time that grew with the axis at its end.
 */
export class PassSurface {
  readonly #axes: readonly (readonly number[])[];
  readonly #values: readonly number[];
  /** Share of the time at the end of each axis that is proportional to it. */
  readonly #elasticities: readonly number[];

  /** @param points - A full grid: every combination of the values of the three axes. @throws {InvalidOptionError} */
  constructor(points: readonly SurfacePoint[]) {
    if (points.length === 0) throw new InvalidOptionError('points', 'at least one', points);
    const found = new Map(points.map((point) => [keyOf(point), point.medianMs]));
    this.#axes = AXES.map((axis) => [...new Set(points.map((point) => point[axis]))].sort((left, right) => left - right));
    const [rows, newTokens, contextTokens] = this.#axes as [number[], number[], number[]];
    const grid = rows.flatMap((row) => newTokens.flatMap((width) => contextTokens.map((context) => ({ rows: row, newTokens: width, contextTokens: context }))));
    const missing = grid.find((shape) => !found.has(keyOf(shape)));
    if (missing)
      throw new InvalidOptionError('points', 'a full grid', `without ${keyOf(missing)}`, 'Every combination of rows, new tokens and context must be there.');
    this.#values = monotoneGrid(
      grid.map((shape) => found.get(keyOf(shape))!),
      this.#axes.map((axis) => axis.length),
    );
    this.#elasticities = this.#axes.map((_, axis) => this.#elasticity(axis));
  }

  /** Grid values of an axis, ascending. */
  axis(axis: Axis): readonly number[] {
    return this.#axes[AXES.indexOf(axis)]!;
  }

  at(shape: PassShape): number {
    const places = AXES.map((axis, index) => placeOf(this.#axes[index]!, shape[axis]));
    const beyond = AXES.map((axis, index) => {
      const end = this.#axes[index]!.at(-1)!;
      return shape[axis] <= end || end === 0 ? 1 : 1 + this.#elasticities[index]! * (shape[axis] / end - 1);
    });
    return this.#interpolate(places, 0, 0) * beyond.reduce((product, factor) => product * factor, 1);
  }

  #interpolate(places: readonly Place[], axis: number, offset: number): number {
    if (axis === places.length) return this.#values[offset]!;
    const { index, share } = places[axis]!;
    const start = offset * this.#axes[axis]!.length + index;
    const low = this.#interpolate(places, axis + 1, start);
    if (share === 0) return low;
    return low + share * (this.#interpolate(places, axis + 1, start + 1) - low);
  }

  /** The largest over all lines along the axis, in [0, 1]. Of an axis with one value: everything for work, nothing for context. */
  #elasticity(axis: number): number {
    const points = this.#axes[axis]!;
    if (points.length === 1) return AXES[axis] === 'contextTokens' ? 0 : 1;
    const [from, to] = points.slice(-2) as [number, number];
    const stride = this.#axes.slice(axis + 1).reduce((product, { length }) => product * length, 1);
    let largest = 0;
    for (let end = 0; end < this.#values.length; end++) {
      if (Math.floor(end / stride) % points.length !== points.length - 1) continue;
      const slope = (this.#values[end]! - this.#values[end - stride]!) / (to - from);
      largest = Math.max(largest, (slope * to) / this.#values[end]!);
    }
    return Math.min(1, largest);
  }
}

export function keyOf({ rows, newTokens, contextTokens }: PassShape): string {
  return `${rows} × ${newTokens} @ ${contextTokens}`;
}

function placeOf(points: readonly number[], at: number): Place {
  const above = points.findIndex((point) => point > at);
  if (above === 0) return { index: 0, share: 0 };
  if (above < 0) return { index: points.length - 1, share: 0 };
  const [low, high] = [points[above - 1]!, points[above]!];
  return { index: above - 1, share: (at - low) / (high - low) };
}

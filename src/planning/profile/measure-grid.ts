/**
 * Which points of a part to measure: a coarse grid first, then the middle of whichever interval is interpolated
 * worst, until all are good enough or the time is up.
 *
 * @module
 */
import type { Clock } from '../../contracts/clock.ts';
import type { PassShape } from '../../contracts/profile.ts';
import { quantile } from '../../maths/quantile.ts';
import { AXES, keyOf, PassSurface, type Axis } from './pass-surface.ts';

/** Grid values of each axis, ascending. */
export type Axes = Readonly<Record<Axis, readonly number[]>>;

/** Milliseconds of passes of each shape, `[shapes][1 or more]`; no repetition starts after `budgetMs`. */
export type MeasurePasses = (shapes: readonly PassShape[], budgetMs: number) => Promise<readonly (readonly number[])[]>;

export interface GridPlan {
  /** Where to start. */
  readonly axes: Axes;
  readonly budgetMs: number;
  /** Largest error of interpolation, as a natural logarithm of a ratio, that is left as it is. */
  readonly tolerance: number;
  readonly clock: Clock;
  /** Passes that one point costs, warming up included. */
  readonly passesPerPoint: number;
  /** Axes that get no further values. */
  readonly fixedAxes?: readonly Axis[];
  readonly onPoints: (count: number) => void;
}

export interface Timings {
  readonly shape: PassShape;
  readonly times: readonly number[];
}

/** A further value of an axis, and where it is tried before the whole of the grid gets it. */
interface Candidate {
  readonly axis: Axis;
  /** The interval it halves. */
  readonly low: number;
  readonly high: number;
  readonly axes: Axes;
  readonly probes: readonly PassShape[];
}

/** Share of the budget for the first grid; it may be slow. */
const FIRST_SHARE = 0.4;
/** A clock that stands still must not make a pass free. */
const LEAST_MS = 1e-3;

/** Measures a full grid. */
export async function measureGrid(measure: MeasurePasses, plan: GridPlan): Promise<Timings[]> {
  return new GridMeasurement(measure, plan).run();
}

class GridMeasurement {
  readonly #measure: MeasurePasses;
  readonly #plan: GridPlan;
  readonly #endsAt: number;
  readonly #timings = new Map<string, Timings>();
  #axes: Axes;

  constructor(measure: MeasurePasses, plan: GridPlan) {
    this.#measure = measure;
    this.#plan = plan;
    this.#axes = plan.axes;
    this.#endsAt = plan.clock.now() + plan.budgetMs;
  }

  async run(): Promise<Timings[]> {
    await this.#time(gridOf(this.#axes), FIRST_SHARE * this.#plan.budgetMs);
    for (;;) {
      const surface = this.#surface();
      const candidates = this.#affordable(this.#candidates(surface), surface);
      await this.#time(this.#untimed(candidates.flatMap(({ probes }) => probes)), this.#leftMs() / 2);
      const faults = candidates
        .map(({ axes, probes }) => ({ axes, excess: Math.max(...probes.map((shape) => this.#excess(shape, surface))) }))
        .filter(({ excess }) => excess > 0)
        .sort((left, right) => right.excess - left.excess);
      const worst = faults.find(({ axes }) => this.#expectedMs(this.#untimed(gridOf(axes)), surface) < this.#leftMs());
      if (!worst) break;
      await this.#time(this.#untimed(gridOf(worst.axes)), this.#leftMs());
      this.#axes = worst.axes;
    }
    return gridOf(this.#axes).map((shape) => this.#timings.get(keyOf(shape))!);
  }

  /** How much more interpolation is off at a shape than is tolerated, or than chance explains. */
  #excess(shape: PassShape, surface: PassSurface): number {
    const { times } = this.#timings.get(keyOf(shape))!;
    const chance = Math.log(quantile(times, 0.75) / quantile(times, 0.25)) / 2;
    return Math.abs(Math.log(this.#medianOf(shape) / surface.at(shape))) - Math.max(this.#plan.tolerance, chance);
  }

  /** The first candidates that can be tried in half of the time left. */
  #affordable(candidates: readonly Candidate[], surface: PassSurface): Candidate[] {
    let leftMs = this.#leftMs() / 2;
    return candidates.filter(({ probes }) => {
      leftMs -= this.#expectedMs(this.#untimed(probes), surface);
      return leftMs > 0;
    });
  }

  /** The middle of each interval of each axis, to be tried in some places of the other axes; where times rise most, first. */
  #candidates(surface: PassSurface): Candidate[] {
    const some = (values: readonly number[]): readonly number[] => [...new Set([values[0]!, values[Math.floor(values.length / 2)]!, values.at(-1)!])];
    const riseOf = ({ probes, axis, low, high }: Candidate): number =>
      Math.max(...probes.map((shape) => surface.at({ ...shape, [axis]: high }) / surface.at({ ...shape, [axis]: low })));
    return this.#intervals(some)
      .map((candidate) => ({ candidate, rise: riseOf(candidate) }))
      .sort((left, right) => right.rise - left.rise)
      .map(({ candidate }) => candidate);
  }

  #intervals(some: (values: readonly number[]) => readonly number[]): Candidate[] {
    return AXES.filter((axis) => !this.#plan.fixedAxes?.includes(axis)).flatMap((axis) =>
      this.#axes[axis].slice(1).flatMap((high, index) => {
        const low = this.#axes[axis][index]!;
        // Times change in proportion to work, so the middle is that of logarithms.
        const value = Math.round(Math.sqrt(Math.max(1, low) * high));
        if (value <= low || value >= high) return [];
        const places = Object.fromEntries(AXES.map((other) => [other, some(this.#axes[other])])) as unknown as Axes;
        return [{ axis, low, high, axes: this.#with(axis, value), probes: gridOf({ ...places, [axis]: [value] }) }];
      }),
    );
  }

  #with(axis: Axis, value: number): Axes {
    return { ...this.#axes, [axis]: [...this.#axes[axis], value].sort((left, right) => left - right) };
  }

  #untimed(shapes: readonly PassShape[]): PassShape[] {
    const untimed = shapes.filter((shape) => !this.#timings.has(keyOf(shape)));
    return [...new Map(untimed.map((shape) => [keyOf(shape), shape])).values()];
  }

  #surface(): PassSurface {
    return new PassSurface(gridOf(this.#axes).map((shape) => ({ ...shape, medianMs: this.#medianOf(shape) })));
  }

  #medianOf(shape: PassShape): number {
    return quantile(this.#timings.get(keyOf(shape))!.times, 0.5);
  }

  #leftMs(): number {
    return this.#endsAt - this.#plan.clock.now();
  }

  #expectedMs(shapes: readonly PassShape[], surface: PassSurface): number {
    return shapes.reduce((sum, shape) => sum + surface.at(shape), 0) * this.#plan.passesPerPoint;
  }

  async #time(shapes: readonly PassShape[], budgetMs: number): Promise<void> {
    if (shapes.length === 0) return;
    const times = await this.#measure(shapes, budgetMs);
    for (const [index, shape] of shapes.entries()) {
      this.#timings.set(keyOf(shape), { shape, times: times[index]!.map((milliseconds) => Math.max(LEAST_MS, milliseconds)) });
    }
    this.#plan.onPoints(this.#timings.size);
  }
}

function gridOf({ rows, newTokens, contextTokens }: Axes): PassShape[] {
  return rows.flatMap((row) => newTokens.flatMap((width) => contextTokens.map((context) => ({ rows: row, newTokens: width, contextTokens: context }))));
}

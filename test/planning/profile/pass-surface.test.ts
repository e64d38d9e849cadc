import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PassShape } from '../../../src/contracts/profile.ts';
import { InvalidOptionError } from '../../../src/errors.ts';
import { AXES, PassSurface, type SurfacePoint } from '../../../src/planning/profile/pass-surface.ts';

const axisOf = (least: number, most: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 4 }).map((values) => values.sort((left, right) => left - right));

function gridOf(
  rows: readonly number[],
  widths: readonly number[],
  contexts: readonly number[],
  msOf: (shape: PassShape, index: number) => number,
): SurfacePoint[] {
  const shapes = rows.flatMap((row) => widths.flatMap((newTokens) => contexts.map((contextTokens) => ({ rows: row, newTokens, contextTokens }))));
  return shapes.map((shape, index) => ({ ...shape, medianMs: msOf(shape, index) }));
}

const noisyGrids = fc
  .tuple(axisOf(1, 64), axisOf(1, 16), axisOf(0, 2000), fc.array(fc.double({ min: 0.01, max: 1000, noNaN: true }), { minLength: 64, maxLength: 64 }))
  .map(([rows, widths, contexts, times]) => gridOf(rows, widths, contexts, (_, index) => times[index]!));

const shapes = fc.record({
  rows: fc.double({ min: 1, max: 300, noNaN: true }),
  newTokens: fc.double({ min: 1, max: 100, noNaN: true }),
  contextTokens: fc.double({ min: 0, max: 20_000, noNaN: true }),
});

describe('a surface', () => {
  test('never falls, and is finite, on the grid and beyond, whatever was measured', () => {
    fc.assert(
      fc.property(noisyGrids, shapes, fc.constantFrom(...AXES), fc.double({ min: 1, max: 4, noNaN: true }), (points, shape, axis, factor) => {
        const surface = new PassSurface(points);
        const less = surface.at(shape);
        const more = surface.at({ ...shape, [axis]: shape[axis] * factor });
        expect(Number.isFinite(less) && less > 0).toBe(true);
        expect(more).toBeGreaterThanOrEqual(less * (1 - 1e-12));
      }),
      { numRuns: 500 },
    );
  });

  test('passes through measured points that do not fall', () => {
    const points = gridOf([1, 4, 16], [1, 5], [10, 500], ({ rows, newTokens, contextTokens }) => 1 + rows * newTokens + rows * contextTokens * 0.001);
    const surface = new PassSurface(points);
    for (const point of points) expect(surface.at(point)).toBeCloseTo(point.medianMs, 12);
  });

  test('is exact between points where time is linear in each axis', () => {
    const msOf = ({ rows, newTokens, contextTokens }: PassShape): number => 1 + 0.3 * rows + 0.1 * rows * newTokens + 0.002 * rows * contextTokens;
    const surface = new PassSurface(gridOf([1, 16], [1, 9], [0, 500], msOf));
    const shape = { rows: 5.5, newTokens: 3, contextTokens: 120 };
    expect(surface.at(shape)).toBeCloseTo(msOf(shape), 12);
  });

  test('goes on beyond the grid as it ended: flat, in proportion, or between', () => {
    const beyond = (msOf: (rows: number) => number): number =>
      new PassSurface(gridOf([1, 8, 16], [1], [10], ({ rows }) => msOf(rows))).at({ rows: 48, newTokens: 1, contextTokens: 10 });
    expect(beyond(() => 7)).toBeCloseTo(7);
    expect(beyond((rows) => 2 * rows)).toBeCloseTo(96);
    expect(beyond((rows) => 5 + rows)).toBeCloseTo(53);
  });

  test('takes passes wider than any measured to be as dear as their work, where one width is all it has', () => {
    const surface = new PassSurface(gridOf([1, 2], [1], [10], ({ rows }) => rows));
    expect(surface.at({ rows: 2, newTokens: 5, contextTokens: 10 })).toBeCloseTo(10);
    expect(surface.at({ rows: 2, newTokens: 1, contextTokens: 5000 })).toBeCloseTo(2);
  });

  test('refuses a grid with a hole, and none at all', () => {
    const points = gridOf([1, 2], [1, 2], [10], () => 1);
    expect(() => new PassSurface(points.slice(1))).toThrow(InvalidOptionError);
    expect(() => new PassSurface(points.slice(1))).toThrow(/1 × 1 @ 10/);
    expect(() => new PassSurface([])).toThrow(/`points`/);
  });
});

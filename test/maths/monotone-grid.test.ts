import fc from 'fast-check';
import { expect, test } from 'vitest';
import { monotoneGrid } from '../../src/maths/monotone-grid.ts';

const grids = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 })).chain((sizes) => {
  const length = sizes.reduce((product, size) => product * size, 1);
  return fc.tuple(fc.constant(sizes as readonly number[]), fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: length, maxLength: length }));
});

/** Largest fall between neighbours, 0 or below where there is none. */
function largestFall(values: readonly number[], [, middle, last]: readonly number[]): number {
  const strides = [middle! * last!, last!, 1];
  const sizes = [values.length / strides[0]!, middle!, last!];
  let fall = -Infinity;
  for (const [axis, stride] of strides.entries()) {
    values.forEach((value, index) => {
      if (Math.floor(index / stride) % sizes[axis]! > 0) fall = Math.max(fall, values[index - stride]! - value);
    });
  }
  return fall;
}

test('nothing falls along any axis', () => {
  fc.assert(
    fc.property(grids, ([sizes, values]) => {
      expect(largestFall(monotoneGrid(values, sizes), sizes)).toBeLessThanOrEqual(1e-12);
    }),
  );
});

test('what does not fall stays as it is, and a repair repairs once', () => {
  fc.assert(
    fc.property(grids, ([sizes, values]) => {
      const repaired = monotoneGrid(values, sizes);
      expect(monotoneGrid(repaired, sizes)).toEqual(repaired);
    }),
  );
  expect(monotoneGrid([1, 2, 2, 5], [2, 2])).toEqual([1, 2, 2, 5]);
});

test('the largest change is the least that any repair needs', () => {
  // From 4 down to 1: both ends have to move by a factor of 2 at least.
  expect(monotoneGrid([4, 2, 1], [3])).toEqual([2, 2, 2]);
  fc.assert(
    fc.property(grids, ([sizes, values]) => {
      const change = Math.max(...monotoneGrid(values, sizes).map((value, index) => Math.abs(Math.log(value / values[index]!))));
      const needed = Math.max(0, ...fallsOf(values, sizes)) / 2;
      expect(change).toBeCloseTo(needed, 9);
    }),
  );
});

/** Logarithms of all ratios between a point and one at or behind it on every axis that is smaller. */
function fallsOf(values: readonly number[], sizes: readonly number[]): number[] {
  const placeOf = (index: number): number[] => [Math.floor(index / (sizes[1]! * sizes[2]!)), Math.floor(index / sizes[2]!) % sizes[1]!, index % sizes[2]!];
  return values.flatMap((early, from) =>
    values.flatMap((late, to) => (placeOf(from).every((place, axis) => place <= placeOf(to)[axis]!) && early > late ? [Math.log(early / late)] : [])),
  );
}

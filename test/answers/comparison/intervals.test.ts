import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Effort } from '../../../src/answers/algebra/effort.ts';
import { integerOf, symbolOf } from '../../../src/answers/algebra/expression.ts';
import { realValue } from '../../../src/answers/algebra/same-value.ts';
import { HIGHEST, type Interval, intersection, LOWEST, REALS, union, withoutPoints } from '../../../src/answers/comparison/intervals.ts';

const effort = (): Effort => new Effort(100_000);
const interval = fc.tuple(fc.nat(8), fc.nat(8), fc.boolean(), fc.boolean()).map(([low, high, isLowClosed, isHighClosed]): Interval => ({
  low: { value: integerOf(low), isClosed: isLowClosed },
  high: { value: integerOf(high), isClosed: isHighClosed },
}));
const intervals = fc.array(interval, { maxLength: 5 });

/** Whether a number lies in a union, worked out number by number. */
function holds(parts: readonly Interval[], point: number): boolean {
  return parts.some(({ low, high }) => {
    const [from, to] = [realValue(low.value, effort()) ?? -Infinity, realValue(high.value, effort()) ?? Infinity];
    return (from < point || (low.isClosed && from === point)) && (point < to || (high.isClosed && to === point));
  });
}

/** The ends and what lies between them. */
const POINTS = Array.from({ length: 21 }, (_, index) => index / 2 - 1);

describe('union', () => {
  test('holds the same numbers, in disjoint intervals in order', () => {
    fc.assert(
      fc.property(intervals, (parts) => {
        const merged = union(parts, effort());
        for (const point of POINTS) expect(holds(merged, point)).toBe(holds(parts, point));
        for (const [index, part] of merged.entries())
          for (const other of merged.slice(index + 1)) for (const point of POINTS) expect(holds([part], point) && holds([other], point)).toBe(false);
      }),
    );
  });

  test('leaves out intervals that hold nothing', () => {
    const end = (value: number, isClosed: boolean): Interval['low'] => ({ value: integerOf(value), isClosed });
    const empty = [
      { low: end(3, true), high: end(3, false) },
      { low: end(4, true), high: end(2, true) },
    ];
    const point = { low: end(5, true), high: end(5, true) };
    expect(union([...empty, point], effort())).toEqual([point]);
  });

  test('does not depend on the order', () => {
    fc.assert(
      fc.property(
        intervals.chain((parts) => fc.tuple(fc.constant(parts), fc.shuffledSubarray(parts, { minLength: parts.length }))),
        ([parts, shuffled]) => {
          expect(union(shuffled, effort())).toEqual(union(parts, effort()));
        },
      ),
    );
  });

  test('leaves intervals with unknown ends as they are', () => {
    const unknown: Interval = { low: { value: symbolOf('a'), isClosed: true }, high: HIGHEST };
    expect(union([unknown, ...REALS], effort())).toEqual([unknown, ...REALS]);
  });
});

describe('intersection', () => {
  test('holds the numbers that both hold', () => {
    fc.assert(
      fc.property(intervals, intervals, (left, right) => {
        const common = intersection(left, right, effort())!;
        for (const point of POINTS) expect(holds(common, point)).toBe(holds(left, point) && holds(right, point));
      }),
    );
  });

  test('is unknown where ends are', () => {
    expect(intersection([{ low: { value: symbolOf('a'), isClosed: true }, high: HIGHEST }], REALS, effort())).toBeUndefined();
  });
});

describe('withoutPoints', () => {
  test('cuts the reals at points', () => {
    const parts = withoutPoints(REALS, [integerOf(2), integerOf(1)], effort())!;
    expect(parts).toHaveLength(3);
    expect(parts[0]!.low).toBe(LOWEST);
    expect([0, 1, 1.5, 2, 3].map((point) => holds(parts, point))).toEqual([true, false, true, false, true]);
  });
});

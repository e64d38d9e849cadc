/** Unions of intervals with constant or symbolic ends. */
import type { Effort } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import { realValue } from '../algebra/same-value.ts';

export interface End {
  readonly value: Expression;
  readonly isClosed: boolean;
}

export interface Interval {
  readonly low: End;
  readonly high: End;
}

const INFINITY = expressions.symbolOf('infinity');
export const HIGHEST: End = { value: INFINITY, isClosed: false };
export const LOWEST: End = { value: expressions.negated(INFINITY), isClosed: false };
export const REALS: readonly Interval[] = [{ low: LOWEST, high: HIGHEST }];

export function pointOf(value: Expression): Interval {
  return { low: { value, isClosed: true }, high: { value, isClosed: true } };
}

/** Disjoint intervals in order, where the ends are constants; else what was given. */
export function union(intervals: readonly Interval[], effort: Effort): readonly Interval[] {
  const placed = place(intervals, effort);
  if (!placed) return intervals;
  const merged: Placed[] = [];
  for (const next of placed.filter(({ low, high, interval }) => low < high || (low === high && isClosed(interval))).sort(byLow)) {
    const last = merged.at(-1);
    const touches = last && (next.low < last.high || (next.low === last.high && (next.interval.low.isClosed || last.interval.high.isClosed)));
    if (touches) merged[merged.length - 1] = joined(last, next);
    else merged.push(next);
  }
  return merged.map(({ interval }) => interval);
}

/** @returns `undefined` where the order of the ends is unknown. */
export function intersection(left: readonly Interval[], right: readonly Interval[], effort: Effort): readonly Interval[] | undefined {
  const [first, second] = [place(left, effort), place(right, effort)];
  if (!first || !second) return undefined;
  const overlaps = first.flatMap((one) => second.map((other) => ({ low: higherLow(one, other), high: lowerHigh(one, other) })));
  return union(overlaps, effort);
}

/** The reals without some points. @returns `undefined` where the order of the points is unknown. */
export function withoutPoints(intervals: readonly Interval[], points: readonly Expression[], effort: Effort): readonly Interval[] | undefined {
  return points.reduce<readonly Interval[] | undefined>((rest, point) => {
    const end: End = { value: point, isClosed: false };
    return (
      rest &&
      intersection(
        rest,
        [
          { low: LOWEST, high: end },
          { low: end, high: HIGHEST },
        ],
        effort,
      )
    );
  }, intervals);
}

interface Placed {
  readonly low: number;
  readonly high: number;
  readonly interval: Interval;
}

const byLow = (left: Placed, right: Placed): number => left.low - right.low || Number(right.interval.low.isClosed) - Number(left.interval.low.isClosed);
const isClosed = ({ low, high }: Interval): boolean => low.isClosed && high.isClosed;

function place(intervals: readonly Interval[], effort: Effort): Placed[] | undefined {
  const placed = intervals.map((interval) => ({ low: position(interval.low.value, effort), high: position(interval.high.value, effort), interval }));
  return placed.every(({ low, high }) => low !== undefined && high !== undefined) ? (placed as Placed[]) : undefined;
}

function position(end: Expression, effort: Effort): number | undefined {
  const isInfinite = expressions.contains(end, (part) => part.kind === 'symbol' && part.name === 'infinity');
  if (!isInfinite) return realValue(end, effort);
  return end.kind === 'symbol' ? Infinity : -Infinity;
}

function joined(left: Placed, right: Placed): Placed {
  const isRightHigher = right.high > left.high || (right.high === left.high && right.interval.high.isClosed);
  const high = isRightHigher ? right : left;
  return { low: left.low, high: high.high, interval: { low: left.interval.low, high: high.interval.high } };
}

function higherLow(one: Placed, other: Placed): End {
  if (one.low === other.low) return one.interval.low.isClosed ? other.interval.low : one.interval.low;
  return one.low > other.low ? one.interval.low : other.interval.low;
}

function lowerHigh(one: Placed, other: Placed): End {
  if (one.high === other.high) return one.interval.high.isClosed ? other.interval.high : one.interval.high;
  return one.high < other.high ? one.interval.high : other.interval.high;
}

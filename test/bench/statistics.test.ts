import { expect, test } from 'vitest';
import { ratioOfMedians, spreadOf } from '../../bench/support/statistics.ts';

test('spreadOf gives the middle and the extremes', () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
});

test('ratioOfMedians divides the medians', () => {
  expect(ratioOfMedians([2, 4, 90], [1, 2, 3]).ratio).toBe(2);
});

test('ratioOfMedians is certain where each pair has the same ratio, however the machine sped up and slowed down', () => {
  const slow = [10, 40, 20, 80, 30];
  const { ratio, low, high } = ratioOfMedians(
    slow.map((value) => 3 * value),
    slow,
  );
  expect([ratio, low, high]).toEqual([3, 3, 3]);
});

test('ratioOfMedians has an interval around the ratio where pairs differ', () => {
  const { ratio, low, high } = ratioOfMedians([3, 5, 4, 6, 2, 4, 5], [2, 2, 2, 2, 2, 2, 2]);
  expect(low).toBeLessThan(ratio);
  expect(high).toBeGreaterThan(ratio);
  expect(low).toBeGreaterThanOrEqual(1);
  expect(high).toBeLessThanOrEqual(3);
});

test('ratioOfMedians gives the same interval each time', () => {
  const pairs: [number[], number[]] = [
    [3, 5, 4, 6, 2],
    [1, 2, 3, 2, 1],
  ];
  expect(ratioOfMedians(...pairs)).toEqual(ratioOfMedians(...pairs));
});

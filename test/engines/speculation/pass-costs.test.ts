import { describe, expect, test } from 'vitest';
import { PassCosts } from '../../../src/engines/speculation/pass-costs.ts';
import { randomSequence } from '../../../src/maths/random.ts';

function learnt(widths: readonly number[], passMs: (positions: number) => number, passes = 30): PassCosts {
  const costs = new PassCosts();
  for (let pass = 0; pass < passes; pass++) for (const positions of widths) costs.record(positions, passMs(positions));
  return costs;
}

describe('PassCosts', () => {
  test('knows nothing before a pass was timed, and takes a wider pass to cost in proportion while one width is known', () => {
    const costs = new PassCosts();
    expect(costs.estimate(4)).toBeUndefined();
    costs.record(4, 20);
    expect(costs.estimate(4)).toBeCloseTo(20);
    expect(costs.estimate(12)).toBeCloseTo(60);
  });

  test.each([
    ['a line', (positions: number) => 20 + 1.5 * positions],
    ['a cliff after one token', (positions: number) => (positions === 1 ? 2 : 6 + 0.4 * positions)],
    ['nothing but arithmetic', (positions: number) => 5 * positions],
  ])('learns %s where it was timed', (_, passMs) => {
    const costs = learnt([1, 2, 4, 8, 24], passMs);
    for (const positions of [1, 2, 4, 8, 24]) expect(costs.estimate(positions)! / passMs(positions)).toBeCloseTo(1, 1);
  });

  test('goes on along the line between and beyond what was timed', () => {
    const costs = learnt([1, 9], (positions) => 20 + 2 * positions);
    expect(costs.estimate(5)).toBeCloseTo(30, 0);
    expect(costs.estimate(30)).toBeCloseTo(80, 0);
  });

  test('a pause of the machine changes little', () => {
    const costs = learnt([1, 9], (positions) => 20 + 2 * positions);
    costs.record(9, 10_000);
    expect(costs.estimate(9)! / 38).toBeLessThan(1.1);
  });

  test('the first pass of a width does not count if the next ones are faster', () => {
    const costs = learnt([8], () => 40);
    costs.record(16, 900);
    costs.record(16, 50);
    expect(costs.estimate(16)!).toBeLessThan(60);
  });

  test('widths that are not in use follow a machine that slows down', () => {
    const random = randomSequence(3);
    const passMs = (positions: number): number => (20 + 2 * positions) * (0.9 + 0.2 * random());
    const costs = learnt([1, 9], passMs);
    for (let pass = 0; pass < 200; pass++) costs.record(1, 1.5 * passMs(1));
    expect(costs.estimate(9)! / (1.5 * 38)).toBeGreaterThan(0.85);
    expect(costs.estimate(9)! / (1.5 * 38)).toBeLessThan(1.15);
  });

  test('a clock that does not move makes no pass free', () => {
    const costs = learnt([1, 2], () => 0);
    expect(costs.estimate(2)).toBeGreaterThan(0);
  });
});

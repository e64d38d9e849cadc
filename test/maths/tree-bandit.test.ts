import { describe, expect, test } from 'vitest';
import { puctCoefficient, puctScore, uctScore } from '../../src/maths/tree-bandit.ts';

describe('uctScore', () => {
  test('is the mean value and a bonus that falls with visits and grows with those of the parent', () => {
    expect(uctScore({ meanValue: 0.5, visits: 4, parentVisits: 10 }, 1)).toBeCloseTo(0.5 + Math.sqrt(Math.log(10) / 4), 12);
    expect(uctScore({ meanValue: 0.5, visits: 4, parentVisits: 10 }, 0)).toBe(0.5);
    expect(uctScore({ meanValue: 0.5, visits: 1, parentVisits: 1 }, 2)).toBe(0.5);
  });

  test('puts what was never visited first', () => {
    expect(uctScore({ meanValue: 0, visits: 0, parentVisits: 1 }, 0.1)).toBe(Infinity);
  });
});

describe('puctScore', () => {
  test('weighs the bonus by the prior', () => {
    expect(puctScore({ meanValue: 0.5, visits: 3, parentVisits: 16 }, 0.25, 2)).toBe(0.5 + (0.25 * 2 * 4) / 4);
    expect(puctScore({ meanValue: 0, visits: 0, parentVisits: 9 }, 0.5, 1)).toBe(1.5);
  });

  test('takes the published coefficient', () => {
    expect(puctCoefficient(100)).toBeCloseTo(1.25513, 5);
  });
});

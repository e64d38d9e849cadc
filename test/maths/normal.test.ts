import { describe, expect, test } from 'vitest';
import { normalCdf, normalQuantile } from '../../src/maths/normal.ts';

// Tables of the standard normal distribution.
const VALUES = [
  [0.5, 0],
  [0.841344746, 1],
  [0.9, 1.281551566],
  [0.975, 1.959963985],
  [0.99, 2.326347874],
  [0.999, 3.090232306],
] as const;

describe('the standard normal distribution', () => {
  test.each(VALUES)('%f of it is below %f', (probability, value) => {
    expect(normalCdf(value)).toBeCloseTo(probability, 6);
    expect(normalCdf(-value)).toBeCloseTo(1 - probability, 6);
    expect(normalQuantile(probability)).toBeCloseTo(value, 6);
    expect(normalQuantile(1 - probability)).toBeCloseTo(-value, 6);
  });

  test('has no end', () => {
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
    expect([normalCdf(-40), normalCdf(40)]).toEqual([0, 1]);
  });
});

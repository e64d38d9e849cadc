import { expect, test } from 'vitest';
import { nelderMead } from '../../src/maths/nelder-mead.ts';

test('finds the bottom of a curved valley', () => {
  // Rosenbrock 1960.
  const [x, y] = nelderMead(([x, y]) => (1 - x!) ** 2 + 100 * (y! - x! ** 2) ** 2, [-1.2, 1]);
  expect(x).toBeCloseTo(1, 4);
  expect(y).toBeCloseTo(1, 4);
});

test('copes with a corner, and with variables without effect', () => {
  const [x, , z] = nelderMead(([x, , z]) => Math.max(3 - x!, x! - 3) + Math.abs(z! + x! - 5), [0, 0.7, 0]);
  expect(x).toBeCloseTo(3, 4);
  expect(z).toBeCloseTo(2, 4);
});

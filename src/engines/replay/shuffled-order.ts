import { randomAt } from '../../maths/random.ts';

/** The numbers below `count` in an order that the seed fixes (Fisher–Yates). */
export function shuffledOrder(count: number, seed: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(randomAt(seed, last, 0) * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/**
 * Which child of a node a tree search looks at next: the value it has shown so far, and a bonus for what was seldom visited.
 *
 * @module
 */

/** What a search knows of a child. */
export interface ChildStatistics {
  /** Mean of the values found below it; taken as 0 while it has no visit. */
  readonly meanValue: number;
  readonly visits: number;
  /** Visits of its parent. */
  readonly parentVisits: number;
}

/**
 * Upper confidence bound for trees (Kocsis and Szepesvári 2006): mean value + exploration · √(ln N / n). A child without a
 * visit comes before all others.
 *
 * @param exploration - Weight of the bonus, for values in [0, 1].
 */
export function uctScore({ meanValue, visits, parentVisits }: ChildStatistics, exploration: number): number {
  if (visits === 0) return Infinity;
  return meanValue + exploration * Math.sqrt(Math.log(Math.max(1, parentVisits)) / visits);
}

/**
 * Predictor and upper confidence bound (Rosin 2011; in the form of AlphaZero, Silver et al. 2017, arXiv:1712.01815):
 * mean value + prior · coefficient · √N / (1 + n).
 *
 * @param prior - Probability the policy gives to the child among its siblings.
 * @param coefficient - `puctCoefficient`, or a constant.
 */
export function puctScore({ meanValue, visits, parentVisits }: ChildStatistics, prior: number, coefficient: number): number {
  return meanValue + (prior * coefficient * Math.sqrt(parentVisits)) / (1 + visits);
}

/** AlphaZero's weight of exploration, which grows slowly with the visits of the parent (Silver et al. 2018, Science 362). */
export function puctCoefficient(parentVisits: number, base = 19_652, start = 1.25): number {
  return Math.log((parentVisits + base + 1) / base) + start;
}

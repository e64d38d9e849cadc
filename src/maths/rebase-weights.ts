/**
 * How many continuations each node of a search tree gets, by its score: the balanced expansion of REBASE
 * (Wu et al. 2024, arXiv:2408.00724).
 *
 * @module
 */
import { requireNumber, requireWholeNumber } from '../options.ts';

/** Below this a share is rounding, not a continuation: 12 · (1/3) must be 4, not 5. */
const ROUNDING = 1e-9;

/**
 * Hands out `width` continuations in descending order of score: each node takes the ceiling of its share, by softmax, of
 * what is left. Equal scores are served in order. The widths sum to `width` wherever there is a node.
 *
 * @param scores - Of each node. Finite.
 * @param width - Continuations to hand out. Whole number ≥ 0.
 * @param temperature - Of the softmax; the lower, the more goes to the best. Above 0. The paper's is 0.2.
 * @returns one width a node, `[scores.length]`.
 * @throws {InvalidOptionError}
 */
export function rebaseWidths(scores: readonly number[], width: number, temperature = 0.2): number[] {
  requireWholeNumber('width', width);
  requireNumber('temperature', temperature, Number.MIN_VALUE);
  const order = scores.map((_, index) => index).sort((left, right) => scores[right]! - scores[left]! || left - right);
  const best = scores[order[0]!] ?? 0;
  const weights = order.map((index) => Math.exp((scores[index]! - best) / temperature));
  // Summed from the smallest up: subtracting from the total would leave rounding where nothing should be.
  const owed = new Float64Array(weights.length + 1);
  for (let rank = weights.length - 1; rank >= 0; rank--) owed[rank] = owed[rank + 1]! + weights[rank]!;
  const widths = scores.map(() => 0);
  let left = width;
  for (const [rank, index] of order.entries()) {
    if (left === 0) break;
    const isLast = owed[rank + 1] === 0;
    const share = isLast ? left : Math.ceil((left * weights[rank]!) / owed[rank]! - ROUNDING);
    widths[index] = Math.min(left, share);
    left -= widths[index]!;
  }
  return widths;
}

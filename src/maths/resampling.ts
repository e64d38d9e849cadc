/**
 * Resampling of weighted particles (sequential Monte Carlo; for language models: Puri et al. 2025, arXiv:2502.01618).
 * The schemes and their variance: Douc, Cappé and Moulines 2005, arXiv:cs/0507025.
 *
 * @module
 */
import { requireNumber, requireWholeNumber } from '../options.ts';
import type { RandomSource } from './random.ts';

/** Scores are kept this far from 0 and 1, where the logit has no value. */
const CLIP = 1e-7;

/**
 * Weights of particles by their scores: the softmax of the logits of the scores.
 *
 * @param scores - Probabilities in [0, 1].
 * @param temperature - Above 0; the higher, the more equal. @default 1
 * @returns weights that sum to 1, `[scores.length]`.
 * @throws {InvalidOptionError}
 */
export function particleWeights(scores: readonly number[], temperature = 1): number[] {
  requireNumber('temperature', temperature, Number.MIN_VALUE);
  const logits = scores.map((score) => {
    const clipped = Math.min(1 - CLIP, Math.max(CLIP, score));
    return Math.log(clipped / (1 - clipped)) / temperature;
  });
  const largest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** How many equally weighted particles these are worth: (Σw)² / Σw², from 1 to their number; 0 without any weight. */
export function effectiveSampleSize(weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const squares = weights.reduce((sum, weight) => sum + weight * weight, 0);
  return squares > 0 ? (total * total) / squares : 0;
}

/**
 * How often each particle is drawn in `count` independent draws.
 *
 * @param weights - Not negative, not all zero; need not sum to 1.
 * @param random - Used `count` times.
 * @returns counts that sum to `count`, `[weights.length]`.
 * @throws {InvalidOptionError}
 */
export function multinomialCounts(weights: readonly number[], count: number, random: RandomSource): number[] {
  requireWholeNumber('count', count);
  const cumulative = cumulativeShares(weights);
  const counts = weights.map(() => 0);
  for (let draw = 0; draw < count; draw++) {
    const point = random();
    counts[cumulative.findIndex((share) => point < share)]!++;
  }
  return counts;
}

/**
 * How often each particle is drawn by evenly spaced points: within 1 of `count` times its share of the weight.
 *
 * @param weights - Not negative, not all zero; need not sum to 1.
 * @param offset - Of the first point, as a share of the spacing. In [0, 1).
 * @returns counts that sum to `count`, `[weights.length]`.
 * @throws {InvalidOptionError}
 */
export function systematicCounts(weights: readonly number[], count: number, offset: number): number[] {
  requireWholeNumber('count', count);
  requireNumber('offset', offset, 0, 1 - Number.EPSILON / 2);
  let before = 0;
  return cumulativeShares(weights).map((share) => {
    // Points lie at offset, offset + 1, … on a scale of `count`; this many lie below the share.
    const below = Math.max(0, Math.ceil(share * count - offset));
    const own = below - before;
    before = below;
    return own;
  });
}

/** @returns ascending, exactly 1 from the last particle with weight on. */
function cumulativeShares(weights: readonly number[]): number[] {
  weights.forEach((weight, index) => requireNumber(`weights[${index}]`, weight, 0));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  requireNumber('sum of weights', total, Number.MIN_VALUE);
  let sum = 0;
  return weights.map((weight) => (sum += weight) / total);
}

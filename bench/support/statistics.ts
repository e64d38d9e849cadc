import { max, median, min, quantile, sampleWithReplacement } from 'simple-statistics';
import { randomSequence } from '../../src/maths/random.ts';

/** The middle of repeated measurements and their extremes. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A ratio of two medians and its 95 % interval. */
export interface Ratio {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;

export function spreadOf(values: readonly number[]): Spread {
  return { median: median([...values]), min: min([...values]), max: max([...values]) };
}

/**
 * Ratio of the medians of measurements made in pairs, with the percentile interval of a bootstrap that draws whole
 * pairs (Efron 1979), so that what slowed down both sides of a round cancels.
 */
export function ratioOfMedians(numerators: readonly number[], denominators: readonly number[]): Ratio {
  const rounds = numerators.map((_, round) => round);
  const ratioOver = (chosen: readonly number[]): number =>
    median(chosen.map((round) => numerators[round]!)) / median(chosen.map((round) => denominators[round]!));
  const random = randomSequence(1);
  const ratios = Array.from({ length: RESAMPLES }, () => ratioOver(sampleWithReplacement(rounds, rounds.length, random)));
  return { ratio: ratioOver(rounds), low: quantile(ratios, 0.025), high: quantile(ratios, 0.975) };
}

/** `1.23 (1.10–1.31)` */
export function formatRatio({ ratio, low, high }: Ratio): string {
  return `${ratio.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

export function roundTo(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

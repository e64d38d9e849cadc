/**
 * What counts of votes say about the answer a model gives most often.
 *
 * Beta and Dirichlet posteriors: adaptive consistency (Aggarwal et al. 2023, arXiv:2305.11860), here in closed form and as a
 * one-dimensional integral in place of random draws. Mixture e-process: Ville's inequality on the Beta-mixture likelihood
 * ratio (Robbins 1970; Ramdas et al. 2023, arXiv:2210.01948). Window unanimity: early-stopping self-consistency (Li et al.
 * 2024, arXiv:2401.10480).
 *
 * @module
 */
import { requireNumber, requireWholeNumber } from '../options.ts';

/**
 * Probability that of two answers the one seen `leader` times is the likelier one, from a uniform prior:
 * 1 − I½(leader + 1, rival + 1).
 *
 * @param leader - Whole number ≥ 0. @param rival - Whole number ≥ 0.
 */
export function betaPosterior(leader: number, rival: number): number {
  requireWholeNumber('leader', leader);
  requireWholeNumber('rival', rival);
  const tosses = leader + rival + 1;
  // The chance of at most `leader` heads. In logarithms, since coefficients of many tosses leave the range of a double.
  let logTerm = -tosses * Math.LN2;
  let sum = Math.exp(logTerm);
  for (let heads = 1; heads <= leader; heads++) {
    logTerm += Math.log(tosses - heads + 1) - Math.log(heads);
    sum += Math.exp(logTerm);
  }
  return Math.min(1, sum);
}

/**
 * Evidence that of two answers the one seen `leader` times is the likelier one: the likelihood of the counts under a uniform
 * mixture over shares above ½, divided by that under ½. While it is no likelier, the chance that the evidence ever reaches
 * 1/alpha, however long one looks, is at most alpha.
 *
 * @param leader - Whole number ≥ 0. @param rival - Whole number ≥ 0.
 */
export function mixtureEvidence(leader: number, rival: number): number {
  const posterior = betaPosterior(leader, rival);
  const total = leader + rival;
  let logBeta = -Math.log(total + 1);
  for (let index = 1; index <= rival; index++) logBeta += Math.log(index) - Math.log(total - rival + index);
  return Math.exp((total + 1) * Math.LN2 + logBeta) * posterior;
}

/** Intervals of Simpson's rule; even. Twenty-four standard deviations of the leader's Gamma in 512 steps err by less than 1e-7. */
const INTERVALS = 512;

/**
 * Probability that the first of several answers is the likeliest, from a uniform prior over their shares: under a Dirichlet
 * with counts + 1, ∫ g(x; c₁ + 1) ∏ G(x; cⱼ + 1) dx with the density g and the distribution function G of Gamma variables.
 * Deterministic, exact up to quadrature. With two counts it is `betaPosterior`.
 *
 * @param counts - Whole numbers ≥ 0, at least one; the first is the leader's.
 */
export function dirichletPosterior(counts: readonly number[]): number {
  for (const count of counts) requireWholeNumber('counts', count);
  const [leader = 0, ...rivals] = counts;
  const spread = 12 * Math.sqrt(leader + 1) + 20;
  const start = Math.max(0, leader - spread);
  const step = (leader + spread - start) / INTERVALS;
  const logFactorial = logFactorials(Math.max(...counts));
  let sum = 0;
  for (let index = 0; index <= INTERVALS; index++) {
    const x = start + index * step;
    if (x === 0) continue; // The density vanishes there, unless nobody has voted for the leader: one point of 512.
    const weight = index === INTERVALS ? 1 : index % 2 === 0 ? 2 : 4;
    const density = Math.exp(leader * Math.log(x) - x - logFactorial[leader]!);
    sum += weight * rivals.reduce((product, rival) => product * gammaDistribution(x, rival, logFactorial), density);
  }
  return Math.min(1, (sum * step) / 3);
}

/** Chance that a Gamma variable of shape `count` + 1 is at most x: 1 − e⁻ˣ Σ xⁱ/i! up to `count`. */
function gammaDistribution(x: number, count: number, logFactorial: readonly number[]): number {
  let above = 0;
  for (let index = 0; index <= count; index++) above += Math.exp(index * Math.log(x) - x - logFactorial[index]!);
  return Math.max(0, 1 - above);
}

function logFactorials(largest: number): number[] {
  const logs = [0];
  for (let index = 1; index <= largest; index++) logs.push(logs[index - 1]! + Math.log(index));
  return logs;
}

export interface WindowOptions {
  /** Branches of one window. Whole number ≥ 1. @default 5 */
  readonly window?: number;
  /** Most branches in all, a multiple of `window`. Whole number ≥ 1. @default 40 */
  readonly branches?: number;
}

/**
 * Branches that windows launch on average until one is unanimous: w (Σ (i + 1) q (1 − q)ⁱ + m (1 − q)ᵐ⁻¹) with
 * q = Σ pⱼʷ and m windows.
 *
 * @param shares - Probability of each answer, in [0, 1]; together at most 1, the rest being answers that never repeat.
 */
export function expectedWindowBranches(shares: readonly number[], { window = 5, branches = 40 }: WindowOptions = {}): number {
  requireWholeNumber('window', window, 1);
  requireWholeNumber('branches', branches, 1);
  for (const share of shares) requireNumber('shares', share, 0, 1);
  const unanimous = shares.reduce((sum, share) => sum + share ** window, 0);
  const windows = Math.max(1, Math.floor(branches / window));
  let expected = windows * (1 - unanimous) ** (windows - 1);
  for (let index = 0; index < windows - 1; index++) expected += (index + 1) * unanimous * (1 - unanimous) ** index;
  return window * expected;
}

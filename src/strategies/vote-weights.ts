/**
 * What a vote weighs.
 *
 * Token and group confidence: DeepConf (Fu et al. 2025, arXiv:2508.15260). Self-certainty with Borda counts: Kang, Zhao and
 * Song 2025 (arXiv:2502.18581). Rewards: Li et al. 2023 (arXiv:2206.02336), Snell et al. 2024 (arXiv:2408.03314).
 *
 * @module
 */
import * as v from 'valibot';
import type { Segment, SessionOptions } from '../contracts/engine.ts';
import type { BranchReport } from '../contracts/result.ts';
import { confidenceEntries, confidenceOf, meanSelfCertaintyOf } from '../maths/token-confidence.ts';
import { codeValue, func, number, numberOrInfinity, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { scoringEntries, type ScoringPolicy } from './branch-scores.ts';

/** Weighs a vote by what was told while it was decoded. */
export interface ConfidenceWeights {
  readonly name: string;
  /** What segments have to carry for it. */
  readonly session?: Pick<SessionOptions, 'topLogprobs' | 'selfCertainty'>;
  /** Most a vote can weigh; `Infinity` where there is no bound. */
  readonly heaviest: number;
  /** Votes weigh by their ranks, most certain first: (votes − rank + 1)^power, the rank counted from 1. */
  readonly bordaPower?: number;
  /** At least 0; `undefined` where the engine does not tell. */
  measure(report: BranchReport, segments: readonly Segment[]): number | undefined;
}

/** Weighs a vote by the score of its text. */
export interface RewardWeights {
  readonly name: 'reward';
  readonly heaviest: number;
  readonly scoring: ScoringPolicy;
  /** Weight of a score, at least 0. */
  weigh(score: number): number;
}

export type VoteWeights = ConfidenceWeights | RewardWeights;

export const voteWeightsSchema: v.GenericSchema<VoteWeights> = /* @__PURE__ */ codeValue<VoteWeights>(
  'weights, such as meanLogprobWeights()',
  (given) => typeof (given as Partial<VoteWeights> | null | undefined)?.heaviest === 'number',
);

/** The geometric mean of the probabilities of a branch's tokens, in [0, 1]: from any engine that tells log-probabilities. */
export function meanLogprobWeights(): ConfidenceWeights {
  return { name: 'mean-logprob', heaviest: 1, measure: ({ meanLogprob }) => (meanLogprob === undefined ? undefined : Math.exp(meanLogprob)) };
}

export const confidenceWeightsEntries = {
  ...confidenceEntries,
  /** Likeliest tokens the confidence of a token is made of; an engine may have fewer to give. Whole number ≥ 1. @default 20 */
  topLogprobs: v.optional(wholeNumber(1), 20),
};

export interface ConfidenceWeightsOptions extends OptionsOf<typeof confidenceWeightsEntries> {}

/** DeepConf's confidence of a branch: the mean over its tokens, over its tail, or of its least sure groups. @throws {InvalidOptionError} */
export function confidenceWeights(options: ConfidenceWeightsOptions = {}): ConfidenceWeights {
  const { topLogprobs, ...measure } = readOptions(confidenceWeightsEntries, options);
  return {
    name: `${measure.aggregation}-confidence`,
    session: { topLogprobs },
    heaviest: Infinity,
    measure: (_, segments) => (segments.length === 0 ? undefined : confidenceOf(segments, { ...measure, count: topLogprobs })),
  };
}

export const selfCertaintyWeightsEntries = {
  /** Power of the Borda counts; 0 makes every vote equal, a large one leaves the decision to the most certain branch. At least 0. @default 0.5 */
  power: v.optional(number(0), 0.5),
};

export interface SelfCertaintyWeightsOptions extends OptionsOf<typeof selfCertaintyWeightsEntries> {}

/** Borda counts of the branches ranked by mean self-certainty. @throws {InvalidOptionError} */
export function selfCertaintyWeights(options: SelfCertaintyWeightsOptions = {}): ConfidenceWeights {
  const { power } = readOptions(selfCertaintyWeightsEntries, options);
  return {
    name: 'self-certainty',
    session: { selfCertainty: true },
    heaviest: Infinity,
    bordaPower: power,
    measure: (_, segments) => (segments.length === 0 ? undefined : meanSelfCertaintyOf(segments)),
  };
}

export const rewardWeightsEntries = {
  ...scoringEntries,
  /** Weight of a score. At least 0; what is below counts as 0. @default the score */
  weigh: v.optional(func<(score: number) => number>()),
  /** Most a vote can weigh, which lets the exact rule decide before all have voted. Above 0. @default 1 for plain scores of steps, else Infinity */
  heaviest: v.optional(numberOrInfinity(Number.MIN_VALUE)),
};

export interface RewardWeightsOptions extends OptionsOf<typeof rewardWeightsEntries> {}

/** The score that a reward model gives a branch. @throws {InvalidOptionError} */
export function rewardWeights(options: RewardWeightsOptions): RewardWeights {
  const { weigh, heaviest, ...scoring } = readOptions(rewardWeightsEntries, options);
  return {
    name: 'reward',
    heaviest: heaviest ?? (scoring.scorer.kind === 'step' && !weigh ? 1 : Infinity),
    scoring,
    weigh(score) {
      const weight = weigh ? weigh(score) : score;
      return weight > 0 ? weight : 0;
    },
  };
}

/**
 * How sure a model was while it wrote, from its own distributions: per token, and over a whole branch.
 *
 * Token confidence and its groups: DeepConf (Fu et al. 2025, arXiv:2508.15260). Self-certainty: Kang, Zhao and Song 2025
 * (arXiv:2502.18581). With either, higher is surer.
 *
 * @module
 */
import * as v from 'valibot';
import type { Segment } from '../contracts/engine.ts';
import { number, oneOf, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { requireWholeNumber } from '../options.ts';

/** A row of logits `values[start, start + size)`, and `logSumExp` of it. */
export interface LogitRow {
  readonly values: Float32Array;
  readonly start: number;
  readonly size: number;
  readonly logNormaliser: number;
}

/** Ids of the `count` likeliest tokens of a row, descending, of equals the lower one first; fewer where the vocabulary is smaller. */
export function likeliestTokens({ values, start, size }: LogitRow, count: number): number[] {
  const likeliest: number[] = [];
  for (let index = start; index < start + size; index++) {
    const value = values[index]!;
    if (likeliest.length === count) {
      if (!(value > values[likeliest[count - 1]!]!)) continue;
      likeliest.pop();
    }
    let place = likeliest.length;
    while (place > 0 && value > values[likeliest[place - 1]!]!) place--;
    likeliest.splice(place, 0, index);
  }
  return likeliest.map((index) => index - start);
}

/**
 * Kullback–Leibler divergence from the uniform distribution to a row's, −1/V Σ log(V p), in nats; 0 for a uniform row.
 * Tokens that a model rules out altogether (logit −∞) are no part of V: with them every row would be infinitely certain.
 */
export function selfCertaintyOf({ values, start, size, logNormaliser }: LogitRow): number {
  let sum = 0;
  let count = 0;
  for (let index = start; index < start + size; index++) {
    const value = values[index]!;
    if (value === -Infinity) continue;
    sum += value;
    count++;
  }
  return Math.max(0, logNormaliser - sum / count - Math.log(count));
}

/**
 * DeepConf's confidence of each token: −1/k Σ log p over the k likeliest tokens at its place. Exactly k, also where an engine
 * adds the chosen token to its list: a k that changes from token to token would compare unlike things.
 *
 * @param topLogprobs - `Segment.topLogprobs`: one descending list a token.
 * @param count - k; lists that are shorter count as they are. @default every list as it is
 * @returns One a token, ≥ 0; a token whose list is empty has none and is left out.
 */
export function tokenConfidences(topLogprobs: readonly (readonly number[])[], count = Infinity): number[] {
  if (count !== Infinity) requireWholeNumber('count', count, 1);
  const confidences: number[] = [];
  for (const list of topLogprobs) {
    const size = Math.min(count, list.length);
    if (size === 0) continue;
    let sum = 0;
    for (let index = 0; index < size; index++) sum += list[index]!;
    confidences.push(-sum / size);
  }
  return confidences;
}

/**
 * Means of every `window` consecutive confidences, `[tokens - window + 1]`; one mean of all where there are fewer tokens, none
 * where there are none. Running sums, so O(tokens) whatever the window.
 *
 * @param window - Whole number ≥ 1.
 */
export function groupConfidences(confidences: readonly number[], window: number): number[] {
  requireWholeNumber('window', window, 1);
  const size = Math.min(window, confidences.length);
  if (size === 0) return [];
  const groups: number[] = [];
  let sum = 0;
  for (const [index, confidence] of confidences.entries()) {
    sum += confidence;
    if (index >= size) sum -= confidences[index - size]!;
    if (index >= size - 1) groups.push(sum / size);
  }
  return groups;
}

/**
 * How confidences of tokens become one of a branch: `mean` of all; `tail`: mean of the last window; `lowest-group`: the least
 * sure window; `bottom-groups`: mean of the least sure tenth of windows.
 */
export type ConfidenceAggregation = (typeof AGGREGATIONS)[number];

export const AGGREGATIONS = ['mean', 'tail', 'lowest-group', 'bottom-groups'] as const;

export const confidenceEntries = {
  /** How confidences of tokens become one of a branch. @default 'mean' */
  aggregation: v.optional(oneOf(AGGREGATIONS), 'mean'),
  /** Tokens in a group; a branch that is shorter is one group. Whole number ≥ 1. @default 2048 */
  window: v.optional(wholeNumber(1), 2048),
  /** Share of groups that `bottom-groups` takes, at least one group. In (0, 1]. @default 0.1 */
  bottomShare: v.optional(number(Number.MIN_VALUE, 1), 0.1),
};

export interface ConfidenceOptions extends OptionsOf<typeof confidenceEntries> {}

/** One confidence of a branch, `undefined` where there is none of any token. @throws {InvalidOptionError} */
export function aggregateConfidence(confidences: readonly number[], options: ConfidenceOptions = {}): number | undefined {
  const { aggregation, window, bottomShare } = readOptions(confidenceEntries, options);
  if (confidences.length === 0) return undefined;
  switch (aggregation) {
    case 'mean':
      return meanOf(confidences);
    case 'tail':
      return meanOf(confidences.slice(-window));
    case 'lowest-group':
      return groupConfidences(confidences, window).reduce((least, group) => Math.min(least, group));
    case 'bottom-groups': {
      const groups = groupConfidences(confidences, window).sort((left, right) => left - right);
      return meanOf(groups.slice(0, Math.max(1, Math.floor(groups.length * bottomShare))));
    }
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What of a branch's segments its scores are made of. */
export type ConfidenceSegment = Pick<Segment, 'logprobs' | 'topLogprobs' | 'selfCertainty'>;

/** Mean log-probability of a branch's sampled tokens, ≤ 0; `undefined` without any. Its exponential is 1 / perplexity. */
export function meanLogprobOf(segments: readonly ConfidenceSegment[]): number | undefined {
  const logprobs = segments.flatMap((segment) => segment.logprobs);
  return logprobs.length === 0 ? undefined : meanOf(logprobs);
}

/** Mean self-certainty of a branch's sampled tokens, ≥ 0; `undefined` unless every segment tells it. */
export function meanSelfCertaintyOf(segments: readonly ConfidenceSegment[]): number | undefined {
  if (segments.some(({ selfCertainty }) => selfCertainty === undefined)) return undefined;
  const certainties = segments.flatMap(({ selfCertainty }) => selfCertainty ?? []);
  return certainties.length === 0 ? undefined : meanOf(certainties);
}

/**
 * DeepConf's confidence of a branch, ≥ 0; `undefined` unless every segment tells top log-probabilities.
 *
 * @param options.count - k of `tokenConfidences`.
 */
export function confidenceOf(segments: readonly ConfidenceSegment[], options: ConfidenceOptions & { readonly count?: number } = {}): number | undefined {
  if (segments.some((segment) => segment.topLogprobs === undefined)) return undefined;
  const lists = segments.flatMap((segment) => segment.topLogprobs ?? []);
  const { count, ...measure } = options;
  return aggregateConfidence(tokenConfidences(lists, count), measure);
}

/**
 * From logits to a token: the processed distribution of one position, and a draw from it.
 *
 * Order: repetition penalty (Keskar et al. 2019, arXiv:1909.05858), temperature, top-k (Fan et al. 2018, arXiv:1805.04833),
 * top-p (Holtzman et al. 2019, arXiv:1904.09751), min-p (Nguyen et al. 2024, arXiv:2407.01082).
 * Speculative decoding must use the processed distributions of draft and target, so this is the only place that makes them.
 *
 * Vocabularies have 150,000 tokens, so nothing here sorts one, and exponentials are taken of tokens that can matter only. Those
 * whose probability is so far below the likeliest token's that all of them together stay under 2⁻²⁵ of the sum are left out:
 * half of what single precision can tell apart.
 *
 * @module
 */
import * as v from 'valibot';
import type { SamplingOptions } from '../contracts/engine.ts';
import type { TopLogits } from '../contracts/token-model.ts';
import { number, optionsSchema, readOptions, wholeNumber, type EntriesFor } from '../option-schemas.ts';
import { expNonPositive } from './exponential.ts';
import type { TokenDistribution } from './token-distribution.ts';

/** Sampling options with every default filled in. */
export type Sampling = Required<SamplingOptions>;

export const DEFAULT_SAMPLING: Sampling = { repetitionPenalty: 1, temperature: 1, topK: 0, topP: 1, minP: 0 };

/** −ln 2⁻²⁵: together with the logarithm of the vocabulary's size, how far below the largest scaled logit a token stops mattering. */
const NEGLIGIBLE = 25 * Math.LN2;
/** Likeliest tokens among which a nucleus is looked for first. */
const FIRST_NUCLEUS = 256;
/** Likeliest tokens that a pass is asked for where a nucleus decides: it seldom holds more, and finding more takes time in every pass. */
const NUCLEUS_CANDIDATES = 256;

export const samplingEntries = {
  repetitionPenalty: v.optional(number(Number.MIN_VALUE)),
  temperature: v.optional(number(0)),
  topK: v.optional(wholeNumber()),
  topP: v.optional(number(Number.MIN_VALUE, 1)),
  minP: v.optional(number(0, 1)),
} satisfies EntriesFor<SamplingOptions>;

export const samplingSchema: v.GenericSchema<SamplingOptions> = /* @__PURE__ */ optionsSchema(samplingEntries);

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveSampling(options: SamplingOptions = {}, defaults: Sampling = DEFAULT_SAMPLING): Sampling {
  return { ...defaults, ...readOptions(samplingEntries, options, 'sampling') };
}

/** Whether every token of the vocabulary can be drawn. */
export function drawsFromAll({ temperature, topK, topP, minP }: Sampling): boolean {
  return temperature > 0 && topK === 0 && topP === 1 && minP === 0;
}

/** Index of the first largest value of `values[start, start + size)`, relative to `start`. */
export function argmax(values: Float32Array, start = 0, size = values.length): number {
  let best = start;
  for (let index = start + 1; index < start + size; index++) if (values[index]! > values[best]!) best = index;
  return best - start;
}

/** Natural logarithm of the sum of exponentials of `values[start, start + size)`. */
export function logSumExp(values: Float32Array, start = 0, size = values.length): number {
  const largest = values[start + argmax(values, start, size)]!;
  let sum = 0;
  for (let index = start; index < start + size; index++) sum += expNonPositive(values[index]! - largest);
  return largest + Math.log(sum);
}

/** A row of logits: `values[start, start + size)`. */
export interface LogitRow {
  readonly values: Float32Array;
  readonly start: number;
  readonly size: number;
}

/**
 * The processed distribution of one row of logits.
 *
 * @param row - Not changed.
 * @param sampling - Temperature 0 puts everything on the first largest logit.
 * @param seen - Tokens already in the context, for the repetition penalty.
 * @param into - Receives the distribution.
 */
export function processedDistribution(row: LogitRow, sampling: Sampling, seen: Iterable<number>, into: TokenDistribution): void {
  if (sampling.repetitionPenalty === 1) return processRow(row, sampling, into);
  // In place and back again: a copy of the row would cost as much as the rest.
  const originals = new Map<number, number>();
  for (const token of seen) if (!originals.has(token)) originals.set(token, row.values[row.start + token]!);
  for (const [token, logit] of originals) row.values[row.start + token] = penalised(logit, sampling.repetitionPenalty);
  processRow(row, sampling, into);
  for (const [token, logit] of originals) row.values[row.start + token] = logit;
}

/** A logit of a token that is in the context already. */
export function penalised(logit: number, penalty: number): number {
  return logit > 0 ? logit / penalty : logit * penalty;
}

/**
 * The processed distribution out of a position's likeliest tokens: the same as out of its whole row of logits.
 *
 * @param top - With as many tokens as `topCountFor` says.
 * @param position - Which of its positions.
 * @param into - Receives the distribution.
 * @returns Whether the tokens were enough. A nucleus can hold more than were asked for; only the whole row tells then.
 */
export function topDistribution(top: TopLogits, position: number, sampling: Sampling, into: TokenDistribution): boolean {
  const { temperature, topK, topP, minP } = sampling;
  const count = temperature === 0 ? 1 : topK > 0 ? Math.min(topK, top.count) : top.count;
  const first = position * top.count;
  const largest = top.logits[first]!;
  into.clear();
  for (let rank = 0; rank < count; rank++) into.push(top.tokens[first + rank]!, weightOf(top.logits[first + rank]!, largest, temperature));
  const least = into.probs[count - 1]!;
  const isReached = truncate(into, sampling, temperature === 0 || topK > 0 ? undefined : top.scaledTotals![position]!);
  if (temperature === 0 || topK > 0) return true;
  // Every token that is not here is at most as likely as the last one that is.
  return topP < 1 ? isReached : least < minP;
}

/** How many of a position's likeliest tokens decide what is drawn, nearly always; `undefined` where every token can be drawn. */
export function topCountFor(sampling: Sampling): number | undefined {
  if (sampling.temperature === 0) return 1;
  if (sampling.topK > 0) return sampling.topK;
  return drawsFromAll(sampling) ? undefined : NUCLEUS_CANDIDATES;
}

function processRow(row: LogitRow, sampling: Sampling, into: TokenDistribution): void {
  const { temperature, topK, topP, minP } = sampling;
  const { values, start, size } = row;
  const largest = largestOf(row);
  into.clear();
  if (temperature === 0 || Number.isNaN(largest)) return into.push(argmax(values, start, size), Number.isNaN(largest) ? NaN : 1);
  const negligible = largest - temperature * (NEGLIGIBLE + Math.log(size));
  if (topK > 0 && topK < size) {
    pushLikeliest(row, topK, negligible, into);
    for (let rank = 0; rank < into.count; rank++) into.probs[rank] = weightOf(into.probs[rank]!, largest, temperature);
    truncate(into, sampling);
  } else if (topP < 1) {
    const total = totalWeight(row, largest, temperature, negligible);
    pushLikeliest(row, FIRST_NUCLEUS, negligible, into);
    for (let rank = 0; rank < into.count; rank++) into.probs[rank] = weightOf(into.probs[rank]!, largest, temperature);
    if (into.count < FIRST_NUCLEUS || into.total() >= topP * total) truncate(into, sampling, total);
    else pushNucleus(row, sampling, { largest, negligible, mass: topP * total }, into);
  } else {
    for (let token = 0; token < size; token++) {
      const logit = values[start + token]!;
      if (!(logit >= negligible)) continue;
      const weight = weightOf(logit, largest, temperature);
      if (minP === 0 || Math.fround(weight) >= minP) into.push(token, weight);
    }
    into.normalise(true);
  }
}

/**
 * Applies top-p and min-p to tokens in descending order, and makes the rest a distribution.
 *
 * @param total - Weight of all tokens that top-p counts. @default that of the tokens given
 * @returns Whether the tokens reach the probability of top-p.
 */
function truncate(into: TokenDistribution, { topP, minP }: Sampling, total = into.total()): boolean {
  const isReached = topP === 1 || into.keepMass(topP * total);
  into.keepAbove(minP);
  into.normalise();
  return isReached;
}

/** Weight of a token, where the likeliest has 1. */
function weightOf(logit: number, largest: number, temperature: number): number {
  return temperature === 0 ? 1 : expNonPositive((logit - largest) / temperature);
}

/** Adds the `count` likeliest tokens with their logits, in descending order. */
function pushLikeliest({ values, start, size }: LogitRow, count: number, negligible: number, into: TokenDistribution): void {
  let least = negligible;
  for (let token = 0; token < size; token++) {
    const logit = values[start + token]!;
    if (logit < least) continue;
    into.pushIfLarger(token, logit, count);
    if (into.count === count) least = into.probs[0]!;
  }
  into.sortDescending();
}

/** Steps between the largest and the smallest logit that matters, into which tokens are sorted to find where a nucleus ends. */
const BUCKETS = 4096;
const masses = new Float64Array(BUCKETS + 1);

/** A nucleus of many tokens: in three passes over the row, since to sort so many would take longer. */
function pushNucleus(
  { values, start, size }: LogitRow,
  { temperature, minP }: Sampling,
  { largest, negligible, mass }: { readonly largest: number; readonly negligible: number; readonly mass: number },
  into: TokenDistribution,
): void {
  const scale = BUCKETS / (largest - negligible);
  const bucketOf = (logit: number): number => ((largest - logit) * scale) | 0;
  masses.fill(0);
  for (let token = 0; token < size; token++) {
    const logit = values[start + token]!;
    if (logit >= negligible) masses[bucketOf(logit)]! += weightOf(logit, largest, temperature);
  }
  let last = 0;
  let above = 0;
  while (last < BUCKETS && above + masses[last]! < mass) above += masses[last++]!;
  // Of the bucket in which the nucleus ends, its likeliest tokens belong to it.
  into.clear();
  for (let token = 0; token < size; token++) {
    const logit = values[start + token]!;
    if (logit >= negligible && bucketOf(logit) === last) into.pushIfLarger(token, logit, Infinity);
  }
  into.sortDescending();
  let end = 0;
  while (end < into.count - 1 && (above += weightOf(into.probs[end]!, largest, temperature)) < mass) end++;
  const [least, lastToken] = [into.probs[end]!, into.tokens[end]!];
  into.clear();
  for (let token = 0; token < size; token++) {
    const logit = values[start + token]!;
    if (!(logit > least || (logit === least && token <= lastToken))) continue;
    const weight = weightOf(logit, largest, temperature);
    if (Math.fround(weight) >= minP) into.push(token, weight);
  }
  into.normalise(true);
}

function totalWeight({ values, start, size }: LogitRow, largest: number, temperature: number, negligible: number): number {
  let total = 0;
  for (let index = start; index < start + size; index++) {
    const logit = values[index]!;
    if (logit >= negligible) total += expNonPositive((logit - largest) / temperature);
  }
  return total;
}

/** `NaN` where any logit is not a number. */
function largestOf({ values, start, size }: LogitRow): number {
  let largest = values[start]!;
  for (let index = start; index < start + size; index++) {
    const value = values[index]!;
    if (value <= largest) continue;
    if (!(value > largest)) return NaN;
    largest = value;
  }
  return largest;
}

/**
 * The index at `point` of the cumulative distribution.
 *
 * @param weights - Not negative, not all zero; need not sum to 1.
 * @param point - Uniform in [0, 1).
 */
export function sampleIndex(weights: Float32Array, point: number): number {
  let total = 0;
  for (let index = 0; index < weights.length; index++) total += weights[index]!;
  let remaining = point * total;
  let last = 0;
  for (let index = 0; index < weights.length; index++) {
    const weight = weights[index]!;
    if (weight === 0) continue;
    last = index;
    remaining -= weight;
    if (remaining < 0) return index;
  }
  // Rounding can leave a sliver after the last token that has any weight.
  return last;
}

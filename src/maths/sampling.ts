/**
 * From logits to a token: the processed distribution of one position, and a draw from it.
 *
 * Order: repetition penalty (Keskar et al. 2019, arXiv:1909.05858), temperature, top-k (Fan et al. 2018, arXiv:1805.04833),
 * top-p (Holtzman et al. 2019, arXiv:1904.09751), min-p (Nguyen et al. 2024, arXiv:2407.01082).
 * Speculative decoding must use the processed distributions of draft and target, so this is the only place that makes them.
 *
 * @module
 */
import type { SamplingOptions } from '../contracts/engine.ts';
import { requireNumber, requireWholeNumber } from '../options.ts';
import { expNonPositive } from './exponential.ts';

/** Sampling options with every default filled in. */
export type Sampling = Required<SamplingOptions>;

export const DEFAULT_SAMPLING: Sampling = { repetitionPenalty: 1, temperature: 1, topK: 0, topP: 1, minP: 0 };

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveSampling(options: SamplingOptions = {}, defaults: Sampling = DEFAULT_SAMPLING): Sampling {
  const sampling = { ...defaults, ...options };
  requireNumber('sampling.repetitionPenalty', sampling.repetitionPenalty, Number.MIN_VALUE);
  requireNumber('sampling.temperature', sampling.temperature, 0);
  requireWholeNumber('sampling.topK', sampling.topK);
  requireNumber('sampling.topP', sampling.topP, Number.MIN_VALUE, 1);
  requireNumber('sampling.minP', sampling.minP, 0, 1);
  return sampling;
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

/**
 * Writes the processed distribution of one row of logits.
 *
 * @param logits - Rows of logits; not changed.
 * @param start - Where the row begins.
 * @param probs - Receives the distribution, `[vocabularySize]`; its length is the row's.
 * @param sampling - Temperature 0 puts everything on the first largest logit.
 * @param seen - Tokens already in the context, for the repetition penalty.
 * @returns `logSumExp` of the row as it is: a logit less this is the token's log-probability under the model. It falls off
 *   the softmax where nothing comes before that, so that the exponentials, most of the cost, are taken once.
 */
export function processedDistribution(logits: Float32Array, start: number, probs: Float32Array, sampling: Sampling, seen: Iterable<number>): number {
  const size = probs.length;
  const isPenalised = sampling.repetitionPenalty !== 1;
  if (isPenalised) {
    probs.set(logits.subarray(start, start + size));
    penaliseRepetition(probs, sampling.repetitionPenalty, seen);
  }
  const scores = isPenalised ? probs : logits;
  const scoresStart = isPenalised ? 0 : start;
  if (sampling.temperature === 0) {
    const likeliest = argmax(scores, scoresStart, size);
    probs.fill(0);
    probs[likeliest] = 1;
    return logSumExp(logits, start, size);
  }
  const normaliser = softmax(scores, scoresStart, probs, sampling.temperature);
  if (sampling.topK > 0 && sampling.topK < size) keepLikeliest(probs, sampling.topK, 1);
  if (sampling.topP < 1) keepLikeliest(probs, size, sampling.topP);
  if (sampling.minP > 0) dropUnlikely(probs, sampling.minP * probs[argmax(probs)]!);
  return isPenalised || sampling.temperature !== 1 ? logSumExp(logits, start, size) : normaliser;
}

function penaliseRepetition(logits: Float32Array, penalty: number, seen: Iterable<number>): void {
  for (const token of new Set(seen)) {
    const logit = logits[token]!;
    logits[token] = logit > 0 ? logit / penalty : logit * penalty;
  }
}

/** Writes to `probs`, which may be the scores themselves. Returns the natural logarithm of what the exponentials were divided by. */
function softmax(scores: Float32Array, start: number, probs: Float32Array, temperature: number): number {
  const largest = scores[start + argmax(scores, start, probs.length)]!;
  let sum = 0;
  for (let index = 0; index < probs.length; index++) {
    const weight = expNonPositive((scores[start + index]! - largest) / temperature);
    probs[index] = weight;
    sum += weight;
  }
  scale(probs, 1 / sum);
  return largest / temperature + Math.log(sum);
}

/** Keeps the likeliest tokens, at most `count` and no more than reach `mass`; ties keep the lower index. Renormalises. */
function keepLikeliest(probs: Float32Array, count: number, mass: number): void {
  const order = supportOf(probs).sort((left, right) => probs[right]! - probs[left]! || left - right);
  let kept = 0;
  let total = 0;
  while (kept < order.length && kept < count && total < mass) total += probs[order[kept++]!]!;
  for (let index = kept; index < order.length; index++) probs[order[index]!] = 0;
  scale(probs, 1 / total);
}

function supportOf(probs: Float32Array): Uint32Array {
  const support = new Uint32Array(probs.length);
  let size = 0;
  for (let token = 0; token < probs.length; token++) if (probs[token]! > 0) support[size++] = token;
  return support.subarray(0, size);
}

function dropUnlikely(probs: Float32Array, least: number): void {
  let total = 0;
  for (let token = 0; token < probs.length; token++) {
    if (probs[token]! < least) probs[token] = 0;
    total += probs[token]!;
  }
  scale(probs, 1 / total);
}

function scale(values: Float32Array, factor: number): void {
  for (let index = 0; index < values.length; index++) values[index] = values[index]! * factor;
}

/**
 * The token at `point` of the cumulative distribution, in index order.
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

/**
 * Choosing among fitted candidates: the most accurate one whose latency quantile fits the deadline, or the fastest one that is
 * accurate enough. A look-up: everything was found out by the fit.
 *
 * @module
 */
import { InvalidOptionError, InfeasiblePlanError } from '../../errors.ts';
import { shareInterval } from '../../maths/share-interval.ts';
import { requireNumber } from '../../options.ts';
import { LATENCY_LEVELS, type FittedCandidate, type FittedPlans, type FittedPoint } from './fitted-plans.ts';
import type { PlanSpec } from './plan-spec.ts';

export interface SolveRequest {
  /** Milliseconds from the question to the answer. Left out with `minAccuracy`, which then asks for the fastest plan. */
  readonly deadlineMs?: number;
  /** Least probability of an answer by the deadline. In [0.5, 1). @default 0.95 */
  readonly confidence?: number;
  /** Most tokens that all branches together may sample, on average. */
  readonly maxTokens?: number;
  /** Least predicted accuracy. In [0, 1]. The fastest plan that has it is chosen, within `deadlineMs` where that is given. */
  readonly minAccuracy?: number;
  /**
   * With `minAccuracy`, what makes a plan the fastest one: the time by which it has answered with the wanted confidence, or the mean
   * time of its answers, which counts where one question follows another. @default 'quantile'
   */
  readonly fastestBy?: 'quantile' | 'mean';
  /**
   * Which of the two parallelisms may be used: both; branches without drafts; or drafts of one branch.
   * @default 'joint'
   */
  readonly parallelism?: 'joint' | 'branches' | 'drafts';
}

/** What is expected of a plan under a deadline. */
export interface PlanPrediction {
  readonly accuracy: number;
  /** 95 % interval of the accuracy, for problems like the recorded ones. */
  readonly accuracyInterval: readonly [number, number];
  readonly latencyMs: { readonly mean: number; readonly p50: number; readonly p95: number; readonly p99: number };
  readonly tokens: number;
}

/** A spec with the deadline it runs under and what is expected of it. */
export interface Choice {
  readonly spec: PlanSpec;
  readonly source: FittedCandidate['source'];
  /** Deadline of the request; Infinity where there was none. */
  readonly deadlineMs: number;
  /** Deadline the strategy is given: earlier by what runs were seen to pass it. */
  readonly runDeadlineMs: number;
  readonly predicted: PlanPrediction;
}

export type ResolvedRequest = Required<Pick<SolveRequest, Defaulted>> & Omit<SolveRequest, Defaulted>;
type Defaulted = 'confidence' | 'parallelism' | 'fastestBy';

/** Accuracies nearer than this are one: the faster plan is taken. */
const TIE = 0.0025;

/** @throws {InvalidOptionError} */
export function resolveRequest(request: SolveRequest): ResolvedRequest {
  const { deadlineMs, confidence = 0.95, maxTokens, minAccuracy, parallelism = 'joint', fastestBy = 'quantile' } = request;
  if (deadlineMs === undefined && minAccuracy === undefined) {
    throw new InvalidOptionError('deadlineMs', 'a positive number of milliseconds', deadlineMs, 'Give a deadline, or `minAccuracy` for the fastest plan.');
  }
  if (deadlineMs !== undefined && deadlineMs !== Infinity) requireNumber('deadlineMs', deadlineMs, Number.MIN_VALUE);
  requireNumber('confidence', confidence, 0.5, 0.999);
  if (maxTokens !== undefined) requireNumber('maxTokens', maxTokens, 1);
  if (minAccuracy !== undefined) requireNumber('minAccuracy', minAccuracy, 0, 1);
  if (!['joint', 'branches', 'drafts'].includes(parallelism)) throw new InvalidOptionError('parallelism', "'joint', 'branches' or 'drafts'", parallelism);
  if (request.fastestBy !== undefined && minAccuracy === undefined)
    throw new InvalidOptionError('fastestBy', 'left out without `minAccuracy`', fastestBy, 'It chooses among the plans that are accurate enough.');
  if (!['quantile', 'mean'].includes(fastestBy)) throw new InvalidOptionError('fastestBy', "'quantile' or 'mean'", fastestBy);
  return { ...request, confidence, parallelism, fastestBy };
}

/** @throws {InfeasiblePlanError} that names the nearest requests with a plan. */
export function solvePlan(fit: FittedPlans, request: ResolvedRequest): Choice {
  const { deadlineMs = Infinity, minAccuracy, fastestBy } = request;
  if (minAccuracy !== undefined) return fastestBy === 'mean' ? fastestOnAverage(fit, request, minAccuracy) : fastest(fit, request, minAccuracy);
  const best = mostAccurate(choicesAt(fit, deadlineMs, request));
  if (!best) throw infeasible(fit, request);
  return best;
}

/** Every candidate that fits a deadline, with what is expected of it. */
export function choicesAt(fit: FittedPlans, deadlineMs: number, request: ResolvedRequest): Choice[] {
  return fit.candidates.flatMap((candidate) => {
    if (!isAllowed(candidate.spec, request)) return [];
    const choice = choiceAt(candidate, fit.problems, deadlineMs, request.confidence);
    return choice && choice.predicted.tokens <= (request.maxTokens ?? Infinity) ? [choice] : [];
  });
}

/** The most accurate; among those nearly as accurate the fastest, then the one with the fewest tokens. */
export function mostAccurate(choices: readonly Choice[]): Choice | undefined {
  const top = choices.reduce((best, { predicted }) => Math.max(best, predicted.accuracy), -Infinity);
  const ties = choices.filter(({ predicted }) => predicted.accuracy >= top - TIE);
  return ties.sort((left, right) => left.predicted.latencyMs.p50 - right.predicted.latencyMs.p50 || left.predicted.tokens - right.predicted.tokens)[0];
}

/** Deadlines of the fit, ascending, finite. */
export function fittedDeadlines(fit: FittedPlans): number[] {
  const deadlines = fit.candidates.flatMap(({ points }) => points.flatMap(({ deadlineMs }) => deadlineMs ?? []));
  return [...new Set(deadlines)].sort((left, right) => left - right);
}

/** What a candidate does under a deadline; `undefined` where it is too short for it. */
function choiceAt({ spec, source, points }: FittedCandidate, problems: number, deadlineMs: number, confidence: number): Choice | undefined {
  const runDeadlineMs = deadlineMs - overshoot(points, deadlineMs, confidence);
  const point = pointAt(points, runDeadlineMs);
  if (!point) return undefined;
  const latency = (level: number): number => levelOf(point.latencyMs, level);
  if (latency(confidence) > deadlineMs) return undefined;
  const { accuracy, accuracyError, tokens } = point;
  return {
    spec,
    source,
    deadlineMs,
    runDeadlineMs,
    predicted: {
      accuracy,
      accuracyInterval: shareInterval(accuracy, accuracyError, problems),
      latencyMs: { mean: meanOf(point.latencyMs), p50: latency(0.5), p95: latency(0.95), p99: latency(0.99) },
      tokens,
    },
  };
}

/** By how much runs of a candidate pass a deadline of this size, at the wanted confidence. */
function overshoot(points: readonly FittedPoint[], deadlineMs: number, confidence: number): number {
  let most = 0;
  for (const point of points) {
    if (point.deadlineMs === null || point.deadlineMs > 2 * deadlineMs || point.deadlineMs < deadlineMs / 2) continue;
    most = Math.max(most, levelOf(point.latencyMs, confidence) - point.deadlineMs);
  }
  return most;
}

/** Between fitted deadlines on a logarithmic scale; above the last finite one the point without a deadline. */
function pointAt(points: readonly FittedPoint[], deadlineMs: number): FittedPoint | undefined {
  const above = points.findIndex((point) => point.deadlineMs === null || point.deadlineMs >= deadlineMs);
  const high = points[above];
  if (!high) return points.at(-1);
  const low = points[above - 1];
  if (high.deadlineMs === deadlineMs || !Number.isFinite(deadlineMs)) return high;
  // A deadline that is longer than any run needs changes nothing.
  if (high.deadlineMs === null) return deadlineMs >= high.latencyMs.at(-1)! ? high : low;
  if (!low || low.deadlineMs === null) return undefined;
  const share = Math.log(deadlineMs / low.deadlineMs) / Math.log(high.deadlineMs / low.deadlineMs);
  const between = (from: number, to: number): number => from + share * (to - from);
  return {
    deadlineMs,
    accuracy: between(low.accuracy, high.accuracy),
    accuracyError: Math.max(low.accuracyError, high.accuracyError),
    latencyMs: low.latencyMs.map((latency, index) => Math.min(between(latency, high.latencyMs[index]!), Math.max(deadlineMs, latency))),
    tokens: between(low.tokens, high.tokens),
  };
}

/** The mean of latencies, in proportion between the levels kept. */
function meanOf(latencyMs: readonly number[]): number {
  return latencyMs.reduce((sum, high, index) => {
    const [low, from] = index === 0 ? [high, 0] : [latencyMs[index - 1]!, LATENCY_LEVELS[index - 1]!];
    return sum + ((low + high) / 2) * (LATENCY_LEVELS[index]! - from);
  }, 0);
}

/** A latency at a probability, between the levels kept. */
function levelOf(latencyMs: readonly number[], probability: number): number {
  const above = LATENCY_LEVELS.findIndex((level) => level >= probability);
  const [high, low] = [LATENCY_LEVELS[above]!, LATENCY_LEVELS[above - 1]];
  if (low === undefined || high === probability) return latencyMs[above]!;
  return latencyMs[above - 1]! + ((probability - low) / (high - low)) * (latencyMs[above]! - latencyMs[above - 1]!);
}

function isAllowed({ branches, draftLength }: PlanSpec, { parallelism }: ResolvedRequest): boolean {
  return parallelism === 'joint' || (parallelism === 'branches' ? draftLength === 0 : branches === 1);
}

/** The plan with the least deadline at which the wanted accuracy is reached. */
function fastest(fit: FittedPlans, request: ResolvedRequest, minAccuracy: number): Choice {
  const { deadlineMs = Infinity } = request;
  const accurateAt = (deadline: number): Choice | undefined => {
    const best = mostAccurate(choicesAt(fit, deadline, request).filter(({ predicted }) => predicted.accuracy >= minAccuracy));
    return best && best.predicted.accuracy >= minAccuracy ? best : undefined;
  };
  const grid = fittedDeadlines(fit).filter((deadline) => deadline <= deadlineMs);
  const longest = accurateAt(deadlineMs);
  if (!longest) throw infeasible(fit, request);
  const found = grid.findIndex((deadline) => accurateAt(deadline));
  let [low, high] = found < 0 ? [grid.at(-1) ?? 0, deadlineMs] : [grid[found - 1] ?? 0, grid[found]!];
  if (high === Infinity) return longest;
  for (let halving = 0; halving < 12; halving++) {
    const middle = (low + high) / 2;
    if (accurateAt(middle)) high = middle;
    else low = middle;
  }
  return accurateAt(high)!;
}

/** The plan with the least mean latency that has the wanted accuracy, at whatever deadline. */
function fastestOnAverage(fit: FittedPlans, request: ResolvedRequest, minAccuracy: number): Choice {
  const { deadlineMs = Infinity } = request;
  const deadlines = [...fittedDeadlines(fit).filter((deadline) => deadline < deadlineMs), deadlineMs];
  const accurate = deadlines.flatMap((deadline) => choicesAt(fit, deadline, request)).filter(({ predicted }) => predicted.accuracy >= minAccuracy);
  // Its deadline may lie between those of the fit.
  return [fastest(fit, request, minAccuracy), ...accurate].reduce((best, choice) =>
    choice.predicted.latencyMs.mean < best.predicted.latencyMs.mean ? choice : best,
  );
}

function infeasible(fit: FittedPlans, request: ResolvedRequest): InfeasiblePlanError {
  const { deadlineMs = Infinity, minAccuracy } = request;
  const deadlines = [...fittedDeadlines(fit), Infinity];
  const shortest = deadlines.find((deadline) => choicesAt(fit, deadline, request).length > 0);
  const within = mostAccurate(choicesAt(fit, deadlineMs, request));
  const enough =
    minAccuracy === undefined
      ? undefined
      : deadlines.find((deadline) => choicesAt(fit, deadline, request).some(({ predicted }) => predicted.accuracy >= minAccuracy));
  return new InfeasiblePlanError({
    deadlineMs,
    ...(minAccuracy !== undefined && { minAccuracy }),
    ...(shortest !== undefined && { shortestDeadlineMs: shortest }),
    ...(within && { accuracyByDeadline: within.predicted.accuracy }),
    ...(enough !== undefined && { deadlineForAccuracyMs: enough }),
  });
}

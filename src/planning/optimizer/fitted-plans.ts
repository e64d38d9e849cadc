/** What a fit has found out: the accuracy and latency of every candidate at every deadline. Plain data, from and to JSON. */
import * as v from 'valibot';
import { InvalidOptionError } from '../../errors.ts';
import { wrongValue } from '../../option-schemas.ts';
import { quantile } from '../../maths/quantile.ts';
import type { RunOutcome } from './evaluate-spec.ts';
import { planKnowledge } from '../control/plan-knowledge.ts';
import { isPlanFile, PLAN_FILE_VERSION } from '../plan-file.ts';
import { parseJson } from '../saved-text.ts';
import { planSpec } from './plan-spec.ts';

const VERSION = 1;

/** Probabilities at which latencies are kept. */
export const LATENCY_LEVELS = [0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 1] as const;

const fittedPoint = v.object({
  /** `null` stands for no deadline. */
  deadlineMs: v.nullable(v.number()),
  /** Share of right answers. */
  accuracy: v.number(),
  /** Standard error of the accuracy, over problems. */
  accuracyError: v.number(),
  /** Milliseconds at each of `LATENCY_LEVELS`. */
  latencyMs: v.array(v.number()),
  /** Mean number of tokens sampled by all branches. */
  tokens: v.number(),
});

const fittedCandidate = v.object({
  spec: planSpec,
  /** `replayed` from traces; `measured` by running it; `prior` computed from beliefs. */
  source: v.picklist(['replayed', 'measured', 'prior']),
  /** Ascending by deadline, the one without a deadline last. */
  points: v.array(fittedPoint),
});

const fittedPlans = v.object({
  version: v.literal(VERSION),
  /** Of the profile: model, device and origin. */
  label: v.string(),
  /** ISO date, where the caller gave one. */
  fittedAt: v.exactOptional(v.string()),
  problems: v.number(),
  /** Median milliseconds of a single branch without drafts and without a deadline. */
  branchMs: v.number(),
  knowledge: planKnowledge,
  acceptance: v.array(v.number()),
  candidates: v.array(fittedCandidate),
});

export type FittedPoint = v.InferOutput<typeof fittedPoint>;
export type FittedCandidate = v.InferOutput<typeof fittedCandidate>;
export type FittedPlans = v.InferOutput<typeof fittedPlans>;

const ADVICE = 'Load the file that `latency-tts calibrate` wrote, or what `toJSON` gave; fits of other versions have to be made again.';

/** @param saved - A fit, or a file of `latency-tts calibrate`, as text or parsed. @throws {InvalidOptionError} for what is no fit of this version. */
export function readFittedPlans(saved: unknown): FittedPlans {
  const value = typeof saved === 'string' ? parseText(saved) : saved;
  if (isPlanFile(value) && value.version !== PLAN_FILE_VERSION) {
    throw new InvalidOptionError('fit', `a file of version ${PLAN_FILE_VERSION}`, value.version, ADVICE);
  }
  const result = v.safeParse(fittedPlans, isPlanFile(value) ? value.fit : value);
  if (result.success) return result.output;
  throw wrongValue(result.issues[0], 'fit', `a part of a saved fit of version ${VERSION}`, ADVICE);
}

function parseText(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new InvalidOptionError('fit', 'JSON', text.slice(0, 40), ADVICE);
  }
}

/** @param outcomes - Runs of one candidate at one deadline, `[problems][replicas]`. */
export function summarise(deadlineMs: number, outcomes: readonly (readonly RunOutcome[])[]): FittedPoint {
  const byProblem = outcomes.map((runs) => runs.filter(({ isRight }) => isRight).length / runs.length);
  const accuracy = mean(byProblem);
  const variance = byProblem.reduce((sum, share) => sum + (share - accuracy) ** 2, 0) / Math.max(1, byProblem.length - 1);
  const runs = outcomes.flat();
  const latencies = runs.map(({ latencyMs }) => latencyMs);
  return {
    deadlineMs: Number.isFinite(deadlineMs) ? deadlineMs : null,
    accuracy,
    accuracyError: Math.sqrt(variance / byProblem.length),
    latencyMs: LATENCY_LEVELS.map((level) => quantile(latencies, level)),
    tokens: mean(runs.map(({ tokens }) => tokens)),
  };
}

/** Accuracies that do not fall as time grows: what falls is chance (pool adjacent violators, equal weights). */
export function monotone(points: readonly FittedPoint[]): FittedPoint[] {
  const pools: { sum: number; count: number }[] = [];
  for (const { accuracy } of points) {
    pools.push({ sum: accuracy, count: 1 });
    while (pools.length > 1 && average(pools.at(-2)!) > average(pools.at(-1)!)) {
      const last = pools.pop()!;
      const before = pools.at(-1)!;
      before.sum += last.sum;
      before.count += last.count;
    }
  }
  const levels = pools.flatMap((pool) => Array.from({ length: pool.count }, () => average(pool)));
  return points.map((point, index) => ({ ...point, accuracy: levels[index]! }));
}

function average({ sum, count }: { readonly sum: number; readonly count: number }): number {
  return sum / count;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A fit with its version, to be saved. */
export function withVersion(fit: Omit<FittedPlans, 'version'>): FittedPlans {
  return { version: VERSION, ...fit };
}

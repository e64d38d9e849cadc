import * as v from 'valibot';
import { InfeasiblePlanError, InvalidOptionError } from '../../errors.ts';
import { LATENCY_LEVELS, type FittedPoint } from '../../planning/optimizer/fitted-plans.ts';
import type { LatencyOptimizer } from '../../planning/optimizer/latency-optimizer.ts';
import { describeSpec, type PlanSpec } from '../../planning/optimizer/plan-spec.ts';
import type { PlanPrediction } from '../../planning/optimizer/solve-plan.ts';
import type { MeasuredProfile } from '../../planning/profile/measured-profile.ts';
import type { CandidatePoint, MeasuredPlan, PlannedPoint, ReportData, StepTime } from '../../report-page/report-data.ts';
import { readJson, type PlanFile } from './plan-file.ts';

/** Deadlines that the split is shown at. */
const SWEEP = 48;
const Z95 = 1.96;

/** Everything the report shows. */
export function reportData({ optimizer, profile }: PlanFile, measured: readonly MeasuredPlan[], confidence: number): ReportData {
  const { label, fittedAt, problems, branchMs } = optimizer.fitted;
  return {
    version: 1,
    label,
    ...(fittedAt !== undefined && { fittedAt }),
    problems,
    branchMs,
    confidence,
    stepTimes: profile ? stepTimes(profile) : [],
    candidates: candidatePoints(optimizer),
    frontier: optimizer.frontier({ confidence }).map(({ spec, deadlineMs, predicted }) => plannedPoint(spec, deadlineMs, predicted)),
    split: splitOverDeadlines(optimizer, confidence),
    measured,
  };
}

/** Between the measured points too, behind the middle one of the measured contexts. */
function stepTimes(profile: MeasuredProfile): StepTime[] {
  return profile.parts.flatMap((part) => {
    const points = profile.points(part);
    const distinct = (values: readonly number[]): number[] => [...new Set(values)].sort((left, right) => left - right);
    const contexts = distinct(points.map(({ contextTokens }) => contextTokens));
    const contextTokens = contexts[Math.floor(contexts.length / 2)]!;
    return distinct(points.map(({ rows }) => rows)).flatMap((rows) =>
      distinct(points.map(({ newTokens }) => newTokens)).map((newTokens) => ({
        part,
        rows,
        newTokens,
        contextTokens,
        medianMs: profile.passMs(part, { rows, newTokens, contextTokens }),
      })),
    );
  });
}

function candidatePoints({ fitted }: LatencyOptimizer): CandidatePoint[] {
  const at = (point: FittedPoint, level: (typeof LATENCY_LEVELS)[number]): number => point.latencyMs[LATENCY_LEVELS.indexOf(level)]!;
  return fitted.candidates.flatMap(({ spec, source, points }) =>
    points.map((point) => ({
      ...specFacts(spec),
      source,
      deadlineMs: point.deadlineMs,
      accuracy: point.accuracy,
      accuracyLow: Math.max(0, point.accuracy - Z95 * point.accuracyError),
      accuracyHigh: Math.min(1, point.accuracy + Z95 * point.accuracyError),
      p50Ms: at(point, 0.5),
      p95Ms: at(point, 0.95),
      p99Ms: at(point, 0.99),
      tokens: point.tokens,
    })),
  );
}

/** The plan at each of many deadlines with equal ratios, from the shortest fitted one to a little beyond the longest. */
function splitOverDeadlines(optimizer: LatencyOptimizer, confidence: number): PlannedPoint[] {
  const deadlines = optimizer.fitted.candidates.flatMap(({ points }) => points.flatMap(({ deadlineMs }) => deadlineMs ?? []));
  if (deadlines.length === 0) return [];
  const [low, high] = [deadlines.reduce((least, next) => Math.min(least, next)), 1.2 * deadlines.reduce((most, next) => Math.max(most, next))];
  return Array.from({ length: SWEEP }, (_, index) => low * (high / low) ** (index / (SWEEP - 1))).flatMap((deadlineMs) => {
    try {
      const { spec, predicted } = optimizer.solve({ deadlineMs, confidence });
      return [plannedPoint(spec, deadlineMs, predicted)];
    } catch (error) {
      if (error instanceof InfeasiblePlanError) return [];
      throw error;
    }
  });
}

function specFacts(spec: PlanSpec): Pick<PlannedPoint, 'plan' | 'strategy' | 'branches' | 'draftLength'> {
  const { strategy, branches, draftLength } = spec;
  return { plan: describeSpec(spec), strategy, branches, draftLength };
}

function plannedPoint(spec: PlanSpec, deadlineMs: number, { accuracy, accuracyInterval: [low, high], latencyMs, tokens }: PlanPrediction): PlannedPoint {
  return {
    ...specFacts(spec),
    deadlineMs: Number.isFinite(deadlineMs) ? deadlineMs : null,
    accuracy,
    accuracyLow: low,
    accuracyHigh: high,
    p50Ms: latencyMs.p50,
    p95Ms: latencyMs.p95,
    p99Ms: latencyMs.p99,
    tokens,
  };
}

const measuredPlan = v.object({
  part: v.string(),
  rule: v.string(),
  plan: v.string(),
  deadlineMs: v.number(),
  predictedAccuracy: v.number(),
  accuracy: v.number(),
  predictedP50: v.number(),
  p50: v.number(),
  predictedP95: v.number(),
  p95: v.number(),
});
const measuredFile = v.object({ benchmark: v.literal('optimizer'), rows: v.array(v.unknown()) });
const ADVICE = 'Write it with `npm run bench:optimizer -- --json FILE`.';

/** Plans that were run, of those that something was predicted of. @throws {InvalidOptionError} */
export async function readMeasured(path: string): Promise<MeasuredPlan[]> {
  const file = await readJson('measured', path, ADVICE);
  if (!v.is(measuredFile, file)) throw new InvalidOptionError('measured', 'results of bench:optimizer', path, ADVICE);
  return file.rows.flatMap((row) => {
    const parsed = v.safeParse(measuredPlan, row);
    return parsed.success ? [parsed.output] : [];
  });
}

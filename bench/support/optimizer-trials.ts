/** Runs of plans on held-out problems, and what they came to. */
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { mean, quantile } from 'simple-statistics';
import type { Plan } from 'latency-tts';
import { equivalent, NoCandidateError, type Engine, type PlanPrediction, type StepScorer } from 'latency-tts';
import type { BenchProblem } from './optimizer-problems.ts';

export interface Trial {
  readonly isRight: boolean;
  readonly milliseconds: number;
}

/** One plan at one deadline. */
export interface PlanTrials {
  readonly rule: string;
  readonly plan: string;
  readonly deadlineMs: number;
  readonly predicted: PlanPrediction | undefined;
  readonly trials: readonly Trial[];
}

/** What runs a plan, or a spec under a deadline. */
export interface Runner {
  readonly engine: Engine;
  readonly scorer: StepScorer;
}

/** Problems between two plans' turns at the same one. */
const STRIDE = 7;
/** Between trials of several plans: what a scorer was asked for in vain is still being computed. */
const PAUSE_MS = 25;

/** A plan on one problem, timed on the wall's clock from the question to the answer. */
export async function tryPlan({ engine, scorer }: Runner, plan: Plan, problem: BenchProblem, seed: number): Promise<Trial> {
  const startedAt = performance.now();
  try {
    const { answer } = await plan.run({ engine, scorer, prompt: problem.prompt, seed });
    return { isRight: answer !== undefined && equivalent(answer, problem.reference), milliseconds: performance.now() - startedAt };
  } catch (error) {
    if (!(error instanceof NoCandidateError)) throw error;
    return { isRight: false, milliseconds: performance.now() - startedAt };
  }
}

/**
 * Plans on every problem, each in turn, so that a machine that slows down slows all of them. The same problem comes to the next
 * plan after many others: a scorer that still had the texts of the last one would answer for nothing.
 *
 * @param pauseMs - Between trials. A machine that was at rest is slower at first: what is compared must have the same pauses.
 */
export async function tryPlans(runner: Runner, plans: readonly Plan[], problems: readonly BenchProblem[], pauseMs = PAUSE_MS): Promise<Trial[][]> {
  const trials = plans.map((): Trial[] => []);
  for (const index of problems.keys()) {
    for (let turn = 0; turn < plans.length; turn++) {
      const at = (index + turn) % plans.length;
      const seed = (index + STRIDE * at) % problems.length;
      trials[at]![seed] = await tryPlan(runner, plans[at]!, problems[seed]!, seed);
      if (pauseMs > 0) await setTimeout(pauseMs);
    }
  }
  return trials;
}

export function accuracyOf(trials: readonly Trial[]): number {
  return mean(trials.map(({ isRight }) => Number(isRight)));
}

export function latencyOf(trials: readonly Trial[], level: number): number {
  return quantile(
    trials.map(({ milliseconds }) => milliseconds),
    level,
  );
}

export function missesOf({ deadlineMs, trials }: PlanTrials): number {
  return mean(trials.map(({ milliseconds }) => Number(milliseconds > deadlineMs)));
}

/** Relative errors of the predicted median and 95th percentile of the latency. */
export function latencyErrors({ predicted, trials }: PlanTrials): number[] {
  if (!predicted) return [];
  const { p50, p95 } = predicted.latencyMs;
  return [Math.abs(p50 / latencyOf(trials, 0.5) - 1), Math.abs(p95 / latencyOf(trials, 0.95) - 1)];
}

/** Points by which the predicted accuracy is off. */
export function accuracyError({ predicted, trials }: PlanTrials): number {
  return predicted ? 100 * Math.abs(predicted.accuracy - accuracyOf(trials)) : NaN;
}

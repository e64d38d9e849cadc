import type { StrategyResult } from '../../contracts/result.ts';
import type { StrategyRequest } from '../../contracts/strategy.ts';
import { NoCandidateError } from '../../errors.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { Lateness, LatenessRecords } from '../control/lateness.ts';
import type { ControlledRun } from '../control/run-spec.ts';
import { runSpec } from '../control/run-spec.ts';
import type { FittedPlans } from './fitted-plans.ts';
import { describeSpec, type PlanParts, type PlanSpec } from './plan-spec.ts';
import { explainPlan, type PlanExplanation } from './explain-plan.ts';
import type { Choice, PlanPrediction, ResolvedRequest } from './solve-plan.ts';

/** What running a plan came to, beside what was expected of it. */
export interface PlanResult extends StrategyResult {
  readonly plan: {
    readonly spec: PlanSpec;
    readonly predicted: PlanPrediction;
    /** What the strategy was given. */
    readonly runDeadlineMs: number;
    readonly changes: ControlledRun['changes'];
  };
}

export interface PlanRunRequest extends Omit<StrategyRequest, 'deadlineMs'>, PlanParts {
  /** Whether the plan is changed while it runs as measurements call for it. @default true */
  readonly isControlled?: boolean;
}

/** How to spend the time up to a deadline: a strategy, its branches, and the length of its drafts. */
export class Plan {
  readonly spec: PlanSpec;
  readonly deadlineMs: number;
  /** What the strategy is given at first: a little less, by what simulated runs were seen to pass it. */
  readonly runDeadlineMs: number;
  readonly predicted: PlanPrediction;
  readonly #fit: FittedPlans;
  readonly #request: ResolvedRequest;
  readonly #choice: Choice;
  readonly #lateness: Lateness;

  /** @internal Made by `LatencyOptimizer.solve`. */
  constructor(fit: FittedPlans, request: ResolvedRequest, choice: Choice, lateness: LatenessRecords) {
    this.#lateness = lateness.of(`${describeSpec(choice.spec)} by ${choice.deadlineMs}`);
    this.#fit = fit;
    this.#request = request;
    this.#choice = choice;
    this.spec = choice.spec;
    this.deadlineMs = choice.deadlineMs;
    this.runDeadlineMs = choice.runDeadlineMs;
    this.predicted = choice.predicted;
  }

  /** Why this plan: what is expected of it, the frontier, what binds, and what would have been chosen by other rules. */
  explain(): PlanExplanation {
    return explainPlan(this.#fit, this.#request, this.#choice);
  }

  /**
   * Runs the plan. While it runs, measured step times and votes change it: see `plan-change` events and `plan.changes`. Runs
   * that were late give the strategy of the next ones an earlier deadline, so that the confidence is kept.
   *
   * @throws as `Strategy.run` does; {InvalidOptionError} without the scorer that the plan goes by.
   */
  async run(request: PlanRunRequest): Promise<PlanResult> {
    const { scorer, aggregation, sampling, extract, isSame, isControlled = true, ...occasion } = request;
    const parts: PlanParts = {
      ...(scorer && { scorer }),
      ...(aggregation && { aggregation }),
      ...(sampling && { sampling }),
      ...(extract && { extract }),
      ...(isSame && { isSame }),
    };
    const knowledge = isControlled ? this.#fit.knowledge : undefined;
    const runDeadlineMs = this.#currentDeadlineMs();
    const { clock = systemClock } = occasion;
    const startedAt = clock.now();
    const note = (): void => this.#lateness.record(clock.now() - startedAt - runDeadlineMs);
    try {
      const { result, changes } = await runSpec({ spec: this.spec, parts, knowledge }, { ...occasion, deadlineMs: runDeadlineMs });
      note();
      return { ...result, plan: { spec: this.spec, predicted: this.predicted, runDeadlineMs, changes } };
    } catch (error) {
      if (error instanceof NoCandidateError) note();
      throw error;
    }
  }

  /** Never less than half of the time: a machine that is late by more keeps no deadline at all. */
  #currentDeadlineMs(): number {
    const { deadlineMs, runDeadlineMs } = this;
    if (deadlineMs === Infinity) return deadlineMs;
    const learned = deadlineMs - this.#lateness.allowance(this.#request.confidence);
    return Math.min(runDeadlineMs, Math.max(learned, deadlineMs / 2));
  }

  /** The plan in a few words. */
  toString(): string {
    return describeSpec(this.spec);
  }
}

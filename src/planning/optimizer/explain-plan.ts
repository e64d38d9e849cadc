import type { FittedPlans } from './fitted-plans.ts';
import type { PlanSpec } from './plan-spec.ts';
import { choicesAt, fittedDeadlines, mostAccurate, type Choice, type PlanPrediction, type ResolvedRequest } from './solve-plan.ts';

/** What keeps a plan from being more accurate. */
export type BindingConstraint = 'deadline' | 'tokens' | 'accuracy' | 'nothing';

export interface FrontierPoint {
  readonly deadlineMs: number;
  readonly spec: PlanSpec;
  readonly predicted: PlanPrediction;
}

export interface PlanExplanation {
  readonly spec: PlanSpec;
  readonly deadlineMs: number;
  readonly predicted: PlanPrediction;
  /** The best plan at each fitted deadline that is better than at any before it. */
  readonly frontier: readonly FrontierPoint[];
  /**
   * `deadline`: more time would make it more accurate. `tokens`: more tokens would. `accuracy`: it is the fastest with the
   * accuracy asked for. `nothing`: more of either would help by less than half a point.
   */
  readonly binding: BindingConstraint;
  /** Accuracy with twice the time, where that is another one. */
  readonly accuracyAtTwiceTheTime: number;
  /** Best plan with branches alone, with drafts alone; `undefined` where none fits. */
  readonly branchesOnly: Choice | undefined;
  readonly draftsOnly: Choice | undefined;
  /**
   * What a budget of as many tokens would have chosen, heedless of time and without drafts, and what is left of it under the
   * deadline: `undefined` where it has nothing to return by then.
   */
  readonly computeOptimal: { readonly spec: PlanSpec; readonly accuracyWithoutDeadline: number; readonly underDeadline: PlanPrediction | undefined };
}

/** Gains smaller than this are none. */
const NOTICEABLE = 0.005;

export function explainPlan(fit: FittedPlans, request: ResolvedRequest, choice: Choice): PlanExplanation {
  const { spec, deadlineMs, predicted } = choice;
  const best = (changes: Partial<ResolvedRequest>): Choice | undefined => {
    const changed = { ...request, ...changes };
    return mostAccurate(choicesAt(fit, changed.deadlineMs ?? deadlineMs, changed));
  };
  const later = best({ deadlineMs: 2 * deadlineMs })?.predicted.accuracy ?? predicted.accuracy;
  return {
    spec,
    deadlineMs,
    predicted,
    frontier: frontierOf(fit, request),
    binding: bindingOf(request, choice, later, best({ maxTokens: Infinity })?.predicted.accuracy ?? 0),
    accuracyAtTwiceTheTime: Math.max(later, predicted.accuracy),
    branchesOnly: best({ deadlineMs, parallelism: 'branches' }),
    draftsOnly: best({ deadlineMs, parallelism: 'drafts' }),
    computeOptimal: computeOptimal(fit, request, choice),
  };
}

/** The best plan at each fitted deadline, as far as it is better than with less time. */
export function frontierOf(fit: FittedPlans, request: ResolvedRequest): FrontierPoint[] {
  const frontier: FrontierPoint[] = [];
  for (const deadlineMs of [...fittedDeadlines(fit), Infinity]) {
    const best = mostAccurate(choicesAt(fit, deadlineMs, request));
    if (best && best.predicted.accuracy > (frontier.at(-1)?.predicted.accuracy ?? -1))
      frontier.push({ deadlineMs, spec: best.spec, predicted: best.predicted });
  }
  return frontier;
}

function bindingOf({ minAccuracy, maxTokens }: ResolvedRequest, { predicted }: Choice, later: number, unlimited: number): BindingConstraint {
  if (minAccuracy !== undefined) return 'accuracy';
  if (maxTokens !== undefined && unlimited > predicted.accuracy + NOTICEABLE) return 'tokens';
  return later > predicted.accuracy + NOTICEABLE ? 'deadline' : 'nothing';
}

/** The most accurate plan for as many tokens, whatever time it takes; drafts cost compute and save none. */
function computeOptimal(fit: FittedPlans, request: ResolvedRequest, { deadlineMs, predicted }: Choice): PlanExplanation['computeOptimal'] {
  const unhurried = { ...request, parallelism: 'branches', maxTokens: Math.max(predicted.tokens, branchTokens(fit)) } as const;
  const chosen = mostAccurate(choicesAt(fit, Infinity, unhurried))!;
  const under = choicesAt(fit, deadlineMs, { ...request, maxTokens: Infinity }).find(({ spec }) => spec === chosen.spec);
  return { spec: chosen.spec, accuracyWithoutDeadline: chosen.predicted.accuracy, underDeadline: under?.predicted };
}

/** Tokens of a branch that runs to its end, however it is sampled: no budget is smaller. Where none is planned, of the cheapest plan. */
function branchTokens({ candidates }: FittedPlans): number {
  const whole = candidates.filter(({ spec }) => spec.draftLength === 0).map(({ spec, points }) => ({ ...spec, tokens: points.at(-1)!.tokens }));
  const single = whole.filter(({ branches }) => branches === 1);
  return single.length > 0 ? Math.max(...single.map(({ tokens }) => tokens)) : Math.min(...whole.map(({ tokens }) => tokens));
}

import type { Plan, PlanExplanation } from 'latency-tts';

const known = new WeakMap<Plan, PlanExplanation>();

/** `plan.explain()`, found out once for each plan: panels ask in every frame. */
export function explained(plan: Plan): PlanExplanation {
  let explanation = known.get(plan);
  if (!explanation) known.set(plan, (explanation = plan.explain()));
  return explanation;
}

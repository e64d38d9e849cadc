import * as v from 'valibot';

const steps = v.array(v.object({ branches: v.number(), milliseconds: v.number() }));

/** What a controller has to know of model and machine. Plain data. */
export const planKnowledge = v.object({
  /** Quantiles of the tokens of whole branches, `[0, 0.1, …, 1]`. */
  lengths: v.array(v.number()),
  /** Milliseconds of a decoding step by number of branches, ascending. */
  stepMs: steps,
  /** The same in each weight format, where plans choose among several. */
  stepMsByFormat: v.exactOptional(v.record(v.string(), steps)),
  /** Most branches of one problem. */
  mostBranches: v.number(),
});

export type PlanKnowledge = v.InferOutput<typeof planKnowledge>;

/** With the steps of a weight format. */
export function knowledgeIn(knowledge: PlanKnowledge, format: string | undefined): PlanKnowledge {
  return { ...knowledge, stepMs: (format !== undefined && knowledge.stepMsByFormat?.[format]) || knowledge.stepMs };
}

/** Share of branches that are at most this long. */
export function shareWithin({ lengths }: PlanKnowledge, tokens: number): number {
  const last = lengths.length - 1;
  if (tokens < lengths[0]!) return 0;
  const above = lengths.findIndex((length) => length > tokens);
  if (above < 0) return 1;
  const [low, high] = [lengths[above - 1]!, lengths[above]!];
  return (above - 1 + (tokens - low) / (high - low)) / last;
}

/** Probability that a branch of `tokens` tokens ends within `more` further ones. */
export function chanceToEnd(knowledge: PlanKnowledge, tokens: number, more: number): number {
  if (more <= 0) return 0;
  const alive = 1 - shareWithin(knowledge, tokens);
  if (alive <= 0) return 1;
  return (shareWithin(knowledge, tokens + more) - shareWithin(knowledge, tokens)) / alive;
}

/** Milliseconds of a step, between and beyond the numbers of branches that are known. */
export function stepMsAt(steps: PlanKnowledge['stepMs'], branches: number): number {
  const above = steps.findIndex((step) => step.branches >= branches);
  const high = steps[above < 0 ? steps.length - 1 : above]!;
  const low = steps[above < 0 ? steps.length - 2 : above - 1];
  if (!low || high.branches === branches) return high.milliseconds;
  const slope = (high.milliseconds - low.milliseconds) / (high.branches - low.branches);
  return low.milliseconds + Math.max(0, slope) * (branches - low.branches);
}

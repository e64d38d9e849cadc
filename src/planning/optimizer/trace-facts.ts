import type { LatencyProfile } from '../../contracts/profile.ts';
import type { ProblemTrace } from '../../contracts/trace.ts';
import { aggregateSteps, type StepAggregation } from '../../maths/aggregate-steps.ts';
import { quantile } from '../../maths/quantile.ts';
import type { PlanKnowledge } from '../control/plan-knowledge.ts';
import type { SamplingGroup } from './sampling-groups.ts';

/** Outcomes a position needs to be believed. */
const ENOUGH = 30;
/** Share of right solutions around a score that is accepted. */
const ACCEPTABLE = 0.9;
const STEP_BRANCHES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/** Acceptance rate at each position of a draft, over all traces; `undefined` where they hold none. */
export function acceptanceOf(traces: readonly ProblemTrace[]): number[] | undefined {
  const sums: { proposed: number; accepted: number }[] = [];
  for (const { drafts = [] } of traces) {
    for (const [position, { proposed, accepted }] of drafts.entries()) {
      const sum = (sums[position] ??= { proposed: 0, accepted: 0 });
      sum.proposed += proposed;
      sum.accepted += accepted;
    }
  }
  const rates = sums.filter(({ proposed }) => proposed >= ENOUGH).map(({ proposed, accepted }) => accepted / proposed);
  return rates.length > 0 ? rates : undefined;
}

/**
 * The lowest score with which solutions are as good as surely right, to three digits; `undefined` where few were scored, or no
 * score tells that much. What counts are the solutions around a score: those with the best ones say nothing of it.
 *
 * @param aggregation - How the scores of steps become one.
 */
export function acceptableScore(traces: readonly ProblemTrace[], aggregation: StepAggregation): number | undefined {
  const scored = traces
    .flatMap(({ branches }) => branches)
    .flatMap(({ scores, isRight }) => (scores && isRight !== undefined ? [{ score: aggregateSteps(scores, aggregation), isRight }] : []))
    .sort((left, right) => right.score - left.score);
  let lowest: number | undefined;
  for (let end = ENOUGH; end <= scored.length; end++) {
    const around = scored.slice(end - ENOUGH, end);
    if (around.filter(({ isRight }) => isRight).length < ACCEPTABLE * ENOUGH) break;
    lowest = around.at(-1)!.score;
  }
  return lowest === undefined ? undefined : Math.ceil(1000 * lowest) / 1000;
}

/** What a controller needs, from the traces and the profile a plan was made with. It controls plans of several branches: no greedy ones. */
export function knowledgeOf(groups: readonly SamplingGroup[], profiles: ReadonlyMap<string | undefined, LatencyProfile>): PlanKnowledge {
  const sampled = groups.filter(({ isGreedy }) => !isGreedy);
  const counting = sampled.length > 0 ? sampled : groups;
  const traces = counting.flatMap((group) => group.traces);
  const lengths = traces.flatMap(({ branches }) => branches.map(({ ends }) => ends.length));
  const promptTokens = quantile(
    traces.map((trace) => trace.promptTokens),
    0.5,
  );
  const contextTokens = promptTokens + quantile(lengths, 0.5) / 2;
  const mostBranches = Math.min(...counting.map(({ branches }) => branches));
  const rows = STEP_BRANCHES.filter((branches) => branches <= Math.max(1, mostBranches));
  const stepsOf = (profile: LatencyProfile): PlanKnowledge['stepMs'] =>
    rows.map((branches) => ({ branches, milliseconds: profile.passMs('target', { rows: branches, newTokens: 1, contextTokens }) }));
  const byFormat = [...profiles].flatMap(([format, profile]) => (format === undefined ? [] : [[format, stepsOf(profile)] as const]));
  return {
    lengths: Array.from({ length: 11 }, (_, index) => quantile(lengths, index / 10)),
    stepMs: stepsOf([...profiles.values()][0]!),
    ...(byFormat.length > 0 && { stepMsByFormat: Object.fromEntries(byFormat) }),
    mostBranches,
  };
}

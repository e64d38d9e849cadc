import Table from 'cli-table3';
import type { BindingConstraint, FrontierPoint } from '../../planning/optimizer/explain-plan.ts';
import { describeSpec } from '../../planning/optimizer/plan-spec.ts';
import type { Plan } from '../../planning/optimizer/plan.ts';
import type { Choice, PlanPrediction } from '../../planning/optimizer/solve-plan.ts';

const BINDING: Readonly<Record<BindingConstraint, string>> = {
  deadline: 'the deadline: more time would make it more accurate',
  tokens: 'the tokens: more of them would make it more accurate',
  accuracy: 'the accuracy asked for: this is the fastest plan that has it',
  nothing: 'nothing: more time would help by less than half a point',
};

/** The best plan at each deadline. */
export function frontierTable(frontier: readonly FrontierPoint[]): string {
  const table = new Table({
    head: ['deadline', 'plan', 'accuracy', '95 % interval', 'p50', 'p95', 'p99', 'tokens'],
    style: { head: [], border: [] },
    colAligns: ['right', 'left', 'right', 'right', 'right', 'right', 'right', 'right'],
  });
  for (const { deadlineMs, spec, predicted } of frontier) {
    const { latencyMs, tokens } = predicted;
    table.push([
      formatMs(deadlineMs),
      describeSpec(spec),
      percent(predicted.accuracy),
      interval(predicted),
      ...[latencyMs.p50, latencyMs.p95, latencyMs.p99].map(formatMs),
      tokens.toFixed(0),
    ]);
  }
  return table.toString();
}

/** A plan for people. */
export function formatPlan(plan: Plan): string {
  const { predicted, frontier, binding, accuracyAtTwiceTheTime, branchesOnly, draftsOnly, computeOptimal } = plan.explain();
  const { p50, p95, p99 } = predicted.latencyMs;
  return [
    `plan: ${plan}`,
    `deadline: ${formatMs(plan.deadlineMs)}${plan.runDeadlineMs < plan.deadlineMs ? `, of which the strategy gets ${formatMs(plan.runDeadlineMs)}` : ''}`,
    `accuracy: ${percent(predicted.accuracy)} (95 % interval ${interval(predicted)}); with twice the time ${percent(accuracyAtTwiceTheTime)}`,
    `latency: p50 ${formatMs(p50)}, p95 ${formatMs(p95)}, p99 ${formatMs(p99)}; ${predicted.tokens.toFixed(0)} tokens over all branches`,
    `what binds: ${BINDING[binding]}`,
    `branches only: ${describeChoice(branchesOnly)}`,
    `drafts only: ${describeChoice(draftsOnly)}`,
    `compute-optimal: ${describeSpec(computeOptimal.spec)}, ${percent(computeOptimal.accuracyWithoutDeadline)} without a deadline, ${
      computeOptimal.underDeadline ? `${percent(computeOptimal.underDeadline.accuracy)} under this one` : 'too slow for this one'
    }`,
    '',
    frontierTable(frontier),
    '',
  ].join('\n');
}

export function formatMs(milliseconds: number): string {
  if (milliseconds === Infinity) return 'none';
  return milliseconds < 10
    ? `${milliseconds.toFixed(1)} ms`
    : milliseconds < 10_000
      ? `${milliseconds.toFixed(0)} ms`
      : `${(milliseconds / 1000).toFixed(1)} s`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function interval({ accuracyInterval: [low, high] }: PlanPrediction): string {
  return `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)} %`;
}

function describeChoice(choice: Choice | undefined): string {
  return choice ? `${describeSpec(choice.spec)}, ${percent(choice.predicted.accuracy)}, p95 ${formatMs(choice.predicted.latencyMs.p95)}` : 'none fits';
}

import Table from 'cli-table3';
import { Help } from 'commander';
import type { BindingConstraint, FrontierPoint } from '../../planning/optimizer/explain-plan.ts';
import { describeSpec, type PlanSpec } from '../../planning/optimizer/plan-spec.ts';
import type { Plan } from '../../planning/optimizer/plan.ts';
import type { Choice, PlanPrediction } from '../../planning/optimizer/solve-plan.ts';

const BINDING: Readonly<Record<BindingConstraint, string>> = {
  deadline: 'the deadline: more time would make it more accurate',
  tokens: 'the tokens: more of them would make it more accurate',
  accuracy: 'the accuracy asked for: this is the fastest plan that has it',
  nothing: 'nothing: more time would help by less than half a point',
};

const help = new Help();
const WIDTH = 80;
/** Of a row, which takes `WIDTH` with its borders. */
const COLUMNS = [11, 33, 10, 11, 9];

/** The best plan at each deadline. JSON has intervals and further quantiles. */
export function frontierTable(frontier: readonly FrontierPoint[]): string {
  const table = new Table({
    head: ['deadline', 'plan', 'accuracy', 'p95', 'tokens'],
    style: { head: [], border: [], compact: true },
    colWidths: COLUMNS,
    wordWrap: true,
    colAligns: ['right', 'left', 'right', 'right', 'right'],
  });
  for (const { deadlineMs, spec, predicted } of frontier) {
    table.push([formatMs(deadlineMs), describeSpec(spec), percent(predicted.accuracy), formatMs(predicted.latencyMs.p95), predicted.tokens.toFixed(0)]);
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
    ...terms([plan.spec, computeOptimal.spec, ...[branchesOnly, draftsOnly].flatMap((choice) => choice?.spec ?? []), ...frontier.map(({ spec }) => spec)]),
    '',
  ].join('\n');
}

/** What the words mean that plans are described with, as far as they are used. */
function terms(specs: readonly PlanSpec[]): string[] {
  const has = (check: (spec: PlanSpec) => unknown): boolean => specs.some((spec) => check(spec));
  const isOf = (strategy: PlanSpec['strategy']): boolean => has((spec) => spec.strategy === strategy);
  const used: readonly (readonly [boolean, string])[] = [
    [true, 'p50, p95, p99: half, 95 % and 99 % of answers are there by then'],
    [true, 'branches only, drafts only: the best plan without drafts, and the best one with a single branch'],
    [true, 'compute-optimal: the most accurate plan for as many tokens if time were no matter; next to it what is left of it under this deadline'],
    [isOf('self-consistency'), 'self-consistency of N: N solutions vote'],
    [isOf('weighted-vote'), 'weighted-vote of N: N solutions vote, each with the weight of its score by the reward model'],
    [isOf('best-of-n'), 'best-of-n of N: of N solutions the one with the highest score by the reward model'],
    [isOf('first-finish'), 'first-finish of N, first M: of N solutions the first M to finish vote'],
    [isOf('beam-search'), 'beam-search of N: N solutions are searched step by step, by scores'],
    [
      has(({ acceptAt }) => acceptAt !== undefined),
      'accepting S: the first solution with a score of at least S ends the run; in the calibration, such a score was as good as surely right',
    ],
    [has(({ firstWave }) => firstWave !== undefined), 'K first: K branches begin, and the others follow only if none of these is accepted'],
    [
      has(({ sampling, firstSampling }) => sampling?.temperature === 0 || firstSampling?.temperature === 0),
      'greedy: always the likeliest token (temperature 0)',
    ],
    [has(({ draftLength }) => draftLength !== 0), 'drafts of K, adaptive drafts: K tokens are guessed ahead and verified in one model step, or as many as pay'],
    [has(({ maxTokens }) => maxTokens !== undefined), 'at most T tokens: a branch that is longer is asked for its answer'],
    [
      has(({ earlyDecision }) => earlyDecision !== undefined && earlyDecision !== 'exact'),
      'beta decision and the like: the vote ends once its winner is likely, not only once it is certain',
    ],
    [
      has(({ answerTokens }) => answerTokens !== undefined),
      'T tokens for forced answers: what an unfinished branch may write when it is asked for its answer at the deadline',
    ],
  ];
  return used.flatMap(([isUsed, text]) => (isUsed ? [help.boxWrap(`${text}.`, WIDTH)] : []));
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

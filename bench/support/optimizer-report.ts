import { mean, quantile } from 'simple-statistics';
import { TIERS } from 'latency-tts/problems';
import type { Aim } from './aims.ts';
import { accuracyError, accuracyOf, latencyErrors, latencyOf, missesOf, type PlanTrials, type Trial } from './optimizer-trials.ts';
import { markdownTable, provenanceOf, type BenchmarkReport } from './report-files.ts';
import { roundTo } from './statistics.ts';

export const AIMS: readonly Aim[] = [
  { name: 'time_to_accuracy_vs_transformersjs', atLeast: 6 },
  { name: 'time_to_accuracy_vs_node_llama_cpp', atLeast: 2 },
  { name: 'latency_error_p50', atMost: 0.1 },
  { name: 'latency_error_p95', atMost: 0.25 },
  { name: 'accuracy_error_points', atMost: 3 },
  { name: 'deadline_miss_rate_p95_plan', atMost: 0.05 },
  { name: 'deadline_miss_rate_loaded', atMost: 0.07 },
  { name: 'regret_points', atMost: 1 },
  { name: 'joint_minus_branches_points', atLeast: 0 },
  { name: 'joint_minus_drafts_points', atLeast: 0 },
  { name: 'joint_minus_compute_optimal_points', atLeast: 0 },
  { name: 'solve_ms', atMost: 1 },
  { name: 'fit_s', atMost: 300 },
];

/** Our first plan, by the accuracy asked for, that is accurate enough. */
export const OUR_PLAN = 'our plan';

/** Names peers that write one greedy text, which is no vote. */
export const GREEDY_LABEL = 'one greedy text';

/** Mean wall time of a question until the accuracy wanted is reached. */
export interface TimeToAccuracy {
  readonly who: string;
  readonly milliseconds: number;
  readonly accuracy: number;
}

export interface OptimizerFindings {
  readonly fitSeconds: number;
  readonly profileSeconds: number;
  readonly traceSeconds: number;
  readonly solveMs: number;
  readonly idle: readonly PlanTrials[];
  readonly loaded: readonly PlanTrials[];
  readonly grid: readonly PlanTrials[];
  readonly times: readonly TimeToAccuracy[];
}

export interface OptimizerReport extends BenchmarkReport {
  readonly benchmark: 'optimizer';
  readonly problems: { readonly calibration: number; readonly test: number; readonly loaded: number; readonly grid: number };
  readonly rows: readonly OptimizerRow[];
  readonly times: readonly TimeToAccuracy[];
  /** Of a plain vote; `undefined` before the peers were measured. */
  readonly wantedAccuracy?: number;
  /** Where the times were measured by another call. */
  readonly timesBy?: { readonly command: string; readonly problems: number };
}

export interface OptimizerRow {
  readonly part: 'idle' | 'loaded' | 'grid';
  readonly rule: string;
  readonly plan: string;
  readonly deadlineMs: number;
  readonly predictedAccuracy: number | undefined;
  readonly accuracy: number;
  readonly predictedP50: number | undefined;
  readonly p50: number;
  readonly predictedP95: number | undefined;
  readonly p95: number;
  readonly misses: number;
  readonly runs: number;
}

export function rowsOf({ idle, loaded, grid }: OptimizerFindings): OptimizerRow[] {
  const row =
    (part: OptimizerRow['part']) =>
    (trials: PlanTrials): OptimizerRow => ({
      part,
      rule: trials.rule,
      plan: trials.plan,
      deadlineMs: roundTo(trials.deadlineMs, 1),
      predictedAccuracy: trials.predicted && roundTo(trials.predicted.accuracy, 3),
      accuracy: roundTo(accuracyOf(trials.trials), 3),
      predictedP50: trials.predicted && roundTo(trials.predicted.latencyMs.p50, 1),
      p50: roundTo(latencyOf(trials.trials, 0.5), 1),
      predictedP95: trials.predicted && roundTo(trials.predicted.latencyMs.p95, 1),
      p95: roundTo(latencyOf(trials.trials, 0.95), 1),
      misses: roundTo(missesOf(trials), 3),
      runs: trials.trials.length,
    });
  return [...idle.map(row('idle')), ...loaded.map(row('loaded')), ...grid.map(row('grid'))];
}

/** Their best time over ours: of plain votes, and of greedy texts, which are another thing to compare with. */
export function timesHeadline(times: readonly TimeToAccuracy[]): Record<string, number> {
  const ours = times.find(({ who }) => who === OUR_PLAN);
  const over = (figure: string, isTheirs: (who: string) => boolean): Record<string, number> => {
    const theirs = times.filter(({ who }) => isTheirs(who));
    if (!ours || theirs.length === 0) return {};
    const best = Math.min(...theirs.map(({ milliseconds }) => milliseconds));
    return { [`time_to_accuracy_vs_${figure}`]: roundTo(best / ours.milliseconds, 2) };
  };
  const isGreedy = (who: string): boolean => who.includes(GREEDY_LABEL);
  return {
    ...over('transformersjs', (who) => who.startsWith('transformers.js') && !who.includes('Gumbel') && !isGreedy(who)),
    ...over('tuned_transformersjs', (who) => who.includes('Gumbel') && !isGreedy(who)),
    ...over('node_llama_cpp', (who) => who.startsWith('node-llama-cpp') && !isGreedy(who)),
    ...over('greedy_transformersjs', (who) => who.startsWith('transformers.js') && isGreedy(who)),
    ...over('greedy_node_llama_cpp', (who) => who.startsWith('node-llama-cpp') && isGreedy(who)),
  };
}

export function optimizerHeadline(findings: OptimizerFindings): Record<string, number> {
  const { idle, loaded, grid, times } = findings;
  const of = (rule: string, from = idle): PlanTrials[] => from.filter((trials) => trials.rule === rule);
  const joint = of('joint');
  const errors = joint.flatMap(latencyErrors);
  const gain = (rule: string): number => {
    const gains = joint.flatMap((plan) =>
      of(rule)
        .filter(({ deadlineMs }) => deadlineMs === plan.deadlineMs)
        .map((other) => 100 * (accuracyOf(plan.trials) - accuracyOf(other.trials))),
    );
    return gains.length === 0 ? NaN : mean(gains);
  };
  const regrets = [...new Set(grid.map(({ deadlineMs }) => deadlineMs))].map((deadlineMs) => {
    const plan = joint.find((trials) => trials.deadlineMs === deadlineMs)!;
    const others = grid.filter((trials) => trials.deadlineMs === deadlineMs);
    return (
      100 *
      regretOf(
        plan.trials,
        others.map(({ trials }) => trials),
      )
    );
  });
  const misses = (trials: readonly PlanTrials[]): number =>
    mean(trials.flatMap((plan) => plan.trials.map(({ milliseconds }) => Number(milliseconds > plan.deadlineMs))));
  return {
    ...timesHeadline(times),
    latency_error_p50: roundTo(quantile(errors, 0.5), 3),
    latency_error_p95: roundTo(quantile(errors, 0.95), 3),
    accuracy_error_points: roundTo(mean(joint.map(accuracyError)), 2),
    deadline_miss_rate_p95_plan: roundTo(misses(joint), 4),
    ...(loaded.length > 0 && { deadline_miss_rate_loaded: roundTo(misses(loaded), 4) }),
    ...(regrets.length > 0 && { regret_points: roundTo(mean(regrets), 2) }),
    joint_minus_branches_points: roundTo(gain('branches'), 2),
    joint_minus_drafts_points: roundTo(gain('drafts'), 2),
    joint_minus_compute_optimal_points: roundTo(gain('compute-optimal'), 2),
    solve_ms: roundTo(findings.solveMs, 3),
    fit_s: roundTo(findings.fitSeconds, 1),
  };
}

/**
 * How much more accurate the best of the others is. Which one is best is found out on one half of the problems and tried on the
 * other, both ways round: the best of many on the very problems it was chosen by is best by luck, too.
 */
function regretOf(plan: readonly Trial[], others: readonly (readonly Trial[])[]): number {
  const count = others[0]!.length;
  const half = (trials: readonly Trial[], parity: number): Trial[] =>
    trials.slice(0, count).filter((_, index) => Math.floor(index / TIERS.length) % 2 === parity);
  return mean(
    [0, 1].map((parity) => {
      const best = others.reduce((one, other) => (accuracyOf(half(other, parity)) > accuracyOf(half(one, parity)) ? other : one));
      return accuracyOf(half(best, 1 - parity)) - accuracyOf(half(plan, 1 - parity));
    }),
  );
}

/** The section of the documentation. */
export function optimizerMarkdown(report: OptimizerReport): string {
  const percent = (share: number | undefined): string => (share === undefined ? '' : (100 * share).toFixed(1));
  const ms = (value: number | undefined): string => value?.toFixed(0) ?? '';
  const table = (part: OptimizerRow['part']): string =>
    markdownTable(
      ['deadline ms', 'rule', 'plan', 'accuracy, predicted', 'accuracy %', 'p50 ms, predicted', 'p50 ms', 'p95 ms, predicted', 'p95 ms', 'misses %'],
      report.rows
        .filter((row) => row.part === part)
        .map((row) => [
          ms(row.deadlineMs),
          row.rule,
          row.plan,
          percent(row.predictedAccuracy),
          percent(row.accuracy),
          ms(row.predictedP50),
          ms(row.p50),
          ms(row.predictedP95),
          ms(row.p95),
          percent(row.misses),
        ]),
    );
  const { calibration, test, loaded, grid } = report.problems;
  return [
    provenanceOf(report),
    `Fitted on ${calibration} calibration problems of all tiers, tried on ${test} held-out ones. 95 % intervals of an accuracy over ${test} problems are about ±${(196 * Math.sqrt(0.2 / test)).toFixed(0)} points.`,
    markdownTable(
      ['headline', 'value'],
      Object.entries(report.headline).map(([name, value]) => [`\`${name}\``, String(value)]),
    ),
    '**Idle machine.** `joint` is the plan; `branches` and `drafts` are the best with one parallelism; `compute-optimal` is what a budget of as many tokens chooses, heedless of time, run under the same deadline.',
    table('idle'),
    `**With another process on one core**, on ${loaded} problems.`,
    table('loaded'),
    `**Grid for the regret:** other plans at the same deadlines, on ${grid} problems. The best of them is chosen on one half of the problems and tried on the other, both ways round.`,
    table('grid'),
    ...(report.wantedAccuracy === undefined ? [] : [timesMarkdown(report, 100 * report.wantedAccuracy)]),
  ].join('\n\n');
}

function timesMarkdown({ times, timesBy, problems }: OptimizerReport, wanted: number): string {
  const table = markdownTable(
    ['', 'ms a question', 'accuracy %'],
    times.map(({ who, milliseconds, accuracy }) => [who, milliseconds.toFixed(1), (100 * accuracy).toFixed(1)]),
  );
  const by = timesBy ? ` Measured by \`${timesBy.command}\`, on ${timesBy.problems} problems and the same machine.` : '';
  const standardError = Math.sqrt((wanted * (100 - wanted)) / (timesBy?.problems ?? problems.test));
  return `**Time to accuracy**: mean wall time a question until ${wanted.toFixed(1)} % are right, the mean accuracy of plain votes of 8. One point less is as much: the standard error of an accuracy here is ${standardError.toFixed(1)} points. Our plans are those of \`solve({ minAccuracy, fastestBy: 'mean' })\` for the accuracy of a vote of 8 on the calibration problems and then for higher ones; \`${OUR_PLAN}\` is the first that comes to it.${by} \`Gumbel noise\` is \`generate\` with a sampler of ours in place of its own, which few would write. \`${GREEDY_LABEL}\` is what a peer does in a loop without a vote: on these models nearly as accurate as one, and the fairer comparison where our plan is a greedy text, too (\`time_to_accuracy_vs_greedy_…\`). Everybody has the settings that suit them best.\n\n${table}`;
}

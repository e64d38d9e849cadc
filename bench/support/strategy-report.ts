import { mean, quantile } from 'simple-statistics';
import { shareInterval } from '../../src/maths/share-interval.ts';
import { percent } from './proportions.ts';
import { markdownTable, type BenchmarkReport } from './report-files.ts';
import type { PassTimes } from './simulation/pass-times.ts';
import { roundTo } from './statistics.ts';

/** One strategy on one problem. */
export interface StrategyRunRecord {
  readonly strategy: string;
  readonly tier: number;
  readonly problem: number;
  /** Times the median time of one branch; `undefined` for no deadline. */
  readonly deadlineFactor: number | undefined;
  readonly answer: string | undefined;
  readonly isRight: boolean;
  /** Simulated or the wall's, as the list says that it stands in. */
  readonly milliseconds: number;
  /** Milliseconds past the deadline; 0 within it. */
  readonly overshootMs: number;
  readonly tokens: number;
}

/** One strategy at one deadline, over all problems of a tier. */
export interface StrategyRow {
  readonly strategy: string;
  readonly tier: number;
  readonly deadlineFactor: number | undefined;
  readonly problems: number;
  readonly accuracy: number;
  readonly accuracy95: readonly [number, number];
  readonly meanMs: number;
  readonly p95Ms: number;
  readonly meanTokens: number;
}

/** The same runs on the real engine and in simulated time. */
export interface WallCheck {
  readonly rows: readonly {
    readonly strategy: string;
    readonly runs: number;
    /** Medians of the runs without a deadline. */
    readonly wallMs: number;
    readonly simulatedMs: number;
    /** Median of wall over simulated, run by run. */
    readonly ratio: number;
    /** Share of the runs without a deadline that gave the same answer. */
    readonly sameAnswers: number;
    /** Over all deadlines. */
    readonly wallAccuracy: number;
    readonly simulatedAccuracy: number;
  }[];
  readonly runs: number;
  readonly overshootP99Ms: number;
  readonly overshootMedianMs: number;
}

/** Times are simulated where nothing else is said. */
export interface StrategyReport extends BenchmarkReport {
  readonly benchmark: 'strategies';
  readonly settings: { readonly problems: number; readonly tiers: readonly number[]; readonly seed: number; readonly checked: number };
  /** Median milliseconds of one branch, by tier: what deadlines are counted in. */
  readonly branchMs: Readonly<Record<string, number>>;
  /** What simulated passes take. */
  readonly passTimes: PassTimes;
  readonly rows: readonly StrategyRow[];
  readonly wall: WallCheck;
}

export function summariseStrategies(records: readonly StrategyRunRecord[]): StrategyRow[] {
  const groups = new Map<string, StrategyRunRecord[]>();
  for (const record of records) groups.set(keyOf(record), [...(groups.get(keyOf(record)) ?? []), record]);
  return [...groups.values()].map((group) => {
    const [{ strategy, tier, deadlineFactor }] = group as [StrategyRunRecord];
    const accuracy = mean(group.map(({ isRight }) => Number(isRight)));
    const times = group.map(({ milliseconds }) => milliseconds);
    return {
      strategy,
      tier,
      deadlineFactor,
      problems: group.length,
      accuracy,
      accuracy95: shareInterval(accuracy, 0, group.length),
      meanMs: mean(times),
      p95Ms: quantile(times, 0.95),
      meanTokens: mean(group.map(({ tokens }) => tokens)),
    };
  });
}

const keyOf = ({ strategy, tier, deadlineFactor }: StrategyRunRecord): string => `${strategy} ${tier} ${deadlineFactor}`;

/** Names of the roster that the headline takes. */
export interface HeadlineNames {
  readonly accuracies: Readonly<Record<string, string>>;
  readonly decided: string;
  readonly undecided: string;
}

/**
 * Accuracies without a deadline over all tiers, what the exact early decision saves, and the 99th percentile of overshoot.
 *
 * @param records - In simulated time.
 * @param wall - On the wall's clock; overshoot is theirs.
 */
export function strategyHeadline(
  records: readonly StrategyRunRecord[],
  wall: readonly StrategyRunRecord[],
  { accuracies, decided, undecided }: HeadlineNames,
): Record<string, number> {
  const freeOf = (from: readonly StrategyRunRecord[], name: string): StrategyRunRecord[] =>
    from.filter(({ strategy, deadlineFactor }) => strategy === name && deadlineFactor === undefined);
  const of = (name: string): StrategyRunRecord[] => freeOf(records, name);
  const overshoots = wall.filter(({ deadlineFactor }) => deadlineFactor !== undefined).map(({ overshootMs }) => overshootMs);
  const headline: Record<string, number> = {};
  for (const [key, name] of Object.entries(accuracies)) {
    const runs = of(name);
    if (runs.length > 0) headline[key] = roundTo(mean(runs.map(({ isRight }) => Number(isRight))), 3);
  }
  if (overshoots.length > 0) headline['deadline_overshoot_p99_ms'] = roundTo(quantile(overshoots, 0.99), 2);
  const [early, waited] = [of(decided), of(undecided)];
  if (early.length > 0 && waited.length > 0) {
    const time = (runs: readonly StrategyRunRecord[]): number => mean(runs.map(({ milliseconds }) => milliseconds));
    headline['early_decision_time_saved'] = roundTo(1 - time(early) / time(waited), 3);
    const [earlyWall, waitedWall] = [freeOf(wall, decided), freeOf(wall, undecided)];
    if (earlyWall.length > 0 && waitedWall.length > 0) headline['early_decision_time_saved_wall'] = roundTo(1 - time(earlyWall) / time(waitedWall), 3);
    headline['early_decision_changed_answers'] = early.filter(({ answer }, index) => answer !== waited[index]!.answer).length;
  }
  return headline;
}

const deadlineText = (factor: number | undefined, branchMs: number): string =>
  factor === undefined ? 'none' : `${factor} × (${(factor * branchMs).toFixed(0)} ms)`;

/** The measured curve of one strategy. */
export function strategyTable(report: StrategyReport, strategy: string): string {
  const rows = report.rows.filter((row) => row.strategy === strategy);
  const table = markdownTable(
    ['tier', 'deadline, in median times of one branch', 'problems', 'accuracy %', '95 %', 'mean ms, simulated', 'p95 ms, simulated', 'tokens'],
    rows.map((row) => [
      String(row.tier),
      deadlineText(row.deadlineFactor, report.branchMs[row.tier]!),
      String(row.problems),
      percent(row.accuracy),
      row.accuracy95.map(percent).join('–'),
      row.meanMs.toFixed(0),
      row.p95Ms.toFixed(0),
      row.meanTokens.toFixed(0),
    ]),
  );
  const { machine, command, settings, wall } = report;
  const check = wall.rows.find((row) => row.strategy === strategy);
  const checked = check
    ? ` Times are simulated from measured passes; ${check.runs} of these runs, repeated on the clock on the wall, took ${check.ratio.toFixed(2)} times as long (median, without a deadline) and were right in ${percent(check.wallAccuracy)} % of the cases, the simulated ones in ${percent(check.simulatedAccuracy)} %.`
    : '';
  return `\`${command}\`, ${machine.date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, load average ${machine.loadAverage.toFixed(2)}; bundled target and PRM, seed ${settings.seed}.${checked}\n\n${table}`;
}

/** All strategies side by side, without a deadline and at each deadline. */
export function overviewTable({ rows }: StrategyReport, tier: number): string {
  const ofTier = rows.filter((row) => row.tier === tier);
  const factors = [...new Set(ofTier.map(({ deadlineFactor }) => deadlineFactor))].sort((left, right) => (left ?? Infinity) - (right ?? Infinity));
  const names = [...new Set(ofTier.map(({ strategy }) => strategy))];
  const cell = (strategy: string, factor: number | undefined): string => {
    const row = ofTier.find((candidate) => candidate.strategy === strategy && candidate.deadlineFactor === factor);
    return row ? percent(row.accuracy) : '';
  };
  const free = (strategy: string): StrategyRow | undefined => ofTier.find((row) => row.strategy === strategy && row.deadlineFactor === undefined);
  return markdownTable(
    ['strategy', ...factors.map((factor) => (factor === undefined ? 'no deadline' : `${factor} ×`)), 'ms (simulated)', 'p95 ms (simulated)', 'tokens'],
    names.map((name) => [
      name,
      ...factors.map((factor) => cell(name, factor)),
      free(name)?.meanMs.toFixed(0) ?? '',
      free(name)?.p95Ms.toFixed(0) ?? '',
      free(name)?.meanTokens.toFixed(0) ?? '',
    ]),
  );
}

/** How simulated runs compare with the same runs on the wall's clock. */
export function wallTable({ wall, settings }: StrategyReport): string {
  const table = markdownTable(
    ['strategy', 'runs', 'wall ms', 'simulated ms', 'wall / simulated', 'same answers %', 'accuracy %, wall', 'accuracy %, simulated'],
    wall.rows.map((row) => [
      row.strategy,
      String(row.runs),
      row.wallMs.toFixed(0),
      row.simulatedMs.toFixed(0),
      row.ratio.toFixed(2),
      percent(row.sameAnswers),
      percent(row.wallAccuracy),
      percent(row.simulatedAccuracy),
    ]),
  );
  return `${settings.checked} problems a tier on the wall's clock; times, ratio and answers without a deadline, accuracies over all deadlines. Overshoot of a deadline: median ${wall.overshootMedianMs.toFixed(1)} ms, 99th percentile ${wall.overshootP99Ms.toFixed(1)} ms, over ${wall.runs} runs.\n\n${table}`;
}

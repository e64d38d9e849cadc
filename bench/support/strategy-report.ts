import { mean, quantile } from 'simple-statistics';
import { percent, wilsonInterval } from './proportions.ts';
import { markdownTable, type BenchmarkReport } from './report-files.ts';
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

export interface StrategyReport extends BenchmarkReport {
  readonly benchmark: 'strategies';
  readonly settings: { readonly problems: number; readonly tiers: readonly number[]; readonly seed: number };
  /** Median milliseconds of one branch, by tier: what deadlines are counted in. */
  readonly branchMs: Readonly<Record<string, number>>;
  readonly rows: readonly StrategyRow[];
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
      accuracy95: wilsonInterval(accuracy, group.length),
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

/** Accuracies without a deadline over all tiers, the 99th percentile of overshoot, and what the exact early decision saves. */
export function strategyHeadline(records: readonly StrategyRunRecord[], { accuracies, decided, undecided }: HeadlineNames): Record<string, number> {
  const of = (name: string): StrategyRunRecord[] => records.filter(({ strategy, deadlineFactor }) => strategy === name && deadlineFactor === undefined);
  const overshoots = records.filter(({ deadlineFactor }) => deadlineFactor !== undefined).map(({ overshootMs }) => overshootMs);
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
    ['tier', 'deadline, in median times of one branch', 'problems', 'accuracy %', '95 %', 'mean ms', 'p95 ms', 'tokens'],
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
  const { machine, command } = report;
  return `\`${command}\`, ${machine.date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, load average ${machine.loadAverage.toFixed(2)}; bundled target and PRM, seed ${report.settings.seed}.\n\n${table}`;
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
    ['strategy', ...factors.map((factor) => (factor === undefined ? 'no deadline' : `${factor} ×`)), 'ms', 'p95 ms', 'tokens'],
    names.map((name) => [
      name,
      ...factors.map((factor) => cell(name, factor)),
      free(name)?.meanMs.toFixed(0) ?? '',
      free(name)?.p95Ms.toFixed(0) ?? '',
      free(name)?.meanTokens.toFixed(0) ?? '',
    ]),
  );
}

import accuracies from './data/accuracy.json' with { type: 'json' };
import type { DemoState, Measurement } from './state.ts';

/** A plan on the chart: accuracy as measured on held-out problems, latency as measured on this device. */
export interface ChartPoint {
  readonly branches: number;
  /** Share of problems solved, with its 95 % Wilson interval. */
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
  /** Median of this device's runs. */
  readonly medianMs: number;
  readonly slowestMs: number;
  readonly runs: number;
}

export const { problems: ACCURACY_PROBLEMS } = accuracies;

/** The plans of the current problem's difficulty, drafts and device that have been measured, fewest branches first. */
export function chartPoints({ measurements, problem, settings }: Pick<DemoState, 'measurements' | 'problem' | 'settings'>): ChartPoint[] {
  return accuracies.points
    .filter(({ tier }) => tier === problem.tier)
    .flatMap(({ branches, accuracy, low, high }) => {
      const measured = measurements.find((other) => isFor(other, { branches, tier: problem.tier, drafts: settings.drafts, device: settings.device }));
      if (!measured) return [];
      const { totalsMs } = measured;
      return [
        { branches, accuracy, low, high, medianMs: totalsMs[Math.floor((totalsMs.length - 1) / 2)]!, slowestMs: totalsMs.at(-1)!, runs: totalsMs.length },
      ];
    });
}

type Plan = Omit<Measurement, 'totalsMs'>;

const isFor = (measured: Measurement, plan: Plan): boolean =>
  measured.branches === plan.branches && measured.tier === plan.tier && measured.drafts === plan.drafts && measured.device === plan.device;

/** The measurements with one more run. */
export function withRun(measurements: readonly Measurement[], plan: Plan, totalMs: number): Measurement[] {
  const before = measurements.find((measured) => isFor(measured, plan));
  const totalsMs = [...(before?.totalsMs ?? []), totalMs].sort((left, right) => left - right);
  return [...measurements.filter((measured) => measured !== before), { ...plan, totalsMs }];
}

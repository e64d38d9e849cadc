import * as Plot from '@observablehq/plot';
import type { CandidatePoint, MeasuredPlan, PlannedPoint, StepTime } from './report-data.ts';

/** A drawing of a given width, in pixels. */
export type Chart = (width: number) => Element;

const PERCENT = { percent: true, grid: true, label: 'accuracy (%)' } as const;
const NARROW = 480;

/** One part of the engine: milliseconds of a pass over rows and new tokens. */
export function stepTimeChart(times: readonly StepTime[]): Chart {
  const logs = times.map(({ medianMs }) => Math.log(medianMs));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const isDark = ({ medianMs }: StepTime): boolean => (Math.log(medianMs) - low) / (high - low || 1) > 0.5;
  const newTokens = new Set(times.map((time) => time.newTokens)).size;
  return (width) =>
    Plot.plot({
      width,
      height: 70 + 30 * newTokens,
      marginLeft: 50,
      marginTop: 28,
      ariaLabel: `Milliseconds of a pass: ${times[0]?.part}`,
      x: { type: 'band', label: 'rows' },
      y: { type: 'band', label: 'new tokens a row', labelAnchor: 'top', labelArrow: false, reverse: true },
      color: { type: 'log', scheme: 'blues', label: 'ms', domain: [Math.exp(low), Math.exp(high) * (high > low ? 1 : 1.01)] },
      marks: [
        Plot.cell(times, { x: 'rows', y: 'newTokens', fill: 'medianMs', inset: 0.5 }),
        Plot.text(times, {
          x: 'rows',
          y: 'newTokens',
          text: ({ medianMs }: StepTime) => medianMs.toPrecision(2),
          fill: (time: StepTime) => (isDark(time) ? '#fff' : '#123'),
          fontSize: width < NARROW ? 8 : 11,
        }),
      ],
    });
}

/** Accuracy against latency: every candidate under every deadline, and the best. */
export function frontierChart(candidates: readonly CandidatePoint[], frontier: readonly PlannedPoint[]): Chart {
  return (width) =>
    Plot.plot({
      width,
      height: Math.max(300, width / 2),
      ariaLabel: 'Accuracy against latency of all candidates, with the frontier',
      x: { type: 'log', label: 'p95 latency (ms)', grid: true, ticks: Math.max(3, width / 140), tickFormat: '~s' },
      y: PERCENT,
      color: { legend: true, scheme: 'observable10' },
      marks: [
        Plot.dot(candidates, { x: 'p95Ms', y: 'accuracy', stroke: 'strategy', r: 2.5, strokeOpacity: 0.45 }),
        Plot.areaY(frontier, { x: 'p95Ms', y1: 'accuracyLow', y2: 'accuracyHigh', fillOpacity: 0.1, curve: 'step-after' }),
        Plot.line(frontier, { x: 'p95Ms', y: 'accuracy', strokeWidth: 2, curve: 'step-after' }),
        Plot.dot(frontier, { x: 'p95Ms', y: 'accuracy', fill: 'currentColor', r: 4 }),
        Plot.tip(candidates, Plot.pointer({ x: 'p95Ms', y: 'accuracy', title: describePoint })),
      ],
    });
}

function describePoint({ plan, accuracy, p95Ms, deadlineMs }: PlannedPoint): string {
  const deadline = deadlineMs === null ? 'without a deadline' : `deadline ${deadlineMs.toFixed(0)} ms`;
  return `${plan}\n${(100 * accuracy).toFixed(1)} % right, p95 ${p95Ms.toFixed(0)} ms\n${deadline}`;
}

/** What was promised against what came: latencies. */
export function latencyChart(measured: readonly MeasuredPlan[]): Chart {
  const points = measured.flatMap(({ plan, rule, predictedP50, p50, predictedP95, p95 }) => [
    { plan, rule, quantile: 'p50', predicted: predictedP50, found: p50 },
    { plan, rule, quantile: 'p95', predicted: predictedP95, found: p95 },
  ]);
  return againstChart(points, 'quantile', 'latency (ms)', 'log');
}

/** What was promised against what came: accuracies. */
export function accuracyChart(measured: readonly MeasuredPlan[]): Chart {
  const points = measured.map(({ plan, rule, predictedAccuracy, accuracy }) => ({ plan, rule, predicted: 100 * predictedAccuracy, found: 100 * accuracy }));
  return againstChart(points, 'rule', 'accuracy (%)', 'linear');
}

interface Compared {
  readonly plan: string;
  readonly rule: string;
  readonly predicted: number;
  readonly found: number;
}

function againstChart(points: readonly Compared[], stroke: 'quantile' | 'rule', what: string, type: 'log' | 'linear'): Chart {
  const values = points.flatMap(({ predicted, found }) => [predicted, found]);
  const ends = [Math.min(...values), Math.max(...values)];
  return (width) =>
    Plot.plot({
      width,
      height: Math.min(width, 420),
      ariaLabel: `Predicted against measured ${what}`,
      x: { type, label: `predicted ${what}`, grid: true, ticks: Math.max(3, width / 140), tickFormat: '~s' },
      y: { type, label: `measured ${what}`, grid: true, tickFormat: '~s' },
      color: { legend: true, scheme: 'observable10' },
      marks: [
        Plot.line(ends, { x: (end: number) => end, y: (end: number) => end, strokeDasharray: '4 4', strokeOpacity: 0.6 }),
        Plot.dot(points, { x: 'predicted', y: 'found', stroke, r: 4, strokeWidth: 2 }),
        Plot.tip(points, Plot.pointer({ x: 'predicted', y: 'found', title: ({ plan, rule }: Compared) => `${rule}: ${plan}` })),
      ],
    });
}

/** How many branches a deadline is spent on. */
export function branchesChart(split: readonly PlannedPoint[]): Chart {
  return (width) =>
    Plot.plot({
      width,
      height: 220,
      ariaLabel: 'Branches as the deadline grows',
      x: { type: 'log', label: 'deadline (ms)', grid: true, ticks: Math.max(3, width / 140), tickFormat: '~s' },
      y: { label: 'branches', grid: true, domain: [0, Math.max(...split.map(({ branches }) => branches))] },
      marks: [
        Plot.areaY(split, { x: 'deadlineMs', y: 'branches', fillOpacity: 0.15, curve: 'step-after' }),
        Plot.line(split, { x: 'deadlineMs', y: 'branches', strokeWidth: 2, curve: 'step-after' }),
        Plot.tip(split, Plot.pointerX({ x: 'deadlineMs', y: 'branches', title: describePoint })),
      ],
    });
}

/** How long drafts are, over the same deadlines. */
export function draftsChart(split: readonly PlannedPoint[]): Chart {
  const nameOf = ({ draftLength }: PlannedPoint): string => (draftLength === 0 ? 'none' : String(draftLength));
  const rank = (name: string): number => (name === 'none' ? 0 : name === 'adaptive' ? Infinity : Number(name));
  const domain = [...new Set(split.map(nameOf))].sort((left, right) => rank(right) - rank(left));
  return (width) =>
    Plot.plot({
      width,
      height: 80 + 28 * domain.length,
      marginLeft: 64,
      marginTop: 28,
      ariaLabel: 'Tokens drafted a round as the deadline grows',
      x: { type: 'log', label: 'deadline (ms)', grid: true, ticks: Math.max(3, width / 140), tickFormat: '~s' },
      y: { type: 'point', domain, label: 'tokens drafted a round', labelAnchor: 'top', labelArrow: false, grid: true },
      color: { legend: true, scheme: 'observable10' },
      marks: [Plot.dot(split, { x: 'deadlineMs', y: nameOf, fill: 'strategy', r: 4 })],
    });
}

import type * as Plot from '@observablehq/plot';
import { ACCURACY_PROBLEMS, chartPoints, type ChartPoint } from '../chart-points.ts';
import { byId, element, setText } from '../dom.ts';
import { count, formatMs, formatShare } from '../format.ts';
import type { Frame, Panel } from '../frame.ts';
import { explained } from '../plan/explained.ts';
import { isActive, type DemoState } from '../state.ts';

/** The plot, its figures as a table, and the button that measures. */
export function createFrontierChart({ onMeasure }: { readonly onMeasure: () => void }): Panel {
  const container = byId('chart', HTMLElement);
  const table = byId('chart-table', HTMLElement);
  const note = byId('frontier-note', HTMLElement);
  const measure = byId('measure', HTMLButtonElement);
  let plot: typeof Plot | undefined;
  let drawn = '';
  let last: DemoState | undefined;
  measure.addEventListener('click', onMeasure);

  const draw = (): void => {
    if (!last || !plot) return;
    const points = chartPoints(last);
    const width = Math.round(container.clientWidth);
    const frontier = frontierOf(last);
    const key = JSON.stringify([points, frontier, last.settings, last.problem.tier, width]);
    if (key === drawn || width === 0) return;
    drawn = key;
    container.replaceChildren(points.length + frontier.length === 0 ? emptyChart() : plotOf(plot, { points, frontier }, last, width));
    table.replaceChildren(tableOf(points, last.settings.branches));
  };
  // A library of some size, which nothing else waits for.
  void import('@observablehq/plot').then((loaded) => {
    plot = loaded;
    draw();
  });
  new ResizeObserver(draw).observe(container);

  return ({ state }: Frame) => {
    last = state;
    measure.setAttribute('aria-disabled', String(state.measuring !== undefined || isActive(state.run)));
    setText(note, noteOf(state));
    draw();
  };
}

function noteOf({ measuring, problem, plan }: DemoState): string {
  if (measuring) return `Measuring this device: ${measuring.done} of ${measuring.of} runs.`;
  const expected = plan ? ' Dashed: what the optimiser expects of the best plan at each deadline; the diamond is its plan.' : '';
  return `Votes on problems of ${problem.tier} steps. Height: ${ACCURACY_PROBLEMS} held-out problems. Time: runs on this device.${expected}`;
}

function emptyChart(): HTMLElement {
  return element(
    'p',
    { class: 'chart-empty' },
    'Nothing measured yet. Every run adds to it; “Measure this device” takes a few runs for each number of branches.',
  );
}

/** What the optimiser expects of the best plan at each deadline. */
interface ExpectedPoint {
  readonly medianMs: number;
  readonly accuracy: number;
  readonly isChosen: boolean;
}

function frontierOf({ plan }: DemoState): ExpectedPoint[] {
  if (!plan) return [];
  const expected = (predicted: typeof plan.predicted, isChosen: boolean): ExpectedPoint => ({
    medianMs: predicted.latencyMs.p50,
    accuracy: predicted.accuracy,
    isChosen,
  });
  const others = explained(plan).frontier.map(({ predicted }) => expected(predicted, false));
  return [...others, expected(plan.predicted, true)].sort((left, right) => left.medianMs - right.medianMs);
}

interface Curves {
  readonly points: readonly ChartPoint[];
  readonly frontier: readonly ExpectedPoint[];
}

function plotOf(plot: typeof Plot, { points, frontier }: Curves, { settings, problem }: DemoState, width: number): HTMLElement | SVGElement {
  const current = points.filter(({ branches }) => branches === settings.branches);
  const times = [...points, ...frontier].map(({ medianMs }) => medianMs);
  const lowest = Math.min(...points.map(({ low }) => low), ...frontier.map(({ accuracy }) => accuracy));
  const domain: [number, number] = [Math.min(...times, settings.deadlineMs) / 1.5, Math.max(...times, settings.deadlineMs) * 1.5];
  const figure = plot.plot({
    width,
    height: Math.round(Math.min(320, Math.max(220, width * 0.55))),
    marginLeft: 44,
    marginBottom: 40,
    marginTop: 24,
    marginRight: 20,
    ariaLabel: 'Accuracy against latency',
    ariaDescription: `${points.map(({ branches, accuracy, medianMs }) => `${count(branches, 'branch', 'branches')}: ${formatShare(accuracy)} in ${formatMs(medianMs)}`).join('; ')}. Problems of ${problem.tier} steps.`,
    x: { type: 'log', domain, label: 'Median latency', tickFormat: (value: number) => formatTick(value), ticks: width < 480 ? 3 : 5 },
    y: { domain: [Math.max(0, Math.floor(lowest * 10) / 10), 1], label: 'Accuracy', tickFormat: (value: number) => formatShare(value), ticks: 5, grid: true },
    marks: [
      plot.ruleX([settings.deadlineMs], { stroke: 'var(--ink-3)', strokeDasharray: '3 4' }),
      plot.text([settings.deadlineMs], { x: (value: number) => value, frameAnchor: 'top', dy: -14, text: () => 'deadline', fill: 'var(--ink-2)' }),
      plot.line(frontier, { x: 'medianMs', y: 'accuracy', stroke: 'var(--accent)', strokeWidth: 1.5, strokeDasharray: '5 4' }),
      plot.dot(frontier, { x: 'medianMs', y: 'accuracy', r: 3, fill: 'var(--accent)' }),
      plot.dot(
        frontier.filter(({ isChosen }) => isChosen),
        { x: 'medianMs', y: 'accuracy', symbol: 'diamond', r: 8, fill: 'var(--accent)', stroke: 'var(--surface)', strokeWidth: 2 },
      ),
      plot.ruleX(points, { x: 'medianMs', y1: 'low', y2: 'high', stroke: 'var(--ink-3)', strokeOpacity: 0.55 }),
      plot.line(points, { x: 'medianMs', y: 'accuracy', stroke: 'var(--ink-2)', strokeWidth: 1.5 }),
      plot.dot(points, { x: 'medianMs', y: 'accuracy', r: 4.5, fill: 'var(--surface)', stroke: 'var(--ink-2)', strokeWidth: 1.5 }),
      plot.dot(current, { x: 'medianMs', y: 'accuracy', r: 7.5, fill: 'var(--accent)', stroke: 'var(--surface)', strokeWidth: 2 }),
      plot.text(points, {
        x: 'medianMs',
        y: 'accuracy',
        text: (point: ChartPoint) => String(point.branches),
        dx: 9,
        dy: 11,
        textAnchor: 'start',
        fill: 'var(--ink-2)',
        fontWeight: 500,
      }),
    ],
  });
  // One picture with one description: names of its parts say nothing that this does not.
  figure.setAttribute('role', 'img');
  for (const part of figure.querySelectorAll('[aria-label], [aria-description]')) {
    part.removeAttribute('aria-label');
    part.removeAttribute('aria-description');
  }
  return figure;
}

function formatTick(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`;
}

function tableOf(points: readonly ChartPoint[], chosen: number): HTMLTableElement {
  const head = ['Branches', 'Accuracy', '95 % interval', 'Median', 'Slowest', 'Runs'].map((name) => element('th', { scope: 'col' }, name));
  const rows = points.map(({ branches, accuracy, low, high, medianMs, slowestMs, runs }) =>
    element(
      'tr',
      branches === chosen ? { 'aria-current': 'true' } : {},
      element('th', { scope: 'row' }, String(branches)),
      ...[formatShare(accuracy), `${formatShare(low)} to ${formatShare(high)}`, formatMs(medianMs), formatMs(slowestMs), String(runs)].map((text) =>
        element('td', {}, text),
      ),
    ),
  );
  return element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
}

/**
 * The script of the page that `latency-tts report` writes: draws the data that stands beside it.
 *
 * @module
 */
import { accuracyChart, branchesChart, draftsChart, frontierChart, latencyChart, stepTimeChart, type Chart } from './charts.ts';
import { deadlineText, element, percent, rounded, tableOf } from './elements.ts';
import type { PlannedPoint, ReportData } from './report-data.ts';

const WIDEST = 900;

const PLAN_COLUMNS: readonly (readonly [string, (row: PlannedPoint) => string | number])[] = [
  ['deadline ms', ({ deadlineMs }) => deadlineText(deadlineMs)],
  ['plan', ({ plan }) => plan],
  ['branches', ({ branches }) => branches],
  ['drafts', ({ draftLength }) => draftLength],
  ['accuracy %', ({ accuracy }) => percent(accuracy)],
  ['95 % interval', ({ accuracyLow, accuracyHigh }) => `${percent(accuracyLow)} to ${percent(accuracyHigh)}`],
  ['p50 ms', ({ p50Ms }) => rounded(p50Ms)],
  ['p95 ms', ({ p95Ms }) => rounded(p95Ms)],
  ['p99 ms', ({ p99Ms }) => rounded(p99Ms)],
  ['tokens', ({ tokens }) => rounded(tokens, 0)],
];

const MEASURED_COLUMNS: readonly (readonly [string, (row: ReportData['measured'][number]) => string | number])[] = [
  ['part', ({ part }) => part],
  ['rule', ({ rule }) => rule],
  ['plan', ({ plan }) => plan],
  ['deadline ms', ({ deadlineMs }) => deadlineText(deadlineMs)],
  ['accuracy %, predicted', ({ predictedAccuracy }) => percent(predictedAccuracy)],
  ['measured', ({ accuracy }) => percent(accuracy)],
  ['p50 ms, predicted', ({ predictedP50 }) => rounded(predictedP50)],
  ['measured', ({ p50 }) => rounded(p50)],
  ['p95 ms, predicted', ({ predictedP95 }) => rounded(predictedP95)],
  ['measured', ({ p95 }) => rounded(p95)],
];

const PARTS = {
  target: 'Decoding and verifying drafts',
  draft: 'The draft model',
  prefill: 'Reading a prompt',
  'draft-prefill': 'The draft model reading a prompt',
  scorer: 'The reward model',
} as const;

/** A chart that is drawn as wide as there is room, again whenever that changes. */
function figure(caption: string, chart: Chart): HTMLElement {
  const holder = element('div', { class: 'chart' });
  let drawnWidth = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.min(WIDEST, Math.floor(entry?.contentRect.width ?? 0));
    if (width < 1 || width === drawnWidth) return;
    drawnWidth = width;
    holder.replaceChildren(asImage(chart(width)));
  }).observe(holder);
  return element('figure', {}, element('figcaption', {}, caption), holder);
}

/** One image to a screen reader, with the name of the whole: what it is made of has names that groups may not have. */
function asImage(drawn: Element): Element {
  const images = drawn.matches('svg') ? [drawn] : Array.from(drawn.querySelectorAll('svg[aria-label]'));
  for (const image of images) image.setAttribute('role', 'img');
  for (const group of Array.from(drawn.querySelectorAll('g[aria-label]'))) group.removeAttribute('aria-label');
  return drawn;
}

function section(title: string, text: string, ...children: readonly HTMLElement[]): HTMLElement {
  return element('section', {}, element('h2', {}, title), element('p', {}, text), ...children);
}

function frontierSection({ candidates, frontier, problems }: ReportData): HTMLElement {
  return section(
    'Accuracy against latency',
    `Every candidate under every fitted deadline, replayed on ${problems} problems. The line is the best plan by each deadline, with the 95 % interval of its accuracy.`,
    figure('Each dot is a candidate under a deadline', frontierChart(candidates, frontier)),
    tableOf('Table of the frontier', frontier, PLAN_COLUMNS),
    tableOf('Table of all candidates', candidates, PLAN_COLUMNS),
  );
}

function splitSection({ split, confidence }: ReportData): HTMLElement {
  return section(
    'Branches and drafts as the deadline grows',
    `What the most accurate plan spends a deadline on, at ${percent(confidence)} % confidence. Branches and drafts draw on the same idle hardware.`,
    figure('Branches', branchesChart(split)),
    figure('Drafts', draftsChart(split)),
    tableOf('Table of plans by deadline', split, PLAN_COLUMNS),
  );
}

function stepTimeSection({ stepTimes }: ReportData): HTMLElement {
  const charts = (Object.keys(PARTS) as (keyof typeof PARTS)[]).flatMap((part) => {
    const times = stepTimes.filter((time) => time.part === part);
    return times.length === 0 ? [] : [figure(`${PARTS[part]}: ms a pass, behind ${times[0]!.contextTokens} tokens`, stepTimeChart(times))];
  });
  const table = tableOf('Table of step times', stepTimes, [
    ['part', ({ part }) => part],
    ['rows', ({ rows }) => rows],
    ['new tokens a row', ({ newTokens }) => newTokens],
    ['context tokens', ({ contextTokens }) => contextTokens],
    ['median ms', ({ medianMs }) => rounded(medianMs, 3)],
  ]);
  return section('Step times', 'Median time of one pass by its rows and the tokens each brings.', element('div', { class: 'grid' }, ...charts), table);
}

function measuredSection({ measured }: ReportData): HTMLElement {
  return section(
    'Predicted against measured',
    'Plans that were run on held-out problems. On the dashed line a prediction came true.',
    element('div', { class: 'grid' }, figure('Latency', latencyChart(measured)), figure('Accuracy', accuracyChart(measured))),
    tableOf('Table of measured plans', measured, MEASURED_COLUMNS),
  );
}

const data = JSON.parse(document.querySelector('#report-data')!.textContent) as ReportData;
const main = document.querySelector('main')!;
const fitted = data.fittedAt === undefined ? '' : `, fitted ${data.fittedAt.slice(0, 10)}`;
main.replaceChildren(
  element('h1', {}, 'Planning under a deadline'),
  element('p', { class: 'origin' }, `${data.label}; ${data.problems} problems${fitted}. A single branch takes ${rounded(data.branchMs)} ms.`),
  ...(data.frontier.length > 0 ? [frontierSection(data)] : []),
  ...(data.split.length > 0 ? [splitSection(data)] : []),
  ...(data.measured.length > 0 ? [measuredSection(data)] : []),
  ...(data.stepTimes.length > 0 ? [stepTimeSection(data)] : []),
);

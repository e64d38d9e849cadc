import { quantile } from 'simple-statistics';
import { aimVerdicts, type Aim } from './aims.ts';
import type { TableText } from './command-line.ts';
import type { FaultOutcome } from './fault-matrix.ts';
import type { LoadSample } from './load-generator.ts';
import { markdownTable, provenanceOf, type BenchmarkReport } from './report-files.ts';
import type { ServerState } from './server-messages.ts';
import { roundTo, spreadOf } from './statistics.ts';

const MEGABYTE = 2 ** 20;
const AIMS: readonly Aim[] = [
  { name: 'deadline_miss_rate', atMost: 0.01 },
  { name: 'lost_results', atMost: 0 },
  { name: 'leaked_requests', atMost: 0 },
];

export interface ServerBenchSettings {
  readonly strategy: string;
  readonly branches: number;
  readonly deadlineMs: number;
  readonly maxRunning: number;
  readonly maxQueued: number;
  readonly levelSeconds: number;
  readonly soakSeconds: number;
  readonly soakClients: number;
}

/** The server with so many clients at once. */
export interface LevelRow {
  readonly clients: number;
  readonly answeredPerSecond: number;
  readonly answered: number;
  readonly refused: number;
  readonly lost: number;
  /** Let in, and told later that the time had run out. */
  readonly givenUp: number;
  /** These, and answers behind their deadline. */
  readonly misses: number;
  /** Of answers, by the clients' clocks. Absent where there was none. */
  readonly latencyMs?: Quantiles;
  /** Of refusals, where there was one. */
  readonly refusalMs?: Quantiles;
}

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** What a long time under mixed load did to the server. */
export interface SoakReport {
  readonly requests: number;
  readonly answered: number;
  readonly refused: number;
  readonly left: number;
  readonly lost: number;
  readonly givenUp: number;
  readonly misses: number;
  readonly rssMegabytes: { readonly afterWarmUp: number; readonly atEnd: number; readonly most: number };
  /** Of the second quarter of the time and of the last: what came before is warming up. */
  readonly rssGrowthMegabytes: number;
  readonly heapGrowthMegabytes: number;
  /** Requests and sessions still open when every client had gone. */
  readonly leaked: number;
}

export interface ServerReport extends BenchmarkReport {
  readonly benchmark: 'server';
  readonly settings: ServerBenchSettings;
  readonly levels: readonly LevelRow[];
  readonly soak: SoakReport;
  readonly faults: readonly FaultOutcome[];
}

export function summariseLevel(clients: number, samples: readonly LoadSample[], seconds: number): LevelRow {
  const latencies = (outcome: LoadSample['outcome']): number[] => samples.filter((sample) => sample.outcome === outcome).map(({ latencyMs }) => latencyMs);
  const [answered, refused] = [latencies('answered'), latencies('refused')];
  return {
    clients,
    answeredPerSecond: answered.length / seconds,
    answered: answered.length,
    refused: refused.length,
    lost: latencies('lost').length,
    givenUp: latencies('given-up').length,
    misses: samples.filter(({ isMiss }) => isMiss).length,
    ...(answered.length > 0 && { latencyMs: quantilesOf(answered) }),
    ...(refused.length > 0 && { refusalMs: quantilesOf(refused) }),
  };
}

function quantilesOf(values: readonly number[]): Quantiles {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile([...values], share));
  return { p50: p50!, p95: p95!, p99: p99! };
}

/** @param states - In the order of time, evenly spaced; at least four. @param last - When every client had gone. */
export function summariseSoak(samples: readonly LoadSample[], states: readonly ServerState[], last: ServerState): SoakReport {
  const count = (outcome: LoadSample['outcome']): number => samples.filter((sample) => sample.outcome === outcome).length;
  const quarter = Math.floor(states.length / 4);
  const megabytes = (from: readonly ServerState[], field: 'rssBytes' | 'heapBytes'): number => spreadOf(from.map((state) => state[field])).median / MEGABYTE;
  const [early, late] = [states.slice(quarter, 2 * quarter), states.slice(-quarter)];
  return {
    requests: samples.length,
    answered: count('answered'),
    refused: count('refused'),
    left: count('left'),
    lost: count('lost'),
    givenUp: count('given-up'),
    misses: samples.filter(({ isMiss }) => isMiss).length,
    rssMegabytes: {
      afterWarmUp: megabytes(early, 'rssBytes'),
      atEnd: megabytes(late, 'rssBytes'),
      most: spreadOf(states.map(({ rssBytes }) => rssBytes)).max / MEGABYTE,
    },
    rssGrowthMegabytes: megabytes(late, 'rssBytes') - megabytes(early, 'rssBytes'),
    heapGrowthMegabytes: megabytes(late, 'heapBytes') - megabytes(early, 'heapBytes'),
    leaked: last.queued + last.running + last.openSessions,
  };
}

export function headlineOf({ levels, soak, faults }: Pick<ServerReport, 'levels' | 'soak' | 'faults'>): Record<string, number> {
  const all = [...levels, soak];
  const total = (field: 'answered' | 'givenUp' | 'misses' | 'lost'): number => all.reduce((sum, row) => sum + row[field], 0);
  const leakedByFaults = faults.reduce((sum, { leaked }) => sum + leaked, 0);
  const best = Math.max(...levels.map(({ answeredPerSecond }) => answeredPerSecond));
  return {
    deadline_miss_rate: roundTo(total('misses') / Math.max(1, total('answered') + total('givenUp')), 4),
    lost_results: total('lost') + faults.reduce((sum, { lost }) => sum + lost, 0),
    leaked_requests: soak.leaked + leakedByFaults,
    rss_growth_mb: roundTo(soak.rssGrowthMegabytes, 1),
    faults_survived: faults.filter(({ isSurvived }) => isSurvived).length,
    faults_tried: faults.length,
    requests_per_second: roundTo(best, 1),
  };
}

export function levelTable({ levels }: Pick<ServerReport, 'levels'>): TableText {
  return {
    head: ['clients', 'answers/s', 'p50 ms', 'p95 ms', 'p99 ms', 'answered', 'late', 'given up', 'refused', 'refusal p50 ms', 'p99 ms', 'lost'],
    rows: levels.map(({ clients, answeredPerSecond, latencyMs, refusalMs, answered, misses, givenUp, refused, lost }) => [
      String(clients),
      answeredPerSecond.toFixed(1),
      ...[latencyMs?.p50, latencyMs?.p95, latencyMs?.p99].map(formatMs),
      String(answered),
      String(misses - givenUp),
      String(givenUp),
      String(refused),
      ...[refusalMs?.p50, refusalMs?.p99].map(formatMs),
      String(lost),
    ]),
  };
}

export function soakTable({ soak, settings }: Pick<ServerReport, 'soak' | 'settings'>): TableText {
  const { requests, answered, refused, left, lost, givenUp, misses, rssMegabytes, rssGrowthMegabytes, leaked } = soak;
  return {
    head: ['seconds', 'requests', 'answered', 'late', 'given up', 'refused', 'clients gone', 'lost', 'RSS MB, early', 'at the end', 'most', 'growth', 'leaked'],
    rows: [
      [
        ...[settings.soakSeconds, requests, answered, misses - givenUp, givenUp, refused, left, lost].map(String),
        ...[rssMegabytes.afterWarmUp, rssMegabytes.atEnd, rssMegabytes.most, rssGrowthMegabytes].map((megabytes) => megabytes.toFixed(1)),
        String(leaked),
      ],
    ],
  };
}

export function faultTable({ faults }: Pick<ServerReport, 'faults'>): TableText {
  return {
    head: ['fault', 'hits', 'outcome', 'branches that ended', 'ms', 'lost', 'left open', 'survived'],
    rows: faults.map(({ fault, hit, outcome, ended, branches, totalMs, lost, leaked, isSurvived }) => [
      fault,
      hit,
      outcome,
      `${ended} of ${branches}`,
      formatMs(totalMs),
      String(lost),
      String(leaked),
      isSurvived ? 'yes' : 'no',
    ]),
  };
}

function formatMs(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '–' : milliseconds.toFixed(0);
}

export function verdicts({ headline }: Pick<ServerReport, 'headline'>): string[] {
  return aimVerdicts(AIMS, headline);
}

/** The section of `docs/benchmarks.md`. */
export function markdownOf(report: ServerReport): string {
  const { settings } = report;
  const [levels, soak, faults] = [levelTable(report), soakTable(report), faultTable(report)];
  return [
    provenanceOf(report),
    `Each request: \`${settings.strategy}\` with ${settings.branches} branches and a deadline of ${settings.deadlineMs} ms; ${settings.maxRunning} worked on at once, ${settings.maxQueued} may wait. ` +
      `${settings.levelSeconds} s at each number of clients, which send their next request when they have the reply to the last; who is refused comes back when it was told to.`,
    markdownTable(levels.head, levels.rows),
    `*Late*: after the deadline, by the clients' clocks. *Given up*: let in, and told later that the time had run out. Both are misses, of what was let in; *refused* at once is none. Then ${settings.soakClients} clients for ${settings.soakSeconds} s, with several strategies, streams, and one client in ten that leaves early:`,
    markdownTable(soak.head, soak.rows),
    'What a server behind `openaiCompatibleEngine` can do wrong, and what a vote made of it:',
    markdownTable(faults.head, faults.rows),
    verdicts(report)
      .map((line) => `- ${line}`)
      .join('\n'),
  ].join('\n\n');
}

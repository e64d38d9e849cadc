import { aimVerdicts, type Aim } from './aims.ts';
import type { DecodeRun, Threads } from './candidate.ts';
import type { TableText } from './command-line.ts';
import { decodeRates, ratesOf, total, usefulRates } from './rates.ts';
import { markdownTable, provenanceOf, type BenchmarkReport } from './report-files.ts';
import { formatRatio, ratioOfMedians, roundTo, spreadOf, type Ratio, type Spread } from './statistics.ts';

/** Whose figures the headline takes, at which threads. */
export const LIBRARY = 'latency-tts, worker thread';
export const PEER = 'transformers.js';
export const HEADLINE_THREADS: Threads = 'default';
const AIMS: readonly Aim[] = [
  { name: 'speedup_vs_transformersjs_b1', atLeast: 2 },
  { name: 'speedup_vs_transformersjs_b8', atLeast: 4 },
  { name: 'js_overhead_share', atMost: 0.1 },
];

export interface DecodeSettings {
  readonly tier: number;
  readonly prompts: number;
  readonly rounds: number;
  readonly maxTokens: number;
  readonly temperature: number;
}

/** Everything one candidate did at one number of branches and threads, a list for each round. */
export interface Sample {
  readonly candidate: string;
  readonly threads: Threads;
  readonly branches: number;
  readonly rounds: readonly (readonly DecodeRun[])[];
}

export interface DecodeRow {
  readonly candidate: string;
  readonly threads: Threads;
  readonly branches: number;
  /** Useful tokens a second, from the question to the texts. */
  readonly tokensPerSecond: Spread;
  /** Useful tokens a second after the prompt was read, less each branch's first, which the prompt's pass gives. */
  readonly decodeTokensPerSecond: Spread;
  /** Computed tokens a second, of use or not. */
  readonly computedTokensPerSecond: Spread;
  readonly usefulTokensPerBranch: number;
  /** How many times faster our decoder is, its worker against this candidate in the same rounds. */
  readonly librarySpeedup: Ratio;
  readonly libraryDecodeSpeedup: Ratio;
  readonly overhead?: OverheadRow;
}

/** Time of a step after the prompt was read: in `InferenceSession.run`, and outside it. */
export interface OverheadRow {
  readonly runtimeMsPerStep: number;
  readonly ownMsPerStep: number;
  /** The second over the first. */
  readonly share: Spread;
}

export interface DecodeReport extends BenchmarkReport {
  readonly benchmark: 'decode';
  readonly settings: DecodeSettings;
  /** Share of prompts to which both engines give the same greedy text, and its size. */
  readonly greedyAgreement: { readonly equal: number; readonly of: number };
  readonly rows: readonly DecodeRow[];
}

export function summarise(samples: readonly Sample[]): DecodeRow[] {
  return samples.map((sample) => {
    const library = samples.find(({ candidate, threads, branches }) => candidate === LIBRARY && threads === sample.threads && branches === sample.branches)!;
    const useful = usefulRates(sample.rounds);
    const decode = decodeRates(sample.rounds, sample.branches);
    return {
      candidate: sample.candidate,
      threads: sample.threads,
      branches: sample.branches,
      tokensPerSecond: spreadOf(useful),
      decodeTokensPerSecond: spreadOf(decode),
      computedTokensPerSecond: spreadOf(ratesOf(sample.rounds, ({ computedTokens, totalMs }) => [computedTokens, totalMs])),
      usefulTokensPerBranch: total(sample.rounds.flat(), ({ usefulTokens }) => usefulTokens) / (sample.rounds.flat().length * sample.branches),
      librarySpeedup: ratioOfMedians(usefulRates(library.rounds), useful),
      libraryDecodeSpeedup: ratioOfMedians(decodeRates(library.rounds, sample.branches), decode),
      ...overheadOf(sample),
    };
  });
}

function overheadOf({ rounds }: Sample): { overhead: OverheadRow } | undefined {
  const runs = rounds.flat();
  if (!runs.every(({ runtime }) => runtime)) return undefined;
  const inRuntime = (of: readonly DecodeRun[]): number => total(of, ({ runtime }) => runtime!.milliseconds);
  const outside = (of: readonly DecodeRun[]): number => total(of, ({ decodeMs }) => decodeMs) - inRuntime(of);
  const steps = total(runs, ({ runtime }) => runtime!.calls);
  return {
    overhead: {
      runtimeMsPerStep: inRuntime(runs) / steps,
      ownMsPerStep: outside(runs) / steps,
      share: spreadOf(rounds.map((round) => outside(round) / inRuntime(round))),
    },
  };
}

/**
 * Our decoder against the peer at whichever number of threads the peer is fastest. Figures that lack a measurement,
 * because fewer branches or threads were asked for, are left out.
 */
export function headlineOf(rows: readonly DecodeRow[]): Record<string, number> {
  const headline: Record<string, number> = {};
  for (const row of rows) {
    if (row.threads !== HEADLINE_THREADS) continue;
    if (row.candidate === LIBRARY) {
      const peers = rows.filter(({ candidate, branches }) => candidate === PEER && branches === row.branches);
      const [best] = [...peers].sort((left, right) => right.tokensPerSecond.median - left.tokensPerSecond.median);
      // Against ours at as many threads: only those ran in the same rounds.
      if (best) headline[`speedup_vs_transformersjs_b${row.branches}`] = roundTo(best.librarySpeedup.ratio, 2);
      headline[`tokens_per_second_b${row.branches}`] = roundTo(row.tokensPerSecond.median, 0);
    }
    if (row.overhead) headline[`js_overhead_share_b${row.branches}`] = roundTo(row.overhead.share.median, 3);
    // Eight branches are what the command line and SelfConsistency run by default.
    if (row.overhead && row.branches === 8) headline['js_overhead_share'] = roundTo(row.overhead.share.median, 3);
  }
  return headline;
}

/** One line for each aim that was measured, and one for each setting in which another candidate is faster. */
export function verdicts({ rows, headline }: Pick<DecodeReport, 'rows' | 'headline'>): string[] {
  const aims = aimVerdicts(AIMS, headline);
  const losses = rows
    .filter(({ candidate, librarySpeedup }) => candidate.startsWith(PEER) && librarySpeedup.low < 1)
    .map(({ candidate, threads, branches, librarySpeedup: { ratio, low, high } }) => {
      const verb = high < 1 ? 'is faster than we are' : 'may be as fast as we are';
      return `${candidate} ${verb} at ${branches} ${branches === 1 ? 'branch' : 'branches'}, threads ${threads}: ${ratio.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
    });
  return [...aims, ...(losses.length > 0 ? losses : ['no setting was measured in which transformers.js is faster'])];
}

const SPEED_HEAD = ['threads', 'branches', 'engine', 'tokens/s', 'range', 'decoding only', 'computed', 'tokens/branch', 'we are × as fast', 'decoding only'];
const OVERHEAD_HEAD = ['threads', 'branches', 'ms in ONNX Runtime', 'ms outside', 'share', 'range'];

export function speedTable({ rows }: Pick<DecodeReport, 'rows'>): TableText {
  return {
    head: SPEED_HEAD,
    rows: rows.map((row) => [
      String(row.threads),
      String(row.branches),
      row.candidate,
      row.tokensPerSecond.median.toFixed(0),
      `${row.tokensPerSecond.min.toFixed(0)}–${row.tokensPerSecond.max.toFixed(0)}`,
      row.decodeTokensPerSecond.median.toFixed(0),
      row.computedTokensPerSecond.median.toFixed(0),
      row.usefulTokensPerBranch.toFixed(1),
      row.candidate === LIBRARY ? '' : formatRatio(row.librarySpeedup),
      row.candidate === LIBRARY ? '' : formatRatio(row.libraryDecodeSpeedup),
    ]),
  };
}

export function overheadTable({ rows }: Pick<DecodeReport, 'rows'>): TableText {
  return {
    head: OVERHEAD_HEAD,
    rows: rows.flatMap(({ threads, branches, overhead }) => {
      if (!overhead) return [];
      const { share, runtimeMsPerStep, ownMsPerStep } = overhead;
      return [
        [
          String(threads),
          String(branches),
          runtimeMsPerStep.toFixed(3),
          ownMsPerStep.toFixed(3),
          share.median.toFixed(3),
          `${share.min.toFixed(3)}–${share.max.toFixed(3)}`,
        ],
      ];
    }),
  };
}

/** The section of `docs/benchmarks.md`. */
export function markdownOf(report: DecodeReport): string {
  const { settings, greedyAgreement } = report;
  const speed = speedTable(report);
  const overhead = overheadTable(report);
  return [
    provenanceOf(report),
    `${settings.rounds} rounds of ${settings.prompts} problems of tier ${settings.tier}, at most ${settings.maxTokens} new tokens, temperature ${settings.temperature}. ` +
      `Greedy texts of both engines agree on ${greedyAgreement.equal} of ${greedyAgreement.of} problems.`,
    markdownTable(speed.head, speed.rows),
    'Median of the rounds and their range; ratios with the 95 % interval of a paired bootstrap over rounds.',
    markdownTable(overhead.head, overhead.rows),
    'Time of one step on the main thread, in and outside `InferenceSession.run`; `share` is the second over the first.',
    verdicts(report)
      .map((line) => `- ${line}`)
      .join('\n'),
  ].join('\n\n');
}

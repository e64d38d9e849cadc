import { aimVerdicts, type Aim } from './aims.ts';
import type { DecodeRun, DraftCount, Threads } from './candidate.ts';
import { decodeRates, total, usefulRates } from './rates.ts';
import type { BenchmarkReport } from './report-files.ts';
import { ADAPTIVE, PLAIN, type Entry, type Group, type Setting } from './speculative-roster.ts';
import { formatRatio, ratioOfMedians, roundTo, spreadOf, type Ratio, type Spread } from './statistics.ts';

const AIMS: readonly Aim[] = [
  { name: 'speedup_spec_b1', atLeast: 1.8 },
  { name: 'speedup_spec_b8', atLeast: 1.25 },
  { name: 'worst_adaptive_ratio', atLeast: 0.97 },
  { name: 'vs_node_llama_cpp_b1', atLeast: 1 },
  { name: 'vs_node_llama_cpp_b8', atLeast: 1.5 },
  { name: 'vs_transformersjs_b1', atLeast: 3 },
  { name: 'vs_transformersjs_b8', atLeast: 6 },
];
/** Numbers of branches whose figures the headline takes, at temperature 1. */
const HEADLINE_BRANCHES = [1, 8];
const PEER_KEYS: Readonly<Partial<Record<Group, string>>> = { 'node-llama-cpp': 'vs_node_llama_cpp', 'transformers.js': 'vs_transformersjs' };
const PEERS: readonly Group[] = ['node-llama-cpp', 'transformers.js', 'tuned-transformers.js'];

/** Everything one candidate did in one setting, a list for each round. */
export interface Sample extends Setting {
  readonly entry: Entry;
  readonly rounds: readonly (readonly DecodeRun[])[];
  /** Threads of its model, where several were tried. */
  readonly threads?: number;
}

export interface SpeculativeRow extends Setting {
  readonly candidate: string;
  readonly group: Group;
  /** Tokens drafted a round: fixed, or chosen by measurement. */
  readonly draftLength?: number | 'adaptive';
  readonly threads?: number;
  /** Useful tokens a second of each round, from the question to the texts. */
  readonly rates: readonly number[];
  readonly tokensPerSecond: Spread;
  /** After the prompt was read, less each branch's first token. */
  readonly decodeTokensPerSecond: Spread;
  readonly usefulTokensPerBranch: number;
  /** Tokens a second over those of our plain decoder in the same rounds. */
  readonly overPlain: Ratio;
  readonly drafts?: DraftFigures;
}

export interface DraftFigures {
  readonly acceptance: number;
  /** Tokens drafted for a branch in a round, rounds without a draft included. */
  readonly meanLength: number;
  /** Acceptance at each position given that all before it stood; empty where the candidate does not tell. */
  readonly byPosition: readonly DraftCount[];
}

/** Where the time goes after the prompt has been read, on the main thread. */
export interface TimeShares extends Setting {
  readonly candidate: string;
  /** In passes of the draft model. */
  readonly draft: number;
  /** In passes of the target. */
  readonly verify: number;
  /** Outside ONNX Runtime. */
  readonly ours: number;
}

export interface Agreement {
  readonly candidate: string;
  readonly kind: 'greedy' | 'sampled';
  readonly equal: number;
  readonly of: number;
}

export interface SpeculativeSettings {
  readonly tier: number;
  readonly prompts: number;
  readonly rounds: number;
  readonly maxTokens: number;
  /** Threads of our sessions; peers have theirs in each row. */
  readonly threads: Threads;
}

export interface SpeculativeReport extends BenchmarkReport {
  readonly benchmark: 'speculative';
  readonly settings: SpeculativeSettings;
  /** Texts equal to those of our plain decoder. */
  readonly agreements: readonly Agreement[];
  readonly rows: readonly SpeculativeRow[];
  readonly timeShares: readonly TimeShares[];
}

/** Of a candidate at several numbers of threads, a setting's row is that of the fastest. */
export function summarise(samples: readonly Sample[]): SpeculativeRow[] {
  const rows = samples.map((sample) => rowOf(sample, samples));
  return rows.filter((row) => !rows.some((other) => isRival(other, row) && other.tokensPerSecond.median > row.tokensPerSecond.median));
}

function isRival(left: SpeculativeRow, right: SpeculativeRow): boolean {
  return left.candidate === right.candidate && isSameSetting(left, right);
}

function rowOf(sample: Sample, samples: readonly Sample[]): SpeculativeRow {
  const { entry, branches, temperature, rounds, threads } = sample;
  const plain = samples.find((other) => other.entry.name === PLAIN && isSameSetting(other, sample))!;
  const rates = usefulRates(rounds);
  const draftLength = entry.options?.draftLength;
  return {
    candidate: entry.name,
    group: entry.group,
    branches,
    temperature,
    ...(draftLength !== undefined && { draftLength }),
    ...(threads !== undefined && { threads }),
    rates,
    tokensPerSecond: spreadOf(rates),
    decodeTokensPerSecond: spreadOf(decodeRates(rounds, branches)),
    usefulTokensPerBranch: total(rounds.flat(), ({ usefulTokens }) => usefulTokens) / (rounds.flat().length * branches),
    overPlain: ratioOfMedians(rates, usefulRates(plain.rounds)),
    ...draftsOf(sample),
  };
}

export function isSameSetting(left: Setting, right: Setting): boolean {
  return left.branches === right.branches && left.temperature === right.temperature;
}

function draftsOf({ rounds, branches }: Sample): { drafts: DraftFigures } | undefined {
  const runs = rounds.flat();
  const drafts = runs.flatMap((run) => (run.drafts ? [run.drafts] : []));
  if (drafts.length === 0) return undefined;
  const proposed = total(drafts, (draft) => draft.proposed);
  const accepted = total(drafts, (draft) => draft.accepted);
  // Each branch takes one token from its prompt; every later one was accepted or ends a round, unless the text ends in a draft.
  const endedRounds = total(runs, ({ usefulTokens }) => usefulTokens - branches) - accepted;
  const roundCount = Math.max(
    endedRounds,
    total(drafts, ({ draftsByLength = [] }) => total(draftsByLength, (count) => count)),
  );
  const positions = Math.max(0, ...drafts.map(({ byPosition }) => byPosition?.length ?? 0));
  const byPosition = Array.from({ length: positions }, (_, position) => ({
    proposed: total(drafts, (draft) => draft.byPosition?.[position]?.proposed ?? 0),
    accepted: total(drafts, (draft) => draft.byPosition?.[position]?.accepted ?? 0),
  }));
  return { drafts: { acceptance: proposed === 0 ? 0 : accepted / proposed, meanLength: proposed / roundCount, byPosition } };
}

/** Shares of the runs of one candidate on the main thread, or `undefined` where its sessions were not watched. */
export function sharesOf(runs: readonly DecodeRun[]): Pick<TimeShares, 'draft' | 'verify' | 'ours'> | undefined {
  if (!runs.every(({ runtime, draftRuntime }) => runtime && draftRuntime)) return undefined;
  const all = total(runs, ({ decodeMs }) => decodeMs);
  const draft = total(runs, ({ draftRuntime }) => draftRuntime!.milliseconds) / all;
  const verify = total(runs, ({ runtime }) => runtime!.milliseconds) / all - draft;
  return { draft, verify, ours: 1 - draft - verify };
}

/** The fastest candidate of a group in a setting, by the median. */
export function fastest(rows: readonly SpeculativeRow[], group: Group, setting: Setting): SpeculativeRow | undefined {
  const candidates = rows.filter((row) => row.group === group && isSameSetting(row, setting));
  return candidates.sort((left, right) => right.tokensPerSecond.median - left.tokensPerSecond.median)[0];
}

/** Figures that lack a measurement, because a peer is not installed or fewer branches were asked for, are left out. */
export function headlineOf(rows: readonly SpeculativeRow[]): Record<string, number> {
  const headline: Record<string, number> = {};
  for (const branches of HEADLINE_BRANCHES) {
    const setting: Setting = { branches, temperature: 1 };
    const adaptive = rows.find((row) => row.candidate === ADAPTIVE && isSameSetting(row, setting));
    if (adaptive) headline[`speedup_spec_b${branches}`] = roundTo(adaptive.overPlain.ratio, 2);
  }
  const adaptiveRatios = rows.filter(({ draftLength }) => draftLength === 'adaptive').map(({ overPlain }) => overPlain.ratio);
  if (adaptiveRatios.length > 0) headline['worst_adaptive_ratio'] = roundTo(Math.min(...adaptiveRatios), 3);
  for (const [group, key] of Object.entries(PEER_KEYS)) {
    for (const branches of HEADLINE_BRANCHES) {
      const lead = leadOver(rows, group as Group, { branches, temperature: 1 });
      if (lead) headline[`${key}_b${branches}`] = roundTo(lead.ratio, 2);
    }
  }
  return headline;
}

interface Lead extends Ratio {
  /** The fastest of the peer's candidates. */
  readonly over: string;
}

/** Our fastest over the fastest of a peer. */
function leadOver(rows: readonly SpeculativeRow[], peer: Group, setting: Setting): Lead | undefined {
  const [ours, theirs] = [fastest(rows, 'ours', setting), fastest(rows, peer, setting)];
  return ours && theirs && { ...ratioOfMedians(ours.rates, theirs.rates), over: theirs.candidate };
}

/** One line for each aim that was measured, and one for each setting in which we lose or may lose. */
export function verdicts({ rows, headline }: Pick<SpeculativeReport, 'rows' | 'headline'>): string[] {
  const slower = rows
    .filter(({ group, candidate, overPlain }) => group === 'ours' && candidate !== PLAIN && overPlain.low < 1)
    .map(
      (row) => `${row.candidate} ${row.overPlain.high < 1 ? 'is' : 'may be'} slower than the plain decoder ${settingText(row)}: ${formatRatio(row.overPlain)}`,
    );
  const lost = PEERS.flatMap((peer) =>
    settingsOf(rows).flatMap((setting) => {
      const lead = leadOver(rows, peer, setting);
      if (!lead || lead.low >= 1) return [];
      return [`${lead.over} ${lead.high < 1 ? 'is faster than' : 'may be as fast as'} our fastest ${settingText(setting)}: we are × ${formatRatio(lead)}`];
    }),
  );
  return [...aimVerdicts(AIMS, headline), ...slower, ...lost];
}

export function settingsOf(rows: readonly SpeculativeRow[]): Setting[] {
  return rows.filter(({ candidate }) => candidate === PLAIN);
}

function settingText({ branches, temperature }: Setting): string {
  return `at ${branches} ${branches === 1 ? 'branch' : 'branches'}${temperature === 0 ? ', greedy' : ''}`;
}

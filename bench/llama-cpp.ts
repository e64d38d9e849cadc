/**
 * Our engine over node-llama-cpp beside direct use of it, in paired rounds on a real model.
 *
 *   npm run bench:llama-cpp -- --rounds 5 --json bench/results/llama-cpp-DATE.json --docs
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory } from '../test/support/real-models.ts';
import { commandOf, countOf } from './support/command-line.ts';
import { bestThreads, directDecoding, engineDecoding, ratesOfRun, type GgufDecoding, type GgufRequest } from './support/gguf-decoding.ts';
import { interleave } from './support/interleave.ts';
import { loadGguf, missingPeer, type LoadedGguf } from './support/load-gguf.ts';
import { atEnd, describeMachine, loadWarning } from './support/machine.ts';
import { markdownTable, provenanceOf, replaceSection, writeReport, type BenchmarkReport } from './support/report-files.ts';
import { formatRatio, ratioOfMedians, roundTo, spreadOf, type Ratio, type Spread } from './support/statistics.ts';

const MODEL = 'qwen2.5-coder-0.5b';
const SAMPLING = { temperature: 0.7, topK: 20, topP: 0.8 };
const CONTEXT_TOKENS = 512;

interface Row {
  readonly sequences: number;
  readonly threads: number;
  readonly direct: Spread;
  readonly engine: Spread;
  /** Ours over direct use, from the first tokens on. */
  readonly decoding: Ratio;
  /** The same with the prompts, which our sequences share. */
  readonly total: Ratio;
}

interface LlamaCppReport extends BenchmarkReport {
  readonly benchmark: 'llama-cpp';
  readonly rows: readonly Row[];
}

/** Another one each time, so that no cache has it already. */
function requestOf(round: number, maxTokens: number): GgufRequest {
  const question = `A shop sells ${23 + round} pens a day at ${3 + (round % 7)} dollars each, and half as many books at 12 dollars each. How much does it take in a week?`;
  return { prompt: `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`, sampling: SAMPLING, seed: round, maxTokens };
}

async function compare(
  gguf: LoadedGguf,
  sequences: number,
  options: { readonly rounds: number; readonly maxTokens: number; readonly threads: readonly number[] },
): Promise<Row> {
  const { rounds, maxTokens } = options;
  const settings = { sequences, contextTokens: CONTEXT_TOKENS };
  const threads = await bestThreads(gguf, settings, options.threads, requestOf(1000, Math.min(maxTokens, 16)));
  const candidates: GgufDecoding[] = [];
  for (const make of [directDecoding, engineDecoding]) candidates.push(await make(gguf, { ...settings, threads }));
  for (const candidate of candidates) await candidate.run(requestOf(2000, 8));
  const rates = new Map(candidates.map((candidate) => [candidate, { total: [] as number[], decoding: [] as number[] }]));
  await interleave({
    candidates,
    cases: [sequences],
    rounds,
    measure: async (candidate, _, round) => {
      const { total, decoding } = ratesOfRun(await candidate.run(requestOf(round, maxTokens)), sequences);
      rates.get(candidate)!.total.push(total);
      rates.get(candidate)!.decoding.push(decoding);
    },
    onRound: () => undefined,
  });
  const [direct, engine] = candidates.map((candidate) => rates.get(candidate)!) as [
    { total: number[]; decoding: number[] },
    { total: number[]; decoding: number[] },
  ];
  for (const candidate of candidates) await candidate.dispose();
  return {
    sequences,
    threads,
    direct: spreadOf(direct.decoding),
    engine: spreadOf(engine.decoding),
    decoding: ratioOfMedians(engine.decoding, direct.decoding),
    total: ratioOfMedians(engine.total, direct.total),
  };
}

function show({ median, min, max }: Spread): string {
  return `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;
}

function tableOf(rows: readonly Row[]): string {
  return markdownTable(
    ['sequences', 'threads', 'node-llama-cpp, tokens/s', 'latency-tts, tokens/s', 'ours ÷ direct', 'with the prompt'],
    rows.map(({ sequences, threads, direct, engine, decoding, total }) => [
      `${sequences}`,
      `${threads}`,
      show(direct),
      show(engine),
      formatRatio(decoding),
      formatRatio(total),
    ]),
  );
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    tokens: { type: 'string', default: '32' },
    sequences: { type: 'string', default: '1,4,8' },
    threads: { type: 'string', default: [...new Set([1, availableParallelism()])].join(',') },
    json: { type: 'string' },
    docs: { type: 'boolean', default: false },
  },
});
const directory = realModelDirectory(MODEL);
const missing = missingPeer('node-llama-cpp') ?? (directory ? undefined : HOW_TO_GET_REAL_MODELS);
if (missing !== undefined) throw new Error(missing);

const machine = describeMachine([], ['node-llama-cpp']);
const warning = loadWarning(machine);
if (warning) console.warn(warning);
const gguf = await loadGguf(join(directory!, 'model.gguf'));
const options = {
  rounds: countOf('rounds', values.rounds),
  maxTokens: countOf('tokens', values.tokens),
  threads: values.threads.split(',').map((text) => countOf('threads', text)),
};
const rows: Row[] = [];
for (const text of values.sequences.split(',')) {
  rows.push(await compare(gguf, countOf('sequences', text), options));
  console.log(tableOf(rows.slice(-1)));
}
await gguf.model.dispose();
const worst = rows.reduce((low, row) => (row.decoding.ratio < low.decoding.ratio ? row : low));
const report: LlamaCppReport = {
  benchmark: 'llama-cpp',
  command: commandOf('bench:llama-cpp'),
  machine: atEnd(machine),
  headline: { adapter_share_llama_cpp: roundTo(worst.decoding.ratio, 3) },
  rows,
};
console.log(`\nadapter_share_llama_cpp ${formatRatio(worst.decoding)}, at ${worst.sequences} sequences`);
if (values.json !== undefined) writeReport(values.json, report);
if (values.docs) {
  const note = `${MODEL}, ${options.rounds} rounds of at most ${options.maxTokens} tokens a sequence, temperature 0.7, top-k 20, top-p 0.8. Rates are medians with extremes, from the first tokens on; ratios are of medians of paired rounds, with 95 % intervals.`;
  replaceSection('docs/node-llama-cpp.md', 'bench:llama-cpp', `\n${tableOf(rows)}\n\n${note} ${provenanceOf(report)}\n`);
}

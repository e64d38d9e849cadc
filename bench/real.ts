/**
 * Tokens per second on real models, with the models' own kind of sampling: our engine with and without drafts, ONNX Runtime alone
 * at the same shapes, transformers.js and node-llama-cpp.
 *
 *   npm run bench:real [-- --quick] [--model NAME] [--json FILE] [--docs]
 *
 * `bench/README.md` says what is measured and how.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Decoder, SpeculativeDecoder, loadOnnxModel, type Engine } from 'latency-tts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory, type RealModelName } from '../test/support/real-models.ts';
import { commandOf, countOf } from './support/command-line.ts';
import { bestThreads, directDecoding, ratesOfRun } from './support/gguf-decoding.ts';
import { loadGguf, missingPeer } from './support/load-gguf.ts';
import { atEnd, describeMachine, loadWarning } from './support/machine.ts';
import { markdownTable, provenanceOf, replaceSection, writeReport, type BenchmarkReport } from './support/report-files.ts';
import { exportedGraph, unifiedGraph } from './support/runtime-alone.ts';
import { roundTo, spreadOf, type Spread } from './support/statistics.ts';

const SAMPLING = { temperature: 0.7, topK: 20, topP: 0.8, repetitionPenalty: 1, minP: 0 };
const QUESTION =
  'Explain step by step, in detail, how to compute the area of a triangle with sides 13, 14 and 15, then the radius of its inscribed circle and of its circumscribed circle. Show every calculation.';
/** Cells in use halfway through a run of one branch: the prompt and half of what is written. */
const PROMPT_TOKENS = 75;

const { values: options } = parseArgs({
  options: {
    /** Fewer rounds and shapes: for a look, not for the record. */
    quick: { type: 'boolean', default: false },
    model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
    json: { type: 'string' },
    /** Writes the section into the docs page. */
    docs: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    tokens: { type: 'string' },
    branches: { type: 'string' },
    formats: { type: 'string', default: 'q4,q8' },
  },
});

interface Row {
  readonly who: string;
  readonly format: string;
  readonly branches: number;
  /** Tokens per second over all branches. */
  readonly rate: Spread;
}

interface RealReport extends BenchmarkReport {
  readonly benchmark: 'real';
  readonly model: string;
  readonly rows: readonly Row[];
}

interface Contestant {
  readonly who: string;
  readonly format: string;
  readonly branches: readonly number[];
  open(): Promise<Opened>;
}

interface Opened {
  /** Tokens per second, from the first tokens on. */
  rate(branches: number, seed: number): Promise<number>;
  close(): Promise<void>;
}

const directory = realModelDirectory(options.model as RealModelName);
if (directory === undefined) {
  console.error(HOW_TO_GET_REAL_MODELS);
  process.exit(2);
}
const rounds = countOf('rounds', options.rounds ?? (options.quick ? '2' : '5'));
const tokens = countOf('tokens', options.tokens ?? (options.quick ? '24' : '64'));
const branchCounts = (options.branches ?? (options.quick ? '1,8' : '1,4,8,16')).split(',').map(Number);
const formats = options.formats.split(',') as ('q4' | 'q8')[];
const graphOf = (format: 'q4' | 'q8', root = directory): string => join(root, 'onnx', format === 'q4' ? 'model_q4.onnx' : 'model_quantized.onnx');

const machine = describeMachine(['onnxruntime-node', '@huggingface/transformers']);
const warning = loadWarning(machine);
if (warning) console.error(warning);
const rows: Row[] = [];
for (const contestant of await contestants()) {
  const opened = await contestant.open();
  try {
    for (const branches of contestant.branches) {
      await opened.rate(branches, 1000);
      const rates: number[] = [];
      for (let round = 0; round < rounds; round++) rates.push(await opened.rate(branches, round));
      rows.push({ who: contestant.who, format: contestant.format, branches, rate: spreadOf(rates) });
      console.log(
        `${contestant.who}, ${contestant.format}, ${branches}: ${rows.at(-1)!.rate.median.toFixed(1)} tokens/s (${rates.map((rate) => rate.toFixed(1)).join(', ')})`,
      );
    }
  } finally {
    await opened.close();
  }
}
const report: RealReport = { benchmark: 'real', command: commandOf('bench:real'), model: options.model, machine: atEnd(machine), headline: headlineOf(), rows };
console.log(JSON.stringify(report.headline, null, 2));
if (options.json !== undefined) writeReport(options.json, report);
if (options.docs) replaceSection('docs/benchmarks.md', 'bench:real', markdownOf(report));

async function contestants(): Promise<Contestant[]> {
  const list: Contestant[] = [];
  for (const format of formats) {
    const common = { format, branches: branchCounts };
    list.push(
      { who: 'runtime alone', ...common, open: () => openRuntime(format) },
      { who: 'ours, no drafts', ...common, open: () => openOurs(format, (model) => new Decoder({ model, maxRows: 16 })) },
      { who: 'ours, adaptive', ...common, open: () => openOurs(format, (target) => new SpeculativeDecoder({ target, maxRows: 16 })) },
      { who: 'ours, drafts of 4', ...common, open: () => openOurs(format, (target) => new SpeculativeDecoder({ target, draftLength: 4, maxRows: 16 })) },
    );
  }
  list.push({ who: 'transformers.js', format: 'q4', branches: branchCounts.filter((count) => count <= 8), open: openTransformers });
  const missing = missingPeer('node-llama-cpp');
  if (missing === undefined)
    for (const count of branchCounts.filter((branches) => branches <= 8))
      list.push({ who: 'node-llama-cpp', format: 'gguf', branches: [count], open: () => openLlama(count) });
  else console.error(missing);
  return list;
}

/** The faster of two ways of calling the runtime; see `runtime-alone.ts`. */
async function openRuntime(format: 'q4' | 'q8'): Promise<Opened> {
  const ways = [await unifiedGraph(graphOf(format)), await exportedGraph(graphOf(format))];
  return {
    rate: async (branches) => {
      const held = PROMPT_TOKENS + Math.floor(tokens / 2);
      const flat = await ways[0]!.passMs(branches, PROMPT_TOKENS + branches * Math.floor(tokens / 2), 8);
      const batched = await ways[1]!.passMs(branches, held, 8);
      return (1000 * branches) / Math.min(flat, batched);
    },
    close: async () => void (await Promise.all(ways.map((way) => way.release()))),
  };
}

async function openOurs(format: 'q4' | 'q8', make: (model: Awaited<ReturnType<typeof loadOnnxModel>>) => Engine): Promise<Opened> {
  const engine = make(await loadOnnxModel(directory!, { dtype: format }));
  await engine.ready();
  return {
    rate: async (branches, seed) => {
      const session = await engine.open([{ role: 'user', content: QUESTION }], { seed, sampling: SAMPLING });
      const opened = session.branch(branches);
      await Promise.all(opened.map((branch) => branch.advance({ until: { tokens: 2 } })));
      const startedAt = performance.now();
      const segments = await Promise.all(opened.map((branch) => branch.advance({ until: { tokens } })));
      const seconds = (performance.now() - startedAt) / 1000;
      await session.dispose();
      return segments.reduce((sum, segment) => sum + segment.tokens.length, 0) / seconds;
    },
    close: () => engine.dispose(),
  };
}

/** transformers.js' `generate` on Optimum's export of the same weights: its loop cannot be told to leave out a prompt, so short prompts are in its favour. */
async function openTransformers(): Promise<Opened> {
  const { AutoModelForCausalLM, AutoTokenizer } = await import('@huggingface/transformers');
  const root = join(directory!, 'masked');
  const tokenizer = await AutoTokenizer.from_pretrained(root, { local_files_only: true });
  const model = await AutoModelForCausalLM.from_pretrained(root, { dtype: 'q4', local_files_only: true, use_external_data_format: true });
  const prompt = `<|im_start|>user\n${QUESTION}<|im_end|>\n<|im_start|>assistant\n`;
  const generate = async (branches: number, most: number): Promise<number> => {
    const inputs = tokenizer(Array.from({ length: branches }, () => prompt));
    const startedAt = performance.now();
    await model.generate({ ...inputs, max_new_tokens: most, min_new_tokens: most, do_sample: true, temperature: 0.7, top_k: 20, repetition_penalty: 1 });
    return performance.now() - startedAt;
  };
  return {
    // The prompt and the first token are taken off.
    rate: async (branches) => {
      const first = await generate(branches, 1);
      return (1000 * branches * (tokens - 1)) / ((await generate(branches, tokens)) - first);
    },
    close: async () => void (await model.dispose()),
  };
}

async function openLlama(sequences: number): Promise<Opened> {
  const gguf = await loadGguf(join(directory!, 'model.gguf'));
  const prompt = `<|im_start|>user\n${QUESTION}<|im_end|>\n<|im_start|>assistant\n`;
  const settings = { sequences, contextTokens: 512 };
  const request = { prompt, sampling: SAMPLING, maxTokens: tokens };
  const threads = await bestThreads(gguf, settings, [1, 2], { ...request, seed: 999, maxTokens: 8 });
  const decoding = await directDecoding(gguf, { ...settings, threads });
  return {
    rate: async (_, seed) => {
      const run = await decoding.run({ ...request, seed });
      return ratesOfRun(run, sequences).decoding;
    },
    close: async () => {
      await decoding.dispose();
      await gguf.model.dispose();
    },
  };
}

function rateOf(who: string, branches: number, among: readonly string[] = ['q4', 'q8', 'gguf']): number {
  return Math.max(...rows.filter((row) => row.who === who && row.branches === branches && among.includes(row.format)).map(({ rate }) => rate.median));
}

function headlineOf(): Record<string, number> {
  const figures: Record<string, number> = {};
  const ratio = (name: string, over: number, under: number): void => {
    if (Number.isFinite(over / under)) figures[name] = roundTo(over / under, 3);
  };
  const ours = (branches: number, among?: readonly string[]): number =>
    Math.max(...['ours, no drafts', 'ours, adaptive'].map((who) => rateOf(who, branches, among)));
  for (const branches of [1, 8]) {
    for (const format of formats)
      ratio(`share_of_runtime_b${branches}_${format}`, rateOf('ours, no drafts', branches, [format]), rateOf('runtime alone', branches, [format]));
    ratio(`share_of_runtime_b${branches}`, rateOf('ours, no drafts', branches), rateOf('runtime alone', branches));
    ratio(`vs_transformersjs_b${branches}`, ours(branches), rateOf('transformers.js', branches));
    ratio(`vs_node_llama_cpp_b${branches}`, ours(branches), rateOf('node-llama-cpp', branches));
    ratio(
      `speedup_spec_b${branches}`,
      Math.max(rateOf('ours, adaptive', branches, ['q8']), rateOf('ours, drafts of 4', branches, ['q8'])),
      rateOf('ours, no drafts', branches, ['q8']),
    );
  }
  const worst = formats.flatMap((format) =>
    branchCounts.map(
      (branches) =>
        rateOf('ours, adaptive', branches, [format]) / Math.max(rateOf('ours, no drafts', branches, [format]), rateOf('ours, drafts of 4', branches, [format])),
    ),
  );
  ratio('worst_adaptive_ratio', Math.min(...worst), 1);
  return figures;
}

function markdownOf(report: RealReport): string {
  const who = [...new Set(rows.map((row) => `${row.who}|${row.format}`))];
  const counts = [...new Set(rows.map((row) => row.branches))].sort((left, right) => left - right);
  const cell = ({ rate }: Row): string => `${rate.median.toFixed(0)} (${rate.min.toFixed(0)}–${rate.max.toFixed(0)})`;
  const table = markdownTable(
    ['', 'format', ...counts.map((count) => `${count} ${count === 1 ? 'branch' : 'branches'}`)],
    who.map((key) => {
      const [name, format] = key.split('|') as [string, string];
      return [
        name,
        format,
        ...counts.map((count) => rows.filter((row) => row.who === name && row.format === format && row.branches === count).map(cell)[0] ?? ''),
      ];
    }),
  );
  return `Tokens per second of ${report.model}, ${tokens} tokens a branch, temperature 0.7, top-k 20, top-p 0.8: median of ${rounds} rounds, and the extremes.\n\n${table}\n\n${provenanceOf(report)}`;
}

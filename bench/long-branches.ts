/**
 * Milliseconds of a decoding step of a real model by the number of branches and their length: with one pass over the cells of all
 * branches, and divided as the library divides it (decision 12).
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run bench:long [-- --model NAME --format q4|q8 --rounds N --json FILE --docs]
 */
import { dirname } from 'node:path';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { InferenceSession } from 'onnxruntime-node';
import type { TokenModel } from '../src/contracts/token-model.ts';
import { DEFAULT_SAMPLING } from '../src/maths/sampling.ts';
import { unifyGraph } from '../src/models/unified-graph.ts';
import { UnifiedTokenModel } from '../src/models/unified-token-model.ts';
import { commandOf } from './support/command-line.ts';
import { atEnd } from './support/machine.ts';
import { publish, REAL_MODEL_OPTIONS, startOnRealModel } from './support/real-model-command.ts';
import { markdownTable, provenanceOf, type BenchmarkReport } from './support/report-files.ts';
import { roundTo, spreadOf, type Spread } from './support/statistics.ts';

const BRANCHES = [8, 16];
const LENGTHS = [128, 512, 1024, 2048, 4096];
const PROMPT_TOKENS = 128;
const WARM_UP = 2;
const STEPS = 5;
const CONTEXT = 8192;
const GRAPHS = { q4: 'model_q4.onnx', q8: 'model_quantized.onnx' } as const;
const ONE_PASS = Number.MAX_SAFE_INTEGER;
const LOGGED = 3;

interface Row {
  readonly branches: number;
  /** Of each branch, besides the prompt that they share. */
  readonly length: number;
  readonly passes: number;
  readonly onePassMs: Spread;
  readonly dividedMs: Spread;
}

interface LongReport extends BenchmarkReport {
  readonly benchmark: 'long';
  readonly model: string;
  readonly format: string;
  readonly rows: readonly Row[];
}

const { values: options } = parseArgs({ options: { ...REAL_MODEL_OPTIONS, format: { type: 'string', default: 'q8' } } });
const { directory, rounds, machine } = startOnRealModel(options);
const file = `${directory}/onnx/${GRAPHS[options.format as keyof typeof GRAPHS]}`;
const facts = { source: options.model, contextTokens: CONTEXT, endTokens: new Set<number>(), sampling: DEFAULT_SAMPLING };
const unified = unifyGraph(readFileSync(file), facts)!;
let passes = 0;
const session = await InferenceSession.create(unified.bytes, {
  logSeverityLevel: LOGGED,
  extra: { session: { model_external_initializers_file_folder_path: dirname(file) } },
});
const run = session.run.bind(session);
session.run = ((...args: Parameters<typeof run>) => {
  passes++;
  return run(...args);
}) as typeof session.run;

/** Milliseconds of each step of so many branches, whose caches are copies of one text's. */
async function stepsOf(model: TokenModel, branches: number, length: number): Promise<{ readonly times: number[]; readonly passes: number }> {
  const text = model.openSequence();
  const tokens = Array.from({ length: PROMPT_TOKENS }, (_, index) => 100 + index);
  await model.forward([{ sequence: text, tokens, logitCount: 0 }]);
  const saved = text.save!(0, PROMPT_TOKENS);
  const sequences = Array.from({ length: branches }, () => text.fork());
  for (const sequence of sequences) sequence.restore!(Array.from({ length: length / PROMPT_TOKENS }, () => saved));
  const times: number[] = [];
  let before = 0;
  for (let step = -WARM_UP; step < STEPS; step++) {
    before = passes;
    const startedAt = performance.now();
    await model.forward(sequences.map((sequence) => ({ sequence, tokens: [50], logitCount: 1 })));
    if (step >= 0) times.push(performance.now() - startedAt);
  }
  for (const sequence of [text, ...sequences]) sequence.dispose();
  return { times, passes: passes - before };
}

const cases = LENGTHS.flatMap((length) => BRANCHES.map((branches) => ({ branches, length, passes: 0, onePassMs: [] as number[], dividedMs: [] as number[] })));
for (let round = 0; round < rounds; round++) {
  for (const measured of cases) {
    // Caches of one case are freed before the next one's are made.
    const one = await stepsOf(new UnifiedTokenModel(session, unified.shape, facts, ONE_PASS), measured.branches, measured.length);
    const divided = await stepsOf(new UnifiedTokenModel(session, unified.shape, facts), measured.branches, measured.length);
    measured.onePassMs.push(...one.times);
    measured.dividedMs.push(...divided.times);
    measured.passes = divided.passes;
  }
  console.error(`round ${round + 1} of ${rounds}`);
}
await session.release();
const rows = cases.map((measured): Row => ({ ...measured, onePassMs: spreadOf(measured.onePassMs), dividedMs: spreadOf(measured.dividedMs) }));
const ratioOf = ({ onePassMs, dividedMs }: Row): number => dividedMs.median / onePassMs.median;
const headline = Object.fromEntries(rows.map((row) => [`divided_over_one_pass_${row.length}_b${row.branches}`, roundTo(ratioOf(row), 2)]));
const { model, format } = options;
const report: LongReport = { benchmark: 'long', command: commandOf('bench:long'), model, format, machine: atEnd(machine), headline, rows };
publish(report, markdownOf(report), options);

function markdownOf(measured: LongReport): string {
  const show = ({ median, min, max }: Spread): string => `${median.toFixed(0)} (${min.toFixed(0)}–${max.toFixed(0)})`;
  const table = measured.rows.map((row) => [
    String(row.branches),
    String(row.length),
    show(row.onePassMs),
    show(row.dividedMs),
    String(row.passes),
    ratioOf(row).toFixed(2),
  ]);
  const title = `Milliseconds of a decoding step of ${measured.model} (${measured.format}), one token for each branch, after a shared prompt of ${PROMPT_TOKENS} tokens: medians of ${rounds} rounds of ${STEPS} steps, and the extremes.`;
  return [title, markdownTable(['branches', 'tokens of each', 'one pass', 'divided', 'passes', 'ratio'], table), provenanceOf(measured)].join('\n\n');
}

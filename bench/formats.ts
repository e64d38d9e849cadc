/**
 * Milliseconds of a decoding pass of a real model in each weight format, by the number of branches; both formats are loaded, and take
 * turns.
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run bench:formats [-- --model NAME --rounds N --json FILE --docs]
 */
import { parseArgs } from 'node:util';
import { Decoder, loadOnnxModel } from 'latency-tts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory, type RealModelName } from '../test/support/real-models.ts';
import { commandOf, countOf } from './support/command-line.ts';
import { atEnd, describeMachine, loadWarning } from './support/machine.ts';
import { markdownTable, provenanceOf, replaceSection, writeReport, type BenchmarkReport } from './support/report-files.ts';
import { roundTo, spreadOf, type Spread } from './support/statistics.ts';

const FORMATS = ['q4', 'q8'] as const;
const ROWS = [1, 2, 4, 8, 16, 40];
const CONTEXT_TOKENS = 200;

interface FormatsReport extends BenchmarkReport {
  readonly benchmark: 'formats';
  readonly model: string;
  readonly rows: readonly { readonly format: string; readonly passMs: readonly Spread[] }[];
}

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
    /** Writes the section into the docs page. */
    docs: { type: 'boolean', default: false },
  },
});
const directory = realModelDirectory(options.model as RealModelName);
if (directory === undefined) {
  console.error(HOW_TO_GET_REAL_MODELS);
  process.exit(2);
}
const rounds = countOf('rounds', options.rounds);
const machine = describeMachine(['onnxruntime-node']);
const warning = loadWarning(machine);
if (warning) console.error(warning);
const engine = new Decoder({ model: await loadOnnxModel(directory, { dtype: FORMATS, localFilesOnly: true }) });
await engine.ready();
const times = FORMATS.map(() => ROWS.map((): number[] => []));
const shapes = ROWS.map((rows) => ({ rows, newTokens: 1, contextTokens: CONTEXT_TOKENS }));
for (let round = 0; round < rounds; round++) {
  for (const [index, format] of FORMATS.entries()) {
    const measured = await engine.inFormat(format).passes!.measure('target', shapes, { repetitions: 3, warmUp: 1 });
    for (const [at, repetitions] of measured.entries()) times[index]![at]!.push(...repetitions);
  }
}
await engine.dispose();
const rows = FORMATS.map((format, index) => ({ format, passMs: times[index]!.map(spreadOf) }));
const headline = Object.fromEntries(ROWS.map((count, at) => [`q8_over_q4_${count}`, roundTo(rows[1]!.passMs[at]!.median / rows[0]!.passMs[at]!.median, 2)]));
const report: FormatsReport = { benchmark: 'formats', command: commandOf('bench:formats'), model: options.model, machine: atEnd(machine), headline, rows };
console.log(markdownOf(report));
if (options.json !== undefined) writeReport(options.json, report);
if (options.docs) replaceSection('docs/benchmarks.md', 'bench:formats', markdownOf(report));

function markdownOf(measured: FormatsReport): string {
  const show = ({ median, min, max }: Spread): string => `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;
  const table = measured.rows.map(({ format, passMs }) => [format, ...passMs.map(show)]);
  const title = `Milliseconds of a pass of ${measured.model} after ${CONTEXT_TOKENS} tokens of a shared prompt, one new token for each branch, drawn as the model's files say: medians of ${3 * rounds} passes, and the extremes.`;
  return [title, markdownTable(['branches', ...ROWS.map(String)], table), provenanceOf(measured)].join('\n\n');
}

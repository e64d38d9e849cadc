/**
 * Milliseconds of a decoding pass of a real model in each weight format, by the number of branches; both formats are loaded, and take
 * turns.
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run bench:formats [-- --model NAME --rounds N --json FILE --docs]
 */
import { parseArgs } from 'node:util';
import { Decoder, loadOnnxModel } from 'latency-tts';
import { commandOf } from './support/command-line.ts';
import { atEnd } from './support/machine.ts';
import { publish, REAL_MODEL_OPTIONS, startOnRealModel } from './support/real-model-command.ts';
import { markdownTable, provenanceOf, type BenchmarkReport } from './support/report-files.ts';
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
    ...REAL_MODEL_OPTIONS,
  },
});
const { directory, rounds, machine } = startOnRealModel(options);
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
publish(report, markdownOf(report), options);

function markdownOf(measured: FormatsReport): string {
  const show = ({ median, min, max }: Spread): string => `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;
  const table = measured.rows.map(({ format, passMs }) => [format, ...passMs.map(show)]);
  const title = `Milliseconds of a pass of ${measured.model} after ${CONTEXT_TOKENS} tokens of a shared prompt, one new token for each branch, drawn as the model's files say: medians of ${3 * rounds} passes, and the extremes.`;
  return [title, markdownTable(['branches', ...ROWS.map(String)], table), provenanceOf(measured)].join('\n\n');
}

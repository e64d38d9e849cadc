/**
 * Milliseconds of a pass of ONNX Runtime alone by the cells of the cache: of a graph as exported, whose `GroupQueryAttention` has a
 * cache for each branch, and as the library changes it, with one cache of all branches' cells (decision 12).
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run bench:attention [-- --model NAME --format q4|q8 --rounds N --json FILE --docs]
 */
import { parseArgs } from 'node:util';
import { commandOf } from './support/command-line.ts';
import { atEnd } from './support/machine.ts';
import { publish, REAL_MODEL_OPTIONS, startOnRealModel } from './support/real-model-command.ts';
import { markdownTable, provenanceOf, type BenchmarkReport } from './support/report-files.ts';
import { exportedGraph, unifiedGraph } from './support/runtime-alone.ts';
import { roundTo, spreadOf, type Spread } from './support/statistics.ts';

const CELLS = [512, 2048, 6144];
const BRANCHES = [1, 8];
const REPETITIONS = 5;
const GRAPHS = { q4: 'model_q4.onnx', q8: 'model_quantized.onnx' } as const;

interface Row {
  readonly branches: number;
  /** Of all branches together. */
  readonly cells: number;
  readonly exportedMs: Spread;
  readonly changedMs: Spread;
}

interface AttentionReport extends BenchmarkReport {
  readonly benchmark: 'attention';
  readonly model: string;
  readonly format: string;
  readonly rows: readonly Row[];
}

const { values: options } = parseArgs({
  options: {
    ...REAL_MODEL_OPTIONS,
    format: { type: 'string', default: 'q8' },
  },
});
const { directory, rounds, machine } = startOnRealModel(options);
const file = `${directory}/onnx/${GRAPHS[options.format as keyof typeof GRAPHS]}`;
const [exported, changed] = [await exportedGraph(file), await unifiedGraph(file)];
const cases = CELLS.flatMap((cells) => BRANCHES.map((branches) => ({ branches, cells, exportedMs: [] as number[], changedMs: [] as number[] })));
for (let round = 0; round < rounds; round++) {
  for (const { branches, cells, exportedMs, changedMs } of cases) {
    exportedMs.push(await exported.passMs(branches, cells / branches, REPETITIONS));
    changedMs.push(await changed.passMs(branches, cells, REPETITIONS));
  }
}
await Promise.all([exported.release(), changed.release()]);
const rows = cases.map((measured): Row => ({ ...measured, exportedMs: spreadOf(measured.exportedMs), changedMs: spreadOf(measured.changedMs) }));
const ratioOf = ({ exportedMs, changedMs }: Row): number => changedMs.median / exportedMs.median;
const headline = Object.fromEntries(rows.map((row) => [`changed_over_exported_${row.cells}_b${row.branches}`, roundTo(ratioOf(row), 2)]));
const { model, format } = options;
const report: AttentionReport = { benchmark: 'attention', command: commandOf('bench:attention'), model, format, machine: atEnd(machine), headline, rows };
publish(report, markdownOf(report), options);

function markdownOf(measured: AttentionReport): string {
  const show = ({ median, min, max }: Spread): string => `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`;
  const table = measured.rows.map((row) => [String(row.cells), String(row.branches), show(row.exportedMs), show(row.changedMs), ratioOf(row).toFixed(2)]);
  const title = `Milliseconds of a pass of ${measured.model} (${measured.format}) in ONNX Runtime alone, one new token for each branch: medians of ${rounds} rounds in turn, and the extremes. As exported, each branch has a cache of its own with its share of the cells; changed, all are in one.`;
  return [title, markdownTable(['cells', 'branches', 'as exported', 'changed', 'ratio'], table), provenanceOf(measured)].join('\n\n');
}

/**
 * Resident memory of a loaded model over the size of its weights, for each graph, in the calling thread and in a worker. Each
 * measurement has a process of its own; `memory_ratio` is the largest.
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run bench:memory [-- --model NAME --json FILE]
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { Decoder, loadOnnxModel } from 'latency-tts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory, type RealModelName } from '../test/support/real-models.ts';
import { commandOf, printTable } from './support/command-line.ts';
import { describeMachine } from './support/machine.ts';
import { provenanceOf, writeReport } from './support/report-files.ts';

const GRAPHS = { q4: 'model_q4.onnx', q8: 'model_quantized.onnx' } as const;
const LAYOUTS = { gqa: '', masked: 'masked' } as const;
const THREADS = ['main', 'worker'] as const;

interface Subject {
  readonly directory: string;
  readonly dtype: keyof typeof GRAPHS;
  readonly thread: (typeof THREADS)[number];
}

interface Reading {
  /** Megabytes more than before the model was loaded: when it is, after one answer, and at most. */
  readonly loaded: number;
  readonly used: number;
  readonly peak: number;
}

/** A field of the process's status, in megabytes. */
function statusOf(field: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
}

/** In a process that has loaded nothing yet. */
async function measure({ directory, dtype, thread }: Subject): Promise<Reading> {
  await import('@huggingface/transformers');
  const before = statusOf('VmRSS');
  const engine = new Decoder({ model: await loadOnnxModel(directory, { dtype, localFilesOnly: true }), thread });
  await engine.ready();
  await setTimeout(1000);
  const loaded = statusOf('VmRSS') - before;
  const session = await engine.open('What is 12 + 30?', { sampling: { temperature: 0 } });
  await session.branch(1)[0]!.advance({ until: { tokens: 16 } });
  const used = statusOf('VmRSS') - before;
  const peak = statusOf('VmHWM') - before;
  await engine.dispose();
  return { loaded, used, peak };
}

async function measureApart(subject: Subject): Promise<Reading> {
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), '--child', JSON.stringify(subject)]);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Reading;
}

/** Megabytes of a graph and its external data. */
async function weightsOf(directory: string, graph: string): Promise<number> {
  const names = (await readdir(join(directory, 'onnx'))).filter((name) => name.startsWith(graph));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, 'onnx', name))).size));
  return sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20;
}

async function main({ model, json }: { readonly model: RealModelName; readonly json?: string }): Promise<void> {
  const root = realModelDirectory(model);
  if (root === undefined) return console.log(`Skipped: ${model} is not there. ${HOW_TO_GET_REAL_MODELS}`);
  const machine = describeMachine(['onnxruntime-node', '@huggingface/transformers']);
  const results: (Reading & { layout: string; dtype: string; thread: string; weights: number; ratio: number })[] = [];
  for (const [layout, folder] of Object.entries(LAYOUTS)) {
    for (const [dtype, graph] of Object.entries(GRAPHS) as [keyof typeof GRAPHS, string][]) {
      const directory = join(root, folder);
      const weights = await weightsOf(directory, graph);
      for (const thread of THREADS) {
        const reading = await measureApart({ directory, dtype, thread });
        results.push({ layout, dtype, thread, weights, ...reading, ratio: reading.used / weights });
      }
    }
  }
  printTable({
    head: ['layout', 'dtype', 'thread', 'weights, MB', 'loaded, MB', 'after an answer, MB', 'peak, MB', 'ratio'],
    rows: results.map(({ layout, dtype, thread, weights, loaded, used, peak, ratio }) => [
      layout,
      dtype,
      thread,
      ...[weights, loaded, used, peak].map((megabytes) => megabytes.toFixed(0)),
      ratio.toFixed(2),
    ]),
  });
  const headline = { memory_ratio: Math.max(...results.map(({ ratio }) => ratio)) };
  const report = { benchmark: 'memory', command: commandOf('bench:memory'), machine, model, results, headline };
  console.log(provenanceOf(report));
  console.log(headline);
  if (json !== undefined) writeReport(json, report);
}

const [flag, child] = process.argv.slice(2);
if (flag === '--child') console.log(JSON.stringify(await measure(JSON.parse(child!) as Subject)));
else {
  const program = new Command()
    .option('--model <name>', 'a directory of LATENCY_TTS_REAL_MODELS', 'smollm2-135m')
    .option('--json <file>', 'writes the results');
  await main(program.parse().opts());
}

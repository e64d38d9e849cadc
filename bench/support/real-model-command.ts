/**
 * What benchmarks of one real model share: options of the command, the model's directory, and where the report goes.
 *
 * @module
 */
import { HOW_TO_GET_REAL_MODELS, realModelDirectory, type RealModelName } from '../../test/support/real-models.ts';
import { countOf } from './command-line.ts';
import { describeMachine, loadWarning, type Machine } from './machine.ts';
import { replaceSection, writeReport, type BenchmarkReport } from './report-files.ts';

export const REAL_MODEL_OPTIONS = {
  model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
  rounds: { type: 'string', default: '5' },
  json: { type: 'string' },
  /** Writes the section into the docs page. */
  docs: { type: 'boolean', default: false },
} as const;

/** Ends the process where the model is not there. */
export function startOnRealModel(options: { readonly model: string; readonly rounds: string }): {
  readonly directory: string;
  readonly rounds: number;
  readonly machine: Machine;
} {
  const directory = realModelDirectory(options.model as RealModelName);
  if (directory === undefined) {
    console.error(HOW_TO_GET_REAL_MODELS);
    process.exit(2);
  }
  const machine = describeMachine(['onnxruntime-node']);
  const warning = loadWarning(machine);
  if (warning) console.error(warning);
  return { directory, rounds: countOf('rounds', options.rounds), machine };
}

/** Prints a report, and writes it where the options say. */
export function publish(report: BenchmarkReport, markdown: string, options: { readonly json?: string | undefined; readonly docs: boolean }): void {
  console.log(markdown);
  if (options.json !== undefined) writeReport(options.json, report);
  if (options.docs) replaceSection('docs/benchmarks.md', `bench:${report.benchmark}`, markdown);
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Machine } from './machine.ts';

/** What every benchmark's JSON file has in common. */
export interface BenchmarkReport {
  readonly benchmark: string;
  readonly command: string;
  readonly machine: Machine;
  /** The few figures to follow over time. */
  readonly headline: Readonly<Record<string, number>>;
}

export function writeReport(path: string, report: BenchmarkReport): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(report, null, 2) + '\n');
}

export function readReport<Report extends BenchmarkReport>(path: string, benchmark: Report['benchmark']): Report {
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  if (report.benchmark !== benchmark) throw new Error(`${path} holds results of "${report.benchmark}", not of "${benchmark}".`);
  return report;
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->` in a page. */
export function replaceSection(path: string, name: string, markdown: string): void {
  const page = readFileSync(path, 'utf8');
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`${path} has no section between ${open} and ${close}.`);
  writeFileSync(path, `${page.slice(0, start + open.length)}\n${markdown.trim()}\n${page.slice(end)}`);
}

/** When, with what command, where and with what a report's figures were measured. */
export function provenanceOf({ machine, command }: Pick<BenchmarkReport, 'machine' | 'command'>): string {
  const { cpu, cores, node, date, loadAverage, loadAverageAtEnd } = machine;
  const packages = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  const load = `load average ${loadAverage.toFixed(2)} at the start${loadAverageAtEnd === undefined ? '' : ` and ${loadAverageAtEnd.toFixed(2)} at the end`}`;
  return `Measured ${date.slice(0, 10)} with \`${command}\` on ${cpu}, ${cores} cores, ${load}. Node ${node}; ${packages.join(', ')}.`;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

import Table from 'cli-table3';
import { requireWholeNumber } from '../../src/options.ts';
import type { Threads } from './candidate.ts';

/** The command this process was started with, for whoever wants to repeat it. */
export function commandOf(script: string): string {
  return [`npm run ${script}`, ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
}

/** @throws {InvalidOptionError} unless `text` is a whole number ≥ 1. */
export function countOf(option: string, text: string): number {
  const value = Number(text);
  requireWholeNumber(option, value, 1);
  return value;
}

/** @throws {InvalidOptionError} unless `text` is `default` or a whole number ≥ 1. */
export function threadsOf(text: string): Threads {
  return text === 'default' ? text : countOf('threads', text);
}

export interface TableText {
  readonly head: string[];
  readonly rows: string[][];
}

export function printTable({ head, rows }: TableText): void {
  const table = new Table({ head, style: { head: [], border: [] } });
  table.push(...rows);
  console.log(table.toString());
}

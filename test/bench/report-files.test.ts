import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { provenanceOf, readReport, replaceSection, writeReport, type BenchmarkReport } from '../../bench/support/report-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latency-tts-bench-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const report: BenchmarkReport = {
  benchmark: 'decode',
  command: 'npm run bench:decode',
  machine: { cpu: 'Some Processor', cores: 2, node: 'v20.0.0', packages: {}, date: '2026-11-23T10:00:00.000Z', loadAverage: 0 },
  headline: { speed: 2 },
};

test('a report comes back as it was written, from a folder that is made for it', () => {
  const path = join(folder, 'new', 'report.json');
  writeReport(path, report);
  expect(readReport(path, 'decode')).toEqual(report);
});

test('the results of another benchmark are refused', () => {
  const path = join(folder, 'report.json');
  writeReport(path, report);
  expect(() => readReport(path, 'frontier')).toThrow('holds results of "decode", not of "frontier"');
});

test('a section is replaced, again and again, and what surrounds it stays', () => {
  const path = join(folder, 'page.md');
  writeFileSync(path, 'before\n\n<!-- figures -->\nold\n<!-- /figures -->\n\nafter\n');
  replaceSection(path, 'figures', 'new');
  replaceSection(path, 'figures', 'newer\n');
  expect(readFileSync(path, 'utf8')).toBe('before\n\n<!-- figures -->\nnewer\n<!-- /figures -->\n\nafter\n');
});

test('a page without the section is refused and left as it was', () => {
  const path = join(folder, 'page.md');
  writeFileSync(path, 'text\n');
  expect(() => replaceSection(path, 'figures', 'new')).toThrow('has no section between <!-- figures --> and <!-- /figures -->');
  expect(readFileSync(path, 'utf8')).toBe('text\n');
});

test('provenance has the load at the end where it is known', () => {
  expect(provenanceOf(report)).toContain('2 cores, load average 0.00 at the start. Node v20.0.0');
  const { machine } = report;
  expect(provenanceOf({ ...report, machine: { ...machine, loadAverageAtEnd: 1.5 } })).toContain('load average 0.00 at the start and 1.50 at the end.');
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ASSUMPTIONS, plansTable, splitTable } from '../../bench/support/scale-report.ts';

const page = readFileSync(new URL('../../docs/scale.md', import.meta.url), 'utf8');

/** Cells without the blanks that formatting adds. */
const cellsOf = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .filter((line) => !/^\|[\s|:-]+\|$/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));

test.each([
  ['scale plans', plansTable],
  ['scale split', splitTable],
])('docs/scale.md has the table “%s” as the code computes it', (name, makeTable) => {
  const section = page.split(`<!-- ${name} -->`)[1]?.split(`<!-- /${name} -->`)[0];
  expect(cellsOf(section ?? '')).toEqual(cellsOf(makeTable()));
});

test('docs/scale.md states the assumptions that the code makes', () => {
  const { promptTokens, lengths, acceptance } = ASSUMPTIONS;
  for (const stated of [
    `${promptTokens} tokens`,
    `median ${lengths.medianTokens}`,
    `σ = ${lengths.sigma}`,
    `cut at ${lengths.mostTokens}`,
    `probability ${acceptance}`,
  ]) {
    expect(page).toContain(stated);
  }
});

test('no percentages of the paper but those of its abstract are in docs/scale.md', () => {
  const percentages = [...page.matchAll(/(\d+(?:\.\d+)?) %/g)].map(([, value]) => value!);
  expect(percentages.filter((value) => value.includes('.'))).toEqual(['82.3', '72.4']);
});

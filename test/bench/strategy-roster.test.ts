import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HEADLINE, isWanted, ROSTER } from '../../bench/support/strategy-roster.ts';

const names = ROSTER.map(({ name }) => name);

test('every strategy that is evaluated has a name of its own and a place for its curve in the docs', () => {
  expect(new Set(names).size).toBe(names.length);
  for (const { name, page } of ROSTER) {
    expect(readFileSync(`docs/strategies/${page}.md`, 'utf8')).toContain(`<!-- eval:strategies ${name} -->`);
  }
});

test('every page of a strategy shows a curve', () => {
  const pages = readdirSync('docs/strategies').map((file) => file.replace(/\.md$/, ''));
  expect([...new Set(ROSTER.map(({ page }) => page))].sort()).toEqual(pages.sort());
});

test('the headline takes its accuracies from strategies of the roster', () => {
  for (const name of [...Object.values(HEADLINE.accuracies), HEADLINE.decided, HEADLINE.undecided]) expect(names).toContain(name);
});

test('some strategies can be chosen by parts of their names', () => {
  const chosen = (only: string): string[] => ROSTER.filter(isWanted(only)).map(({ name }) => name);
  expect(chosen('')).toEqual(names);
  expect(chosen('MCTS|REBASE')).toEqual(['REBASE', 'MCTS']);
  expect(chosen('nothing')).toEqual([]);
});

/** The table of docs/answers.md holds. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { equivalent } from '../../src/answers/equivalent.ts';

const page = readFileSync(new URL('../../docs/answers.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| ([a-z, ]+) \| (`.+`) \| (`.+`) \|$/gm)].map(([, kind, same, different]) => ({
  kind,
  same: pairsIn(same!),
  different: pairsIn(different!),
}));

function pairsIn(cell: string): [string, string][] {
  return cell.split('; ').map((pair) => {
    const [, left, right] = /^`(.+)` and `(.+)`$/.exec(pair) ?? [];
    if (left === undefined || right === undefined) throw new Error(`No pair: ${pair}`);
    return [left, right];
  });
}

describe('docs/answers.md', () => {
  test('has its table', () => {
    expect(rows.length).toBeGreaterThan(12);
  });

  test.each(rows)('is right about $kind', ({ same, different }) => {
    expect(same.filter(([left, right]) => !equivalent(left, right))).toEqual([]);
    expect(different.filter(([left, right]) => equivalent(left, right))).toEqual([]);
  });
});

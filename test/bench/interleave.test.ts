import { expect, test } from 'vitest';
import { interleave } from '../../bench/support/interleave.ts';

test('every candidate does every case in every round, side by side, and each goes first equally often', async () => {
  const done: string[] = [];
  const ended: number[] = [];
  await interleave({
    candidates: ['A', 'B', 'C'],
    cases: [1, 2, 3],
    rounds: 2,
    measure: async (candidate, on, round) => void done.push(`${round}${on}${candidate}`),
    onRound: (round) => ended.push(round),
  });
  const groups = Array.from({ length: 6 }, (_, index) => done.slice(3 * index, 3 * index + 3));
  for (const group of groups) expect(new Set(group.map((entry) => entry.slice(0, 2))).size).toBe(1);
  for (const group of groups) expect(new Set(group.map((entry) => entry[2])).size).toBe(3);
  const firsts = groups.map(([first]) => first![2]);
  for (const candidate of ['A', 'B', 'C']) expect(firsts.filter((first) => first === candidate)).toHaveLength(2);
  expect(ended).toEqual([0, 1]);
});

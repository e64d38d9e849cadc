import { expect, test } from 'vitest';
import type { DecodeRequest, DecodeRun } from '../../bench/support/candidate.ts';
import type { Contestant } from '../../bench/support/contestants.ts';
import type { Group, Setting } from '../../bench/support/speculative-roster.ts';
import { tryOut } from '../../bench/support/try-out.ts';

/** Ten tokens in as many milliseconds as `msOf` says, and four times as many in the first run of a setting. */
function contestantOf(name: string, group: Group, msOf: (branches: number) => number, threads?: number): Contestant {
  const warm = new Set<number>();
  return {
    entry: { name, group },
    ...(threads !== undefined && { threads }),
    candidate: {
      name,
      run: async ({ branches }: DecodeRequest): Promise<DecodeRun> => {
        const totalMs = msOf(branches) * (warm.has(branches) ? 1 : 4);
        warm.add(branches);
        return { texts: [], totalMs, decodeMs: 1, usefulTokens: 10, computedTokens: 10 };
      },
      dispose: async () => undefined,
    },
  };
}

const ONE: Setting = { branches: 1, temperature: 1 };
const EIGHT: Setting = { branches: 8, temperature: 1 };
const requestsOf = (setting: Setting): DecodeRequest[] => [{ ...setting, question: 'a question', seed: 0, maxTokens: 10 }];

test('tryOut leaves out a number of threads that is clearly worse in a setting, and only there', async () => {
  const single = contestantOf('a peer', 'node-llama-cpp', (branches) => (branches === 1 ? 5 : 15), 1);
  const double = contestantOf('a peer', 'node-llama-cpp', (branches) => (branches === 1 ? 10 : 10), 2);
  const isAdmitted = await tryOut([single, double], [ONE, EIGHT], requestsOf);
  expect([single, double].map((contestant) => isAdmitted(contestant, ONE))).toEqual([true, false]);
  expect([single, double].map((contestant) => isAdmitted(contestant, EIGHT))).toEqual([true, true]);
});

test('tryOut does not go on with a number of threads that starts hopelessly', async () => {
  let runs = 0;
  const single = contestantOf('a peer', 'node-llama-cpp', () => 5, 1);
  const double = contestantOf('a peer', 'node-llama-cpp', () => (runs++, 50), 2);
  const isAdmitted = await tryOut([single, double], [ONE], (setting) => Array.from({ length: 4 }, () => requestsOf(setting)[0]!));
  expect(isAdmitted(double, ONE)).toBe(false);
  expect(runs).toBe(1);
});

test('tryOut compares nobody with others: a slow candidate is measured too', async () => {
  const [slow, fast] = [contestantOf('slow', 'ours', () => 100), contestantOf('fast', 'ours', () => 1)];
  const isAdmitted = await tryOut([slow, fast], [ONE], requestsOf);
  expect(isAdmitted(slow, ONE)).toBe(true);
});

test('tryOut runs nobody in a setting in which they take no part', async () => {
  const branchesRun: number[] = [];
  const length = contestantOf('draft model, k = 3', 'draft-length', (branches) => branchesRun.push(branches));
  const four: Setting = { branches: 4, temperature: 1 };
  const isAdmitted = await tryOut([length], [four, EIGHT], requestsOf);
  expect([isAdmitted(length, four), isAdmitted(length, EIGHT)]).toEqual([false, true]);
  expect(new Set(branchesRun)).toEqual(new Set([8]));
});

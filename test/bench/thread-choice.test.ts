import { expect, test } from 'vitest';
import type { Candidate, DecodeRequest, DecodeRun } from '../../bench/support/candidate.ts';
import { ThreadChoice } from '../../bench/support/thread-choice.ts';

/** Ten tokens in as many milliseconds as `msOf` says; notes each run. */
const candidateOf = (threads: number, msOf: (branches: number) => number, ran: number[]): Candidate => ({
  name: 'a peer',
  run: async ({ branches }: DecodeRequest): Promise<DecodeRun> => {
    ran.push(threads);
    return { texts: [], totalMs: msOf(branches), decodeMs: 1, usefulTokens: 10, computedTokens: 10 };
  },
  dispose: async () => undefined,
});
const requestOf = (branches: number): DecodeRequest => ({ question: 'a question', branches, seed: 0, temperature: 1, maxTokens: 10 });

test('ThreadChoice takes for each setting the number of threads that is fastest there', async () => {
  const ran: number[] = [];
  const choice = new ThreadChoice(new Map([1, 2].map((threads) => [threads, candidateOf(threads, (branches) => (threads === 1 ? 5 : 9 - branches), ran)])));
  for (const branches of [1, 8]) await choice.choose([requestOf(branches), requestOf(branches)]);
  expect([1, 8].map((branches) => choice.threadsFor(requestOf(branches)))).toEqual([1, 2]);
  ran.length = 0;
  for (const branches of [8, 1]) await choice.run(requestOf(branches));
  expect(ran).toEqual([2, 1]);
});

test('ThreadChoice does not go on with a hopeless number of threads', async () => {
  const ran: number[] = [];
  const choice = new ThreadChoice(new Map([1, 2].map((threads) => [threads, candidateOf(threads, () => (threads === 1 ? 10 : 50), ran)])));
  await choice.choose([requestOf(1), requestOf(1), requestOf(1)]);
  expect(ran.filter((threads) => threads === 2)).toHaveLength(1);
  expect(choice.threadsFor(requestOf(1))).toBe(1);
});

test('ThreadChoice starts with the first number of threads', () => {
  const choice = new ThreadChoice(new Map([2, 1].map((threads) => [threads, candidateOf(threads, () => 10, [])])));
  expect(choice.threadsFor(requestOf(4))).toBe(2);
});

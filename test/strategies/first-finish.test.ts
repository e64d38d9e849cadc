import { describe, expect, test } from 'vitest';
import { FirstFinish, type FirstFinishOptions } from '../../src/strategies/first-finish.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { runOn } from './strategy-laws.ts';
import type { Plan, SolverOptions } from './solver.ts';

const MANY_SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

/** Every plan with another length, so that the order of finishing is that of the plans. */
const LADDER: readonly Plan[] = [
  { steps: 2, answer: '1' },
  { steps: 6, answer: '2' },
  { steps: 10, answer: '3' },
  { steps: 14, answer: '2' },
];

function solve(options: FirstFinishOptions, fields: { readonly seed?: number; readonly deadlineMs?: number } = {}, solver: SolverOptions = { plans: LADDER }) {
  return runOn(solver, new FirstFinish(options), fields);
}

describe('the first to finish', () => {
  test('is returned, and the others are ended', async () => {
    for (const seed of MANY_SEEDS) {
      const { text, answer, finishers, stopReason, branches, timing, confidence } = await solve({ branches: 5 }, { seed });
      const patient = await runOn({ plans: LADDER }, new SelfConsistency({ branches: 5, earlyDecision: 'none' }), { seed });
      const shortest = patient.branches.reduce((left, right) => (right.tokenCount < left.tokenCount ? right : left));
      expect([text, answer, finishers, stopReason, confidence]).toEqual([shortest.text, shortest.answer, [shortest.branch], 'completed', 1]);
      expect(timing.totalMs).toBeLessThanOrEqual(shortest.endMs + 10);
      for (const { finish, text: written, branch } of branches) {
        if (finish !== 'end') expect(finish).toBe('aborted');
        expect(patient.branches[branch]!.text.startsWith(written)).toBe(true);
      }
    }
  });

  test('of those with an answer: a text without one finishes nothing', async () => {
    const extract = (text: string): string | undefined => (text[0] === 'a' ? undefined : text[0]);
    for (const seed of MANY_SEEDS) {
      const { finishers, branches, answer } = await solve({ branches: 6, extract }, { seed });
      if (branches.every(({ text }) => text[0] === 'a')) continue;
      expect(finishers).toHaveLength(1);
      expect(branches[finishers[0]!]!.text[0]).toBe(answer);
      expect(answer).not.toBe('a');
    }
  });
});

describe('the first m to finish', () => {
  test('vote: the most frequent answer, of equals that of the shortest, by its shortest solution', async () => {
    let ties = 0;
    let majorities = 0;
    for (const seed of MANY_SEEDS) {
      const { finishers, branches, answer, text, confidence } = await solve({ branches: 9, finishers: 4 }, { seed });
      expect(finishers).toHaveLength(4);
      const voters = finishers.map((branch) => branches[branch]!);
      expect(voters.map(({ tokenCount }) => tokenCount)).toEqual(voters.map(({ tokenCount }) => tokenCount).sort((left, right) => left - right));
      const votes = (of: string | undefined): number => voters.filter((voter) => voter.answer === of).length;
      const most = Math.max(...voters.map((voter) => votes(voter.answer)));
      // Voters are from the shortest, so that the first of the leading answers is the one that has to win.
      const winner = voters.find((voter) => votes(voter.answer) === most)!;
      expect([answer, text, confidence]).toEqual([winner.answer, winner.text, most / 4]);
      if (most === 2) ties++;
      if (winner !== voters[0]) majorities++;
    }
    expect(ties).toBeGreaterThan(0);
    expect(majorities).toBeGreaterThan(0);
  });

  test('may be all of them', async () => {
    const { finishers, branches, stopReason } = await solve({ branches: 4, finishers: 4 });
    expect([finishers.length, stopReason]).toEqual([4, 'completed']);
    expect(branches.every(({ finish }) => finish === 'end')).toBe(true);
  });

  test('answers that are the same by one’s own rule vote together', async () => {
    const { confidence } = await solve({ branches: 9, finishers: 4, isSame: () => true });
    expect(confidence).toBe(1);
  });
});

describe('at the deadline', () => {
  const plans: readonly Plan[] = [
    { steps: 2, answer: '1' },
    { steps: 100, answer: '2' },
  ];

  test('those that finished vote, fewer than m, and those asked for their answer do not', async () => {
    let outvoted = 0;
    for (const seed of MANY_SEEDS) {
      const { answer, finishers, branches, stopReason } = await solve({ branches: 5, finishers: 5 }, { seed, deadlineMs: 400 }, { plans });
      const finished = branches.filter(({ isForced }) => !isForced).map(({ branch }) => branch);
      if (finished.length === 0 || finished.length === 5) continue;
      expect([answer, finishers, stopReason]).toEqual(['1', finished, 'deadline']);
      if (finished.length === 1) outvoted++;
    }
    expect(outvoted).toBeGreaterThan(0);
  });

  test('where none has finished, those asked for their answer vote', async () => {
    const { answer, finishers, stopReason } = await solve({ branches: 3 }, { deadlineMs: 400 }, { plans: [plans[1]!] });
    expect([answer, finishers, stopReason]).toEqual(['2', [0, 1, 2], 'deadline']);
  });

  test('without any answer the longest text is returned, without confidence', async () => {
    const { answer, confidence, finishers, text } = await solve({ branches: 3, forcedAnswer: false }, { deadlineMs: 400 }, { plans: [plans[1]!] });
    expect([answer, confidence, finishers]).toEqual([undefined, 0, []]);
    expect(text.length).toBeGreaterThan(20);
  });
});

test.each([
  ['branches', { branches: 0 }],
  ['finishers', { finishers: 0 }],
  ['finishers', { branches: 3, finishers: 4 }],
  ['maxTokens', { maxTokens: -1 }],
])('%s is refused in %j', (option, options) => {
  expect(() => new FirstFinish(options)).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
});

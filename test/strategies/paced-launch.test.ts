import { describe, expect, test } from 'vitest';
import { BestOfN } from '../../src/strategies/best-of-n.ts';
import { Pace } from '../../src/strategies/paced-launch.ts';
import { SelfConsistency, type SelfConsistencyOptions } from '../../src/strategies/self-consistency.ts';
import type { SolverOptions } from './solver.ts';
import { runOn } from './strategy-laws.ts';
import { scriptedScorer } from './text-scorers.ts';

describe('the pace', () => {
  test('of one branch allows for some more, and what was measured for as many as fit', () => {
    const pace = new Pace(40);
    expect(pace.fitting(1_000, 10, 16)).toBe(1);
    pace.record(1, 10);
    expect(pace.fitting(400, 10, 16)).toBe(0);
    expect(pace.fitting(600, 0, 16)).toBeGreaterThan(1);
    // A second branch costs 2 ms a step: 50 steps of 10 + 2 · (n − 1) ms.
    pace.record(2, 12);
    expect(pace.fitting(1_000, 10, 16)).toBe(6);
    expect(pace.fitting(1_000, 10, 4)).toBe(4);
    expect(pace.fitting(550, 10, 16)).toBe(1);
  });

  test('that does not fall with more branches allows for any number', () => {
    const pace = new Pace(40);
    pace.record(1, 10);
    pace.record(2, 10);
    expect(pace.fitting(1_000, 0, 99)).toBe(99);
    expect(pace.fitting(100, 0, 99)).toBe(0);
  });
});

/** Solutions of 20 dots and their answers, 27 or 28 tokens, on a machine that slows down with every row. */
const SLOWING: SolverOptions = {
  plans: [
    { steps: 20, answer: '42' },
    { steps: 20, answer: '7' },
  ],
  stepMs: (_, rows) => 6 + 4 * rows,
};

const vote = (deadlineMs: number, options: SelfConsistencyOptions = {}) =>
  runOn(SLOWING, new SelfConsistency({ branches: 16, earlyDecision: 'none', expectedTokens: 28, ...options }), { deadlineMs, seed: 2 });

const isWhole = ({ finish, isForced }: { readonly finish: string; readonly isForced: boolean }): boolean => finish === 'end' && !isForced;

describe('with an expected number of tokens', () => {
  test('as many branches are launched as finish in time, where all together would come to nothing', async () => {
    const all = await runOn(SLOWING, new SelfConsistency({ branches: 16, earlyDecision: 'none' }), { deadlineMs: 800, seed: 2 });
    expect(all.branches).toHaveLength(16);
    expect(all.branches.some(isWhole)).toBe(false);
    const paced = await vote(800);
    expect(paced.branches.length).toBeGreaterThan(1);
    expect(paced.branches.length).toBeLessThan(8);
    expect(paced.branches.every(isWhole)).toBe(true);
    expect(paced.stopReason).toBe('completed');
  });

  test('more time means more of them, up to all', async () => {
    const counts: number[] = [];
    for (let deadlineMs = 400; deadlineMs <= 3_600; deadlineMs += 400) counts.push((await vote(deadlineMs)).branches.filter(isWhole).length);
    expect(counts).toEqual([...counts].sort((left, right) => left - right));
    expect(counts[0]).toBe(1);
    expect(counts.at(-1)).toBe(16);
  });

  test('a branch writes what it writes otherwise, and without a deadline all are launched at once', async () => {
    const all = await runOn(SLOWING, new SelfConsistency({ branches: 16, earlyDecision: 'none' }), { seed: 2 });
    expect(await vote(Infinity)).toEqual(all);
    for (const { branch, text } of (await vote(1_200)).branches) expect(text).toBe(all.branches[branch]!.text);
  });

  test('the first branch keeps to its limit of tokens, and is asked for its answer there', async () => {
    const { branches } = await vote(700, { maxTokens: 10 });
    expect(branches[0]).toMatchObject({ isForced: true });
    expect(branches[0]!.tokenCount - branches[0]!.forcedTokenCount).toBeGreaterThanOrEqual(10);
    expect(branches[0]!.text.startsWith(branches[0]!.text.slice(0, 10))).toBe(true);
  });

  test('a first branch that fails is one less, not the end of the run', async () => {
    let failures = 0;
    const fault = (): Error | undefined => (failures++ === 4 ? new Error('out of memory') : undefined);
    const { branches, answer } = await runOn({ ...SLOWING, fault }, new SelfConsistency({ branches: 8, earlyDecision: 'none', expectedTokens: 28 }), {
      deadlineMs: 2_000,
      seed: 2,
    });
    expect(branches.filter(({ finish }) => finish === 'failed').length).toBeLessThanOrEqual(1);
    expect(branches.length).toBeGreaterThan(0);
    expect(answer).toBeDefined();
  });

  test('the best of them is chosen as of any', async () => {
    const { branches, scoring } = await runOn(SLOWING, new BestOfN({ branches: 16, expectedTokens: 28, scorer: scriptedScorer() }), {
      deadlineMs: 800,
      seed: 2,
    });
    expect(branches.every(isWhole)).toBe(true);
    expect([branches.length > 1, scoring]).toEqual([true, 'complete']);
  });

  test.each([
    ['expectedTokens', { expectedTokens: 0 }],
    ['expectedTokens', { expectedTokens: 1.5 }],
    ['expectedTokens', { launch: 'windows' as const }],
    ['expectedTokens', { branches: undefined as unknown as number, source: new SelfConsistency() }],
  ])('%s is refused in %o', (option, options) => {
    const make = (): unknown => new SelfConsistency({ branches: 16, expectedTokens: 28, ...options });
    expect(make).toThrow(expect.objectContaining({ option }));
  });
});

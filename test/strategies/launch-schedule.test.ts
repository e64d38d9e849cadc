import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LaunchSchedule } from '../../src/contracts/vote.ts';
import { readValue } from '../../src/option-schemas.ts';
import { launchDoubling, launchWindows, launchScheduleSchema } from '../../src/strategies/launch-schedule.ts';
import { SelfConsistency, type SelfConsistencyOptions } from '../../src/strategies/self-consistency.ts';
import type { Plan } from './solver.ts';
import { runOn } from './strategy-laws.ts';

const somePlans = fc.array(fc.record({ steps: fc.integer({ min: 0, max: 20 }), answer: fc.constantFrom('1', '2') }), { minLength: 1, maxLength: 6 });

function solve(plans: readonly Plan[], options: SelfConsistencyOptions, seed: number) {
  return runOn({ plans }, new SelfConsistency(options), { seed });
}

/** Answers of the first branches, all launched at once: what any schedule gets of them. */
async function answersOf(plans: readonly Plan[], branches: number, seed: number): Promise<(string | undefined)[]> {
  return (await solve(plans, { branches, earlyDecision: 'none' }, seed)).branches.map(({ answer }) => answer);
}

function pluralityOf(answers: readonly (string | undefined)[]): string | undefined {
  const count = (answer: string | undefined): number => answers.filter((other) => other === answer).length;
  return answers.reduce((best, answer) => (count(answer) > count(best) ? answer : best));
}

describe('windows', () => {
  test('give the answer of the first window that is unanimous, else of most, as one after another would', async () => {
    let settled = 0;
    let exhausted = 0;
    await fc.assert(
      fc.asyncProperty(somePlans, fc.integer({ min: 1, max: 4 }), fc.nat(1000), async (plans, size, seed) => {
        const result = await solve(plans, { branches: 9, launch: launchWindows({ size }) }, seed);
        const answers = await answersOf(plans, 9, seed);
        const starts = Array.from({ length: Math.ceil(9 / size) }, (_, index) => index * size);
        const windows = starts.map((start) => answers.slice(start, start + size));
        const unanimous = windows.findIndex((window) => new Set(window).size === 1);
        expect(result.answer).toBe(unanimous < 0 ? pluralityOf(answers) : windows[unanimous]![0]);
        expect(result.branches).toHaveLength(unanimous < 0 ? 9 : Math.min(9, (unanimous + 1) * size));
        if (result.branches.length < 9) expect(result.stopReason).toBe('consensus');
        if (unanimous < 0) exhausted++;
        else settled++;
      }),
      { seed: 3, numRuns: 120 },
    );
    expect(settled).toBeGreaterThan(10);
    expect(exhausted).toBeGreaterThan(5);
  });

  test('are settled by the answer of their window, also where another has more votes', () => {
    const tally = (answer: string, voters: readonly number[]) => ({ answer, voters, weight: voters.length, least: voters.length, most: voters.length });
    const tallies = [tally('1', [0, 1, 2, 3, 5, 6, 7, 8]), tally('2', [4, 9, 10, 11, 12, 13, 14])];
    const step = launchWindows().next({ tallies, launched: 15, branches: 40, pending: [], heaviest: 1 });
    expect(step).toEqual({ settled: '2' });
  });

  test('do not wait for the rest of a window that has split', async () => {
    const next = (pending: readonly number[]) =>
      launchWindows({ size: 3 }).next({
        tallies: [
          { answer: '1', voters: [0], weight: 1, least: 1, most: 1 },
          { answer: '2', voters: [1], weight: 1, least: 1, most: 1 },
        ].slice(0, 3 - pending.length),
        launched: 3,
        branches: 9,
        pending,
        heaviest: 1,
      });
    expect(next([1, 2])).toEqual({ launch: 0 });
    expect(next([2])).toEqual({ launch: 3 });
  });

  test('are never unanimous with a branch that has no answer', async () => {
    const { branches } = await solve([{ steps: 1, answer: '1' }], { branches: 6, launch: launchWindows({ size: 2 }), extract: () => undefined }, 1);
    expect(branches).toHaveLength(6);
  });
});

describe('doubling', () => {
  test('launches twice as many until the leading answer has its share', async () => {
    const sizes = new Set<number>();
    await fc.assert(
      fc.asyncProperty(somePlans, fc.constantFrom(0.5, 0.75, 1), fc.nat(1000), async (plans, share, seed) => {
        const result = await solve(plans, { branches: 10, launch: launchDoubling({ share }) }, seed);
        const answers = await answersOf(plans, 10, seed);
        const rounds = [2, 4, 8, 10].map((count) => answers.slice(0, count));
        const leading = (round: readonly (string | undefined)[]): number => round.filter((answer) => answer === pluralityOf(round)).length;
        const enough = rounds.find((round) => leading(round) >= share * round.length) ?? rounds.at(-1)!;
        expect(result.branches).toHaveLength(enough.length);
        expect(result.answer).toBe(pluralityOf(enough));
        sizes.add(enough.length);
      }),
      { seed: 4, numRuns: 120 },
    );
    expect([...sizes].sort((left, right) => left - right)).toEqual([2, 4, 8, 10]);
  });

  test('does not wait for branches that cannot give the leading answer its share', () => {
    const tally = (answer: string, voters: readonly number[]) => ({ answer, voters, weight: voters.length, least: voters.length, most: voters.length });
    const next = (answers: readonly string[]) =>
      launchDoubling().next({
        tallies: answers.map((answer, voter) => tally(answer, [voter])),
        launched: 4,
        branches: 16,
        pending: [0, 1, 2, 3].slice(answers.length),
        heaviest: 1,
      });
    expect(next(['1', '2'])).toEqual({ launch: 0 });
    expect(next(['1', '2', '3'])).toEqual({ launch: 4 });
  });

  test('counts failures against the leading answer', async () => {
    const fault = new Error('cannot');
    const plans = [
      { steps: 1, answer: '1' },
      { steps: 2, answer: '2' },
    ];
    const strategy = new SelfConsistency({ branches: 8, launch: 'doubling' });
    for (let seed = 0; seed < 10; seed++) {
      const { branches } = await runOn({ plans, fault: (text) => (text.startsWith('b') ? fault : undefined) }, strategy, { seed });
      const answered = branches.filter(({ answer }) => answer !== undefined).length;
      if (branches.length < 8) expect(answered / branches.length).toBeGreaterThanOrEqual(0.75);
    }
  });
});

test('the exact decision beside a schedule ends a run sooner, at the answer of most', async () => {
  const plans = [{ steps: 3, answer: '1' }];
  const both = await solve(plans, { branches: 8, launch: launchWindows({ size: 7 }), earlyDecision: 'exact' }, 1);
  const alone = await solve(plans, { branches: 8, launch: launchWindows({ size: 7 }) }, 1);
  expect(both.answer).toBe(alone.answer);
  expect(both.timing.totalMs).toBeLessThanOrEqual(alone.timing.totalMs);
});

test('the answer that a schedule settles on is returned, whatever most say', async () => {
  const plans = [
    { steps: 1, answer: '1' },
    { steps: 2, answer: '2' },
  ];
  const launch: LaunchSchedule = {
    name: 'least voted',
    next: ({ tallies, launched, branches, pending }) =>
      launched === branches && pending.length === 0 ? { settled: tallies.at(-1)!.answer } : { launch: branches - launched },
  };
  let outvoted = 0;
  for (let seed = 0; seed < 10; seed++) {
    const { answer, votes, text } = await solve(plans, { branches: 5, launch }, seed);
    expect(votes[0]!.answer).toBe(answer);
    expect(text.endsWith(`#### ${answer}`)).toBe(true);
    if (votes.length === 2 && votes[1]!.votes > votes[0]!.votes) outvoted++;
  }
  expect(outvoted).toBeGreaterThan(3);
});

test('no branch is launched once the deadline has cut one', async () => {
  const plans = [
    { steps: 100, answer: '1' },
    { steps: 100, answer: '2' },
  ];
  const strategy = new SelfConsistency({ branches: 12, launch: launchWindows({ size: 3 }) });
  const { branches, stopReason } = await runOn({ plans }, strategy, { deadlineMs: 400, seed: 2 });
  expect([branches.length, stopReason]).toEqual([3, 'deadline']);
});

test('a schedule of one’s own that launches nothing leaves nothing to return', async () => {
  const launch = { name: 'never', next: () => ({ launch: 0 }) };
  await expect(solve([{ steps: 1, answer: '1' }], { launch }, 0)).rejects.toMatchObject({ code: 'LTTS_NO_CANDIDATE' });
});

test.each([
  ['size', () => launchWindows({ size: 0 })],
  ['start', () => launchDoubling({ start: 0 })],
  ['share', () => launchDoubling({ share: 0 })],
  ['launch', () => readValue(launchScheduleSchema, 'slowly', 'launch')],
  ['source', () => new SelfConsistency({ source: new SelfConsistency(), launch: 'windows' })],
])('a bad %s is refused', (option, make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
});

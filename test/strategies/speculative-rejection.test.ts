import { describe, expect, test } from 'vitest';
import type { OutcomeScorer } from '../../src/contracts/scorer.ts';
import { InvalidOptionError } from '../../src/errors.ts';
import { SpeculativeRejection, type SpeculativeRejectionOptions } from '../../src/strategies/speculative-rejection.ts';
import { ScriptedStepScorer } from './scripted-scorer.ts';
import { lowDigitsAreBest, solveSteps, type StepSolverOptions } from './step-solver.ts';

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);
const worthOf = (text: string): number => lowDigitsAreBest({ text, isFinished: false }).at(-1) ?? 0;

interface Occasion {
  readonly seed?: number;
  readonly deadlineMs?: number;
  readonly solver?: StepSolverOptions;
  readonly costMs?: number;
}

function reject(options: Omit<SpeculativeRejectionOptions, 'scorer'>, { solver = {}, costMs = 0, ...fields }: Occasion = {}) {
  return solveSteps(
    new SpeculativeRejection({ scorer: new ScriptedStepScorer({ steps: lowDigitsAreBest, costMs: () => costMs }), ...options }),
    fields,
    solver,
  );
}

describe('without a deadline', () => {
  test('every checkpoint drops the worst share, and phases double', async () => {
    for (const seed of SEEDS) {
      const { branches, forwards } = await reject({ branches: 8, firstPhaseTokens: 2, checkpoints: 2 }, { seed });
      const byLength = (tokens: number): typeof branches => branches.filter(({ finish, tokenCount }) => finish === 'aborted' && tokenCount === tokens);
      expect([byLength(2).length, byLength(6).length]).toEqual([4, 2]);
      const [first, second] = [2, 6].map((tokens) => Math.max(...byLength(tokens).map(({ text }) => worthOf(text))));
      for (const { text, tokenCount } of branches) if (tokenCount > 2) expect(worthOf(text.slice(0, 2))).toBeGreaterThanOrEqual(first!);
      for (const { text, tokenCount } of branches) if (tokenCount > 6) expect(worthOf(text.slice(0, 6))).toBeGreaterThanOrEqual(second!);
      expect(forwards.at(-1)).toBe(2);
    }
  });

  test('the best is never dropped, and a share of 0 drops nothing', async () => {
    const all = await reject({ branches: 5, firstPhaseTokens: 2, rejectShare: 0 });
    expect(all.branches.every(({ finish }) => finish === 'end')).toBe(true);
    const one = await reject({ branches: 5, firstPhaseTokens: 2, rejectShare: 0.95 });
    expect(one.branches.filter(({ finish }) => finish === 'end')).toHaveLength(1);
  });

  test('complete solutions count in the share and cannot be dropped', async () => {
    const isOver = (digits: string): boolean => digits === '0' || digits.length >= 6;
    for (const seed of SEEDS) {
      const { branches, solutions } = await reject({ branches: 8, firstPhaseTokens: 9, checkpoints: 1 }, { seed, solver: { isOver } });
      const early = branches.filter(({ text }) => text === '0\n#### 0').length;
      expect(solutions.filter(({ answer }) => answer === '0').length).toBeGreaterThanOrEqual(early);
      // Half of the eight go on, complete ones being the best of them.
      expect(branches.filter(({ finish }) => finish === 'aborted').length).toBe(8 - Math.max(4, early));
    }
  });
});

describe('with a deadline', () => {
  const isOver = (digits: string): boolean => digits.length >= 12;

  test('what is left is divided into phases that fit, scoring paid for', async () => {
    for (const seed of SEEDS) {
      const { branches, timing, rounds, solutions } = await reject(
        { branches: 8, firstPhaseTokens: 4, checkpoints: 2, forcedAnswer: false },
        { seed, deadlineMs: 450, costMs: 20, solver: { isOver } },
      );
      const lengths = [...new Set(branches.filter(({ finish }) => finish === 'aborted').map(({ tokenCount }) => tokenCount))].sort(
        (left, right) => left - right,
      );
      // Four tokens took 30 ms. Of 450 − 10 for the prompt − 30 − 20 for scores two more scorings leave 350: two phases of 23 tokens.
      expect(lengths).toEqual([4, 27]);
      expect(rounds).toBe(3);
      expect(timing.totalMs).toBeLessThanOrEqual(450);
      expect(solutions.every(({ isComplete }) => isComplete)).toBe(true);
    }
  });

  test('nothing is dropped at a checkpoint from which all can be decoded in time', async () => {
    const some = (digits: string): boolean => digits.length >= (digits.startsWith('0') ? 2 : 5);
    let dropped = 0;
    for (const seed of SEEDS) {
      const options = { branches: 8, firstPhaseTokens: 12, checkpoints: 1 };
      const ample = await reject(options, { seed, deadlineMs: 5000, solver: { isOver: some } });
      const isKnown = ample.branches.some(({ text }) => text.startsWith('0'));
      if (isKnown) expect(ample.branches.every(({ finish }) => finish === 'end')).toBe(true);
      dropped += (await reject(options, { seed, solver: { isOver: some } })).branches.filter(({ finish }) => finish === 'aborted').length;
    }
    expect(dropped).toBeGreaterThan(0);
  });
});

test('an outcome reward model judges as well', async () => {
  const scorer: OutcomeScorer = {
    name: 'low digits',
    kind: 'outcome',
    score: async (_, texts) => texts.map(({ text }) => 10 * worthOf(text)),
    dispose: async () => undefined,
  };
  const { branches, text, scoring } = await solveSteps(new SpeculativeRejection({ scorer, branches: 6, firstPhaseTokens: 4 }), { seed: 2 });
  const complete = branches.filter(({ finish }) => finish === 'end').map((report) => report.text);
  expect(worthOf(text)).toBe(Math.max(...complete.map(worthOf)));
  expect(scoring).toBe('complete');
});

test.each([
  ['branches', { branches: 0 }],
  ['rejectShare', { rejectShare: 1 }],
  ['rejectShare', { rejectShare: -0.1 }],
  ['checkpoints', { checkpoints: 0 }],
  ['firstPhaseTokens', { firstPhaseTokens: 0 }],
])('%s is refused in %j', (option, options) => {
  const construct = (): unknown => new SpeculativeRejection({ scorer: new ScriptedStepScorer({ steps: lowDigitsAreBest }), ...options });
  expect(construct).toThrow(InvalidOptionError);
  expect(construct).toThrow(expect.objectContaining({ option }));
});

import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { BeamSearch, type BeamSearchOptions } from '../../src/strategies/beam-search.ts';
import { ScriptedStepScorer } from './scripted-scorer.ts';
import { digitsOf, lowDigitsAreBest, solveSteps, type StepSolverOptions } from './step-solver.ts';

const SEEDS = Array.from({ length: 8 }, (_, seed) => seed);

async function search(options: Omit<BeamSearchOptions, 'scorer'>, seed = 0, solver: StepSolverOptions = {}, steps = lowDigitsAreBest) {
  const scorer = new ScriptedStepScorer({ steps });
  const result = await solveSteps(new BeamSearch({ scorer, ...options }), { seed }, solver);
  return { ...result, calls: scorer.calls.map((texts) => texts.map(({ text }) => text)) };
}

const parentOf = (text: string): string => text.slice(0, -2);
const worthOf = (text: string): number => lowDigitsAreBest({ text, isFinished: false }).at(-1) ?? 1;
/** The distinct texts of most worth; the first of equals. */
const bestOf = (texts: readonly string[], count: number): Set<string> =>
  new Set([...texts].sort((left, right) => worthOf(right) - worthOf(left)).slice(0, count));

describe('the beam', () => {
  test.each([
    [8, 4, 2],
    [16, 4, 4],
    [6, 4, 1],
    [3, 8, 1],
    [1, 1, 1],
    [5, 1, 5],
  ])('of %i paths in %i ways goes on from the best %i', async (beams, width, kept) => {
    for (const seed of SEEDS) {
      const { calls, forwards } = await search({ beams, width }, seed);
      for (const [round, texts] of calls.slice(0, 3).entries()) {
        const worths = [...bestOf(texts, kept)].map(worthOf).sort();
        const parents = new Set(calls[round + 1]!.map(parentOf));
        // Among texts of equal worth the first by branch is kept, which a text does not tell; their worths do.
        expect([...parents].map(worthOf).sort()).toEqual(worths);
      }
      // The prompt, then full passes until solutions end.
      expect(forwards.slice(1, 9).every((rows) => rows === beams)).toBe(true);
    }
  });

  test('holds equal texts once, unless told otherwise', async () => {
    let collapsed = 0;
    for (const seed of SEEDS) {
      const distinct = await search({ beams: 8, width: 4 }, seed, { digits: 2 });
      if (distinct.calls[0]!.length === 2) expect(new Set(distinct.calls[1]!.map((text) => text[0]))).toEqual(new Set(['0', '1']));
      const copies = await search({ beams: 8, width: 4, dropsDuplicates: false }, seed, { digits: 2 });
      if (new Set(copies.calls[1]!.map((text) => text[0])).size === 1) collapsed++;
    }
    expect(collapsed).toBeGreaterThan(SEEDS.length / 2);
  });

  test('is filled again when solutions leave it, until as many are complete as it holds', async () => {
    // A step of 0 ends a solution.
    const isOver = (digits: string): boolean => digits.endsWith('0') || digits.length >= 12;
    for (const seed of SEEDS) {
      const { solutions, forwards, rounds } = await search({ beams: 6, width: 3 }, seed, { isOver });
      expect(solutions.length).toBeGreaterThanOrEqual(6);
      expect(solutions.length).toBeLessThan(12);
      expect(solutions.every(({ isComplete }) => isComplete)).toBe(true);
      expect(rounds).toBeGreaterThan(2);
      expect(Math.max(...forwards)).toBe(6);
    }
  });

  test('keeps a complete solution that is better than all that come later', async () => {
    // Solutions that begin with 0 end at once; every further step costs the others a quarter at least.
    const isOver = (digits: string): boolean => digits === '0' || digits.length >= 5;
    const steps = ({ text, isFinished }: { text: string; isFinished: boolean }): number[] =>
      Array.from({ length: digitsOf(text).length + Number(isFinished) }, (_, index) => 0.9 ** (index + 1));
    let shortOnes = 0;
    for (const seed of SEEDS) {
      const { text, branches } = await search({ beams: 8, width: 4 }, seed, { isOver }, steps);
      const hasShort = branches.some(({ text: written, finish }) => finish === 'end' && written.startsWith('0\n#'));
      if (!hasShort) continue;
      shortOnes++;
      expect(text).toBe('0\n#### 0');
    }
    expect(shortOnes).toBeGreaterThan(2);
  });

  test('finds better solutions than as many independent samples', async () => {
    const worths = { beam: 0, samples: 0 };
    for (const seed of SEEDS) {
      worths.beam += (await search({ beams: 8, width: 4 }, seed)).confidence;
      worths.samples += (await search({ beams: 8, width: 1, dropsDuplicates: false }, seed)).confidence;
    }
    expect(worths.beam).toBeGreaterThan(worths.samples * 1.3);
  });
});

test('sixteen beams in four ways unless told otherwise', async () => {
  const { calls, forwards } = await search({});
  expect(Math.max(...forwards)).toBe(16);
  expect(new Set(calls[1]!.map(parentOf)).size).toBe(4);
});

test.each([
  ['beams', { beams: 0 }],
  ['beams', { beams: 2.5 }],
  ['width', { width: 0 }],
  ['dropsDuplicates', { dropsDuplicates: 1 }],
])('%s is refused in %j', (option, options) => {
  const construct = (): unknown => new BeamSearch({ scorer: new ScriptedStepScorer({ steps: lowDigitsAreBest }), ...(options as object) });
  expect(construct).toThrow(InvalidOptionError);
  expect(construct).toThrow(expect.objectContaining({ option }));
});

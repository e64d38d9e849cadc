import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { randomAt, randomSequence } from '../../src/maths/random.ts';
import { effectiveSampleSize, multinomialCounts, particleWeights, systematicCounts } from '../../src/maths/resampling.ts';
import { ParticleFilter, type ParticleFilterOptions } from '../../src/strategies/particle-filter.ts';
import { ScriptedStepScorer } from './scripted-scorer.ts';
import { lowDigitsAreBest, solveSteps, type StepSolverOptions } from './step-solver.ts';

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);
/** Of random numbers that draw particles. */
const PURPOSE = 16;

function filter(options: Omit<ParticleFilterOptions, 'scorer'>, seed = 0, solver: StepSolverOptions = {}) {
  return solveSteps(new ParticleFilter({ scorer: new ScriptedStepScorer({ steps: lowDigitsAreBest }), ...options }), { seed }, solver);
}

const worthOf = (text: string): number => 1 - Number(text[0]) / 4;

describe('after a step particles are drawn', () => {
  test.each(['systematic', 'multinomial'] as const)('%s, by the softmax of the logits of their scores', async (resampling) => {
    for (const seed of SEEDS) {
      for (const temperature of [0.5, 1, 4]) {
        const { branches } = await filter({ particles: 8, resampling, temperature }, seed);
        const first = branches.slice(0, 8);
        const weights = particleWeights(
          first.map(({ text }) => worthOf(text)),
          temperature,
        );
        const counts =
          resampling === 'systematic'
            ? systematicCounts(weights, 8, randomAt(seed, 0, 0, PURPOSE))
            : multinomialCounts(weights, 8, randomSequence(seed, 0, PURPOSE));
        for (const [index, { text, finish }] of first.entries()) if (counts[index] === 0) expect([text.length, finish]).toEqual([2, 'aborted']);
        const forks = first.flatMap(({ text }, index) => Array.from({ length: Math.max(0, counts[index]! - 1) }, () => text[0]));
        expect(branches.slice(8, 8 + forks.length).map(({ text }) => text[0])).toEqual(forks);
      }
    }
  });

  test('only when their weights are worth few enough equal ones', async () => {
    let drawn = 0;
    for (const seed of SEEDS) {
      const { branches } = await filter({ particles: 8, essThreshold: 0.5 }, seed, { isOver: (digits) => digits.length >= 2 });
      const worths = branches.slice(0, 8).map(({ text }) => worthOf(text));
      const isPoor = effectiveSampleSize(particleWeights(worths)) <= 4;
      expect(branches.slice(8).some(({ inheritedTokenCount }) => inheritedTokenCount === 2)).toBe(isPoor && new Set(worths).size > 1);
      if (isPoor) drawn++;
      expect((await filter({ particles: 8, essThreshold: 0 }, seed)).branches).toHaveLength(8);
    }
    expect(drawn).toBeGreaterThan(0);
    expect(drawn).toBeLessThan(SEEDS.length);
  });

  test('complete ones among them, so that their number stays', async () => {
    const isOver = (digits: string): boolean => digits.endsWith('0') || digits.length >= 6;
    let multiple = 0;
    for (const seed of SEEDS) {
      const { solutions, branches } = await filter({ particles: 8, select: 'votes' }, seed, { isOver });
      expect(solutions.every(({ isComplete }) => isComplete)).toBe(true);
      // A complete particle drawn twice takes no branch, so that fewer than eight solutions can stand for eight particles.
      if (solutions.length < 8) multiple++;
      expect(branches.filter(({ finish }) => finish === 'end').length).toBe(solutions.length);
    }
    expect(multiple).toBeGreaterThan(0);
  });
});

describe('further iterations', () => {
  test('keep references, and others may go on from where they were', async () => {
    let resumed = 0;
    for (const seed of SEEDS) {
      const once = await filter({ particles: 6 }, seed);
      const twice = await filter({ particles: 6, iterations: 2, references: 2 }, seed);
      // The first iteration is the same.
      expect(twice.branches.slice(0, once.branches.length).map(({ text }) => text)).toEqual(once.branches.map(({ text }) => text));
      const later = twice.branches.slice(once.branches.length);
      expect(later.filter(({ inheritedTokenCount, forcedTokenCount }) => inheritedTokenCount === undefined && forcedTokenCount === 0)).toHaveLength(4);
      const ends = once.branches.filter(({ finish }) => finish === 'end');
      for (const { text, forcedTokenCount } of later.filter((report) => report.forcedTokenCount > 0)) {
        resumed++;
        expect(ends.some((reference) => reference.text.startsWith(text.slice(0, forcedTokenCount)))).toBe(true);
        expect(text.slice(0, forcedTokenCount)).toMatch(/^(\d\n)+$/);
      }
      expect(twice.confidence).toBeGreaterThanOrEqual(once.confidence);
      expect(twice.rounds).toBeGreaterThan(once.rounds);
    }
    expect(resumed).toBeGreaterThan(0);
  });

  test('do not begin without time, and lose nothing that is complete', async () => {
    for (let deadlineMs = 200; deadlineMs <= 500; deadlineMs += 20) {
      const once = await filter({ particles: 6 }, 1);
      const strategy = new ParticleFilter({ scorer: new ScriptedStepScorer({ steps: lowDigitsAreBest }), particles: 6, iterations: 5 });
      const result = await solveSteps(strategy, { seed: 1, deadlineMs });
      expect(result.timing.totalMs).toBeLessThanOrEqual(deadlineMs + 10);
      if (result.solutions[0]!.isComplete && result.rounds >= once.rounds) expect(result.confidence).toBeGreaterThanOrEqual(once.confidence);
    }
  });
});

describe('the returned particle', () => {
  test('is drawn by weight with `sample`', async () => {
    const isBest: boolean[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const { text, solutions, branches, confidence } = await filter({ particles: 6, select: 'sample', essThreshold: 0 }, seed);
      const complete = branches.filter(({ finish }) => finish === 'end');
      const weights = particleWeights(complete.map((report) => lowDigitsAreBest({ text: report.text, isFinished: true }).at(-1)!));
      const chosen = complete.findIndex((report) => report.text === text);
      expect(confidence).toBeCloseTo(weights[chosen]!, 9);
      isBest.push(branches.find(({ branch }) => branch === solutions[0]!.branch)!.text === text);
    }
    expect(isBest.filter(Boolean).length).toBeGreaterThan(isBest.length / 2);
    expect(isBest.filter(Boolean).length).toBeLessThan(isBest.length);
  });
});

test.each([
  ['particles', { particles: 0 }],
  ['resampling', { resampling: 'residual' }],
  ['essThreshold', { essThreshold: 1.1 }],
  ['temperature', { temperature: 0 }],
  ['iterations', { iterations: 0 }],
  ['references', { references: 0 }],
  ['references', { particles: 3, iterations: 2, references: 3 }],
  ['select', { select: 'mean' }],
])('%s is refused in %j', (option, options) => {
  const construct = (): unknown => new ParticleFilter({ scorer: new ScriptedStepScorer({ steps: lowDigitsAreBest }), ...(options as object) });
  expect(construct).toThrow(InvalidOptionError);
  expect(construct).toThrow(expect.objectContaining({ option }));
});

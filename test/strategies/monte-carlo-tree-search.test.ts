import { expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { MonteCarloTreeSearch, type MonteCarloTreeSearchOptions } from '../../src/strategies/monte-carlo-tree-search.ts';
import { ScriptedStepScorer } from './scripted-scorer.ts';
import { digitsOf, lowDigitsAreBest, solveSteps, type StepSolverOptions } from './step-solver.ts';

const SEEDS = Array.from({ length: 6 }, (_, seed) => seed);

async function search(options: Omit<MonteCarloTreeSearchOptions, 'scorer'>, seed = 0, solver: StepSolverOptions = {}, steps = lowDigitsAreBest) {
  const scorer = new ScriptedStepScorer({ steps });
  const result = await solveSteps(new MonteCarloTreeSearch({ scorer, ...options }), { seed }, solver);
  return { ...result, depths: scorer.calls.map((texts) => digitsOf(texts[0]!.text).length) };
}

test('each simulation takes one step from one leaf in all ways at once', async () => {
  for (const seed of SEEDS) {
    const { rounds, forwards } = await search({ simulations: 5, width: 3 }, seed);
    expect(rounds).toBe(5);
    expect(Math.max(...forwards)).toBe(3);
  }
});

test('without exploration it goes down the best path, with much of it every path is looked at first', async () => {
  for (const seed of SEEDS) {
    const greedy = await search({ simulations: 4, width: 4, exploration: 0 }, seed, {}, ({ text }) => [...digitsOf(text)].map(() => 0.5));
    expect(greedy.depths.slice(0, 4)).toEqual([1, 2, 3, 4]);
    const wide = await search({ simulations: 5, width: 4, exploration: 1000 }, seed);
    expect(wide.depths.slice(0, 5)).toEqual([1, 2, 2, 2, 2]);
  }
});

test.each(['uct', 'puct'] as const)('%s spends most simulations below the steps of most worth', async (rule) => {
  let best = 0;
  let worst = 0;
  for (const seed of SEEDS) {
    const { branches } = await search({ simulations: 30, width: 4, rule, exploration: 0.3 }, seed, { isOver: (digits) => digits.length >= 8 });
    const first = branches.slice(0, 4).map(({ text }) => text[0]!);
    const below = (digit: string): number => branches.filter(({ text }) => text.startsWith(digit)).length / first.filter((other) => other === digit).length;
    const ordered = [...new Set(first)].sort();
    if (ordered.length < 2) continue;
    best += below(ordered[0]!);
    worst += below(ordered.at(-1)!);
  }
  expect(best).toBeGreaterThan(2 * worst);
});

test('is over when the whole tree is complete', async () => {
  const isOver = (digits: string): boolean => digits.length >= 2;
  const { rounds, solutions, stopReason, branches } = await search({ simulations: 1000, width: 2 }, 1, { isOver });
  // The root, two below it, four below those.
  expect(rounds).toBe(1 + 2 + 4);
  expect([solutions.length, stopReason]).toEqual([8, 'completed']);
  expect(branches.every(({ finish }) => finish === 'end')).toBe(true);
});

test('completes the best leaf when no simulation has', async () => {
  for (const seed of SEEDS) {
    const { text, solutions, confidence } = await search({ simulations: 2, width: 4 }, seed);
    expect(solutions).toMatchObject([{ isComplete: true, score: confidence }]);
    expect(confidence).toBe(lowDigitsAreBest({ text, isFinished: true }).at(-1));
  }
});

test.each([
  ['simulations', { simulations: 0 }],
  ['width', { width: 0 }],
  ['rule', { rule: 'ucb' }],
  ['exploration', { exploration: -1 }],
])('%s is refused in %j', (option, options) => {
  const construct = (): unknown => new MonteCarloTreeSearch({ scorer: new ScriptedStepScorer({ steps: lowDigitsAreBest }), ...(options as object) });
  expect(construct).toThrow(InvalidOptionError);
  expect(construct).toThrow(expect.objectContaining({ option }));
});

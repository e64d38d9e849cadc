import { expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { BeamSearch } from '../../src/strategies/beam-search.ts';
import { DiverseTreeSearch } from '../../src/strategies/diverse-tree-search.ts';
import { ScriptedStepScorer } from './scripted-scorer.ts';
import { lowDigitsAreBest, solveSteps } from './step-solver.ts';

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);
const scorer = (): ScriptedStepScorer => new ScriptedStepScorer({ steps: lowDigitsAreBest });
const firstStepsOf = (branches: readonly { readonly text: string; readonly finish: string }[]): Set<string> =>
  new Set(branches.filter(({ finish }) => finish === 'end').map(({ text }) => text[0]!));

test('trees do not compete: each goes on from its own best step', async () => {
  for (const seed of SEEDS) {
    const { branches } = await solveSteps(new DiverseTreeSearch({ scorer: scorer(), beams: 8, width: 2 }), { seed });
    // Four trees; the path with index i is in tree i mod 4.
    const first = branches.slice(0, 8).map(({ text }) => text[0]!);
    const best = [0, 1, 2, 3].map((tree) => (first[tree]! <= first[tree + 4]! ? tree : tree + 4));
    for (const [index, { text, finish }] of branches.slice(0, 8).entries()) {
      if (!best.includes(index)) expect([text.length, finish]).toEqual([2, 'aborted']);
    }
    expect(branches.slice(8, 12).map(({ text }) => text[0])).toEqual(best.sort((left, right) => left - right).map((index) => first[index]));
  }
});

test('solutions begin in more ways than those of one beam', async () => {
  let trees = 0;
  let beam = 0;
  for (const seed of SEEDS) {
    trees += firstStepsOf((await solveSteps(new DiverseTreeSearch({ scorer: scorer(), beams: 8, width: 2 }), { seed })).branches).size;
    beam += firstStepsOf((await solveSteps(new BeamSearch({ scorer: scorer(), beams: 8, width: 8 }), { seed })).branches).size;
  }
  expect(beam).toBe(SEEDS.length);
  expect(trees).toBeGreaterThan(SEEDS.length * 1.5);
});

test('a tree whose best is complete is over, and only complete solutions are successes', async () => {
  // A tree goes on with 0, which ends the solution.
  const isOver = (digits: string): boolean => digits.endsWith('0') || digits.length >= 12;
  for (const seed of SEEDS) {
    const { solutions, branches, forwards } = await solveSteps(new DiverseTreeSearch({ scorer: scorer(), beams: 6, width: 3 }), { seed }, { isOver });
    expect(solutions.every(({ isComplete }) => isComplete)).toBe(true);
    for (const { branch } of solutions) expect(branches.find((report) => report.branch === branch)!.finish).toBe('end');
    expect(forwards.at(-1)!).toBeLessThanOrEqual(6);
  }
});

test.each([
  [7, 3, [4, 3]],
  [3, 8, [3]],
  [4, 4, [4]],
])('%i paths in %i ways make trees of %j', async (beams, width, sizes) => {
  const { branches, forwards } = await solveSteps(new DiverseTreeSearch({ scorer: scorer(), beams, width }));
  expect(forwards[1]).toBe(beams);
  const inherited = branches.slice(beams, 2 * beams - sizes.length);
  expect(inherited.every(({ inheritedTokenCount }) => inheritedTokenCount === 2)).toBe(true);
});

test.each([
  ['beams', { beams: 0 }],
  ['width', { width: 1.5 }],
])('%s is refused in %j', (option, options) => {
  const construct = (): unknown => new DiverseTreeSearch({ scorer: scorer(), ...options });
  expect(construct).toThrow(InvalidOptionError);
  expect(construct).toThrow(expect.objectContaining({ option }));
});

import { expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { rebaseWidths } from '../../src/maths/rebase-weights.ts';
import { Rebase } from '../../src/strategies/rebase.ts';
import { ScriptedStepScorer } from './scripted-scorer.ts';
import { lowDigitsAreBest, solveSteps } from './step-solver.ts';

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);
const scorer = (): ScriptedStepScorer => new ScriptedStepScorer({ steps: lowDigitsAreBest });
const worthOf = (text: string): number => 1 - Number(text[0]) / 4;

test.each([0.05, 0.2, 1])('every path goes on as often as its score gives it of the width, at temperature %d', async (temperature) => {
  for (const seed of SEEDS) {
    const { branches } = await solveSteps(new Rebase({ scorer: scorer(), width: 9, temperature }), { seed });
    const first = branches.slice(0, 9);
    const widths = rebaseWidths(
      first.map(({ text }) => worthOf(text)),
      9,
      temperature,
    );
    for (const [index, { text, finish }] of first.entries()) if (widths[index] === 0) expect([text.length, finish]).toEqual([2, 'aborted']);
    const forks = first.flatMap(({ text }, index) => Array.from({ length: Math.max(0, widths[index]! - 1) }, () => text[0]));
    expect(branches.slice(9, 9 + forks.length).map(({ text }) => text[0])).toEqual(forks);
  }
});

test('each complete solution leaves the width one less', async () => {
  const isOver = (digits: string): boolean => digits.endsWith('3') || digits.length >= 8;
  for (const seed of SEEDS) {
    const { solutions, branches } = await solveSteps(new Rebase({ scorer: scorer(), width: 8 }), { seed }, { isOver });
    expect(solutions).toHaveLength(8);
    const ends = branches.filter(({ finish }) => finish === 'end').map(({ endMs }) => endMs);
    for (const { startMs, branch } of branches.slice(8)) {
      // Whoever begins while some are complete shares what they left.
      const complete = ends.filter((end) => end <= startMs).length;
      const alongside = branches.filter((other) => other.startMs <= startMs && other.endMs > startMs).length;
      expect(alongside, `at branch ${branch}`).toBeLessThanOrEqual(8 - complete);
    }
  }
});

test.each([
  ['width', { width: 0 }],
  ['temperature', { temperature: 0 }],
])('%s is refused in %j', (option, options) => {
  const construct = (): unknown => new Rebase({ scorer: scorer(), ...options });
  expect(construct).toThrow(InvalidOptionError);
  expect(construct).toThrow(expect.objectContaining({ option }));
});

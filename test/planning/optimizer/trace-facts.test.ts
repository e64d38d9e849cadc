import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ProblemTrace } from '../../../src/contracts/trace.ts';
import { acceptableScore } from '../../../src/planning/optimizer/trace-facts.ts';

/** One problem whose branches have these scores, and are right or not. */
function scored(branches: readonly { readonly score: number; readonly isRight?: boolean }[]): ProblemTrace[] {
  const text = { text: '1', ends: [1], logprobs: [], finish: 'end' } as const;
  return [
    {
      id: 'a',
      prompt: 'how many?',
      promptTokens: 3,
      seed: 0,
      branches: branches.map(({ score, isRight }) => ({ ...text, scores: [0.1, score], ...(isRight !== undefined && { isRight }) })),
    },
  ];
}

const even = (count: number): number[] => Array.from({ length: count }, (_, index) => (index + 0.5) / count);

test('a score is acceptable as long as nearly all solutions around it are right', () => {
  const sharp = scored(even(400).map((score) => ({ score, isRight: score > 0.6 })));
  const found = acceptableScore(sharp, 'last')!;
  expect(found).toBeGreaterThan(0.55);
  expect(found).toBeLessThan(0.61);
  // Half of those below are right: enough for a good mean, not for the score itself.
  const tempting = scored(even(2000).map((score, index) => ({ score, isRight: score > 0.2 || index % 2 === 0 })));
  expect(acceptableScore(tempting, 'last')!).toBeGreaterThan(0.18);
  expect(acceptableScore(sharp, 'min')).toBeUndefined();
});

test.each([
  ['few solutions were judged', even(20).map((score) => ({ score, isRight: true }))],
  ['nobody knows which are right', even(200).map((score) => ({ score }))],
  ['scores tell nothing', even(200).map((score, index) => ({ score, isRight: index % 2 === 0 }))],
])('no score is acceptable where %s', (_, branches) => {
  expect(acceptableScore(scored(branches), 'last')).toBeUndefined();
});

test('what is accepted is nearly always right, whatever the scores', () => {
  const anyBranch = fc.record({ score: fc.double({ min: 0, max: 1, noNaN: true }), isRight: fc.boolean() });
  fc.assert(
    fc.property(fc.array(anyBranch, { minLength: 40, maxLength: 120 }), fc.double({ min: 0.2, max: 0.8, noNaN: true }), (branches, bar) => {
      const told = branches.map(({ score, isRight }) => ({ score, isRight: score > bar || isRight }));
      const found = acceptableScore(scored(told), 'last');
      if (found === undefined) return;
      const accepted = told.filter(({ score }) => score >= found);
      expect(accepted.filter(({ isRight }) => isRight).length).toBeGreaterThanOrEqual(0.85 * accepted.length);
    }),
  );
});

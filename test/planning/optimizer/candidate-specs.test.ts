import { expect, test } from 'vitest';
import { candidateSpecs } from '../../../src/planning/optimizer/candidate-specs.ts';
import { describeSpec, strategyOf } from '../../../src/planning/optimizer/plan-spec.ts';
import { scriptedScorer } from '../../strategies/text-scorers.ts';

const limits = { format: undefined, sampling: undefined, greedy: undefined, hasDraft: true, hasScores: true, acceptAt: 0.8, mostBranches: () => 8 };

test('candidates differ by name, and each is a strategy', () => {
  const specs = candidateSpecs({}, limits);
  expect(new Set(specs.map(describeSpec)).size).toBe(specs.length);
  for (const spec of specs) expect(() => strategyOf(spec, { scorer: scriptedScorer() })).not.toThrow();
});

test('where a score is acceptable, branches begin at once or in waves of at most half', () => {
  const waves = candidateSpecs({ strategies: ['best-of-n'], branches: [1, 2, 4, 8], draftLengths: [0] }, limits);
  expect(waves.map(({ branches, acceptAt, firstWave }) => [branches, acceptAt, firstWave])).toEqual([
    [2, undefined, undefined],
    [2, 0.8, undefined],
    [2, 0.8, 1],
    [4, undefined, undefined],
    [4, 0.8, undefined],
    [4, 0.8, 1],
    [4, 0.8, 2],
    [8, undefined, undefined],
    [8, 0.8, undefined],
    [8, 0.8, 1],
    [8, 0.8, 2],
    [8, 0.8, 4],
  ]);
  const greedyFirst = candidateSpecs(
    { strategies: ['best-of-n'], branches: [1, 2, 4], draftLengths: [0] },
    { ...limits, sampling: { temperature: 0.7 }, greedy: { temperature: 0 } },
  ).filter(({ firstSampling }) => firstSampling);
  expect(greedyFirst).toEqual(
    [2, 4].map((branches) => ({
      strategy: 'best-of-n',
      branches,
      draftLength: 0,
      sampling: { temperature: 0.7 },
      acceptAt: 0.8,
      firstWave: 1,
      firstSampling: { temperature: 0 },
    })),
  );
  expect(describeSpec(greedyFirst[0]!)).toBe('best-of-n of 2, accepting 0.8, temperature 0.7, 1 first greedy');
  const none = candidateSpecs({ strategies: ['best-of-n'], branches: [8], draftLengths: [0] }, { ...limits, acceptAt: undefined });
  expect(none).toEqual([{ strategy: 'best-of-n', branches: 8, draftLength: 0 }]);
});

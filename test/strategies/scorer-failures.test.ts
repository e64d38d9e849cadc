/** Every failure of a scorer appears in the result, whichever way the scorer fails. */
import { describe, expect, test } from 'vitest';
import type { OutcomeScorer, StepScorer } from '../../src/contracts/scorer.ts';
import type { StrategyResult } from '../../src/contracts/result.ts';
import type { Strategy } from '../../src/contracts/strategy.ts';
import { verifierScorer } from '../../src/scoring/verifier-scorer.ts';
import { BeamSearch } from '../../src/strategies/beam-search.ts';
import { BestOfN } from '../../src/strategies/best-of-n.ts';
import { SelfConsistency, type SelfConsistencyResult } from '../../src/strategies/self-consistency.ts';
import { rewardWeights } from '../../src/strategies/vote-weights.ts';
import { runOn } from './strategy-laws.ts';

const fault = new Error('the verifier is broken');

/** A scorer in plain JavaScript, which no types have checked. */
function plain(score: (count: number) => unknown): OutcomeScorer {
  return { name: 'plain', kind: 'outcome', score: async (_, texts) => score(texts.length) as (number | undefined)[], dispose: async () => undefined };
}

const times =
  <Value>(value: Value) =>
  (count: number): Value[] =>
    Array.from({ length: count }, () => value);

const FAILING: readonly (readonly [string, OutcomeScorer, RegExp])[] = [
  [
    'a verifier that throws',
    verifierScorer(() => {
      throw fault;
    }),
    /the verifier is broken/,
  ],
  ['a verifier that rejects', verifierScorer(() => Promise.reject(fault)), /the verifier is broken/],
  ['a verifier that says yes', verifierScorer(() => 'yes' as never), /it gave "yes"/],
  ['a verifier that gives nothing', verifierScorer(() => undefined as never), /it gave undefined/],
  ['a verifier that gives NaN', verifierScorer(() => NaN), /it gave NaN/],
  ['a verifier that gives Infinity', verifierScorer(() => Infinity), /it gave Infinity/],
  [
    'a scorer that throws',
    plain(() => {
      throw fault;
    }),
    /the verifier is broken/,
  ],
  ['a scorer of words', plain(times('yes')), /gave "yes" for a text/],
  ['a scorer of numbers as text', plain(times('0.5')), /gave "0.5" for a text/],
  ['a scorer of NaN', plain(times(NaN)), /gave NaN for a text/],
  ['a scorer of null', plain(times(null)), /gave null for a text/],
  ['a scorer of objects', plain(times({ score: 1 })), /gave a value of type object/],
  ['a scorer of steps that are no numbers', plain(times(['good'])), /gave a list with "good" in it/],
  ['a scorer that gives too few', plain(() => []), /gave 0 scores for/],
  ['a scorer that gives one number', plain(() => 1), /gave 1 in place of a list/],
  ['a scorer that gives nothing', plain(() => undefined), /gave undefined in place of a list/],
];

describe.each(FAILING)('%s', (_, scorer, message) => {
  test.each([
    ['BestOfN', () => new BestOfN({ branches: 4, scorer })],
    ['BestOfN by answer', () => new BestOfN({ branches: 4, scorer, select: 'by-answer', earlyDecision: 'none' })],
    ['SelfConsistency', () => new SelfConsistency({ branches: 4, weights: rewardWeights({ scorer }), earlyDecision: 'none' })],
  ])('is told by %s', async (_name, make) => {
    const strategy: Strategy<StrategyResult & Pick<SelfConsistencyResult, 'scoring' | 'scoringErrors'>> = make();
    const result = await runOn({}, strategy, { seed: 3 });
    expect(result.answer).toBeDefined();
    expect(result.scoring).toBe('none');
    expect(result.scoringErrors.length).toBeGreaterThan(0);
    expect(String(result.scoringErrors[0])).toMatch(message);
    expect(result.warnings[0]).toMatch(/^Nothing was scored, so the choice went by /);
    expect(result.warnings[0]).toMatch(message);
  });
});

test('a scorer that fails on one text leaves the others, and says so', async () => {
  let calls = 0;
  const scorer = verifierScorer(() => {
    if (calls++ === 1) throw fault;
    return 0.5;
  });
  const result = await runOn({}, new BestOfN({ branches: 4, scorer }), { seed: 3 });
  expect([result.scoring, result.scoringErrors]).toEqual(['partial', [fault]]);
  expect(result.warnings).toEqual(['Only a part was scored. The scorer failed: the verifier is broken.']);
});

test('a search tells of a scorer that gives words for steps', async () => {
  const scorer: StepScorer = { name: 'words', kind: 'step', score: async (_, texts) => texts.map(() => ['good'] as never), dispose: async () => undefined };
  const result = await runOn({}, new BeamSearch({ scorer, beams: 2, width: 2 }), { seed: 3 });
  expect(String(result.scoringErrors[0])).toMatch(/gave a list with "good" in it/);
  expect(result.warnings[0]).toMatch(/^Nothing was scored/);
});

test('where all goes well there is nothing to warn of', async () => {
  const result = await runOn({}, new BestOfN({ branches: 4, scorer: verifierScorer(({ text }) => text.length) }), { seed: 3 });
  expect([result.scoring, result.scoringErrors, result.warnings]).toEqual(['complete', [], []]);
});

test('branches that failed are told', async () => {
  const result = await runOn(
    { fault: (solution) => (solution.startsWith('b..') ? fault : undefined) },
    new SelfConsistency({ branches: 8, earlyDecision: 'none' }),
    { seed: 1 },
  );
  const failed = result.branches.filter(({ finish }) => finish === 'failed').length;
  expect(failed).toBeGreaterThan(0);
  expect(result.warnings).toEqual([`${failed} of 8 branches failed: the verifier is broken.`]);
});

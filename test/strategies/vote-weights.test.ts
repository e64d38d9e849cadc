import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Engine, Segment, SessionOptions } from '../../src/contracts/engine.ts';
import { confidenceOf, meanSelfCertaintyOf } from '../../src/maths/token-confidence.ts';
import { SelfConsistency, type SelfConsistencyResult } from '../../src/strategies/self-consistency.ts';
import { confidenceWeights, meanLogprobWeights, rewardWeights, selfCertaintyWeights, type VoteWeights } from '../../src/strategies/vote-weights.ts';
import { bordaWeights, rewardWeight, weighVotes } from '../../src/strategies/weigh-votes.ts';
import { openSolver, planOf, PLANS } from './solver.ts';
import { runOn } from './strategy-laws.ts';
import { lengthScore, scriptedScorer, scriptedStepScorer } from './text-scorers.ts';

describe('Borda counts', () => {
  test('are (votes − rank + 1)^power, of equals the first voter before', () => {
    const measures = new Map([
      [0, 0.2],
      [3, 0.9],
      [4, 0.9],
      [7, 0.1],
    ]);
    const points = (power: number): object => Object.fromEntries([...bordaWeights(measures, power, 0)].map(([voter, { weight }]) => [voter, weight]));
    expect(points(1)).toEqual({ 3: 4, 4: 3, 0: 2, 7: 1 });
    expect(points(2)).toEqual({ 3: 16, 4: 9, 0: 4, 7: 1 });
    expect(points(0)).toEqual({ 3: 1, 4: 1, 0: 1, 7: 1 });
  });

  test('stay within their bounds whatever the votes to come', () => {
    const measure = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(measure, { minLength: 1, maxLength: 8 }), fc.nat(8), (all, cast) => {
        const now = bordaWeights(new Map(all.slice(0, cast).entries()), 0.5, all.length - Math.min(cast, all.length));
        const later = bordaWeights(new Map(all.entries()), 0.5, 0);
        for (const [voter, { least, most }] of now) {
          expect(later.get(voter)!.weight).toBeGreaterThanOrEqual(least);
          expect(later.get(voter)!.weight).toBeLessThanOrEqual(most);
        }
      }),
    );
  });
});

describe('weights by scores', () => {
  const scores = new Map([
    [0, 0.9],
    [2, 0.3],
  ]);

  test('are the scores, and the average of the others where one is missing', () => {
    expect(rewardWeight(scores, 0, false, 1)).toEqual({ weight: 0.9, least: 0.9, most: 0.9 });
    expect(rewardWeight(scores, 1, false, 1).weight).toBeCloseTo(0.6, 12);
    expect(rewardWeight(scores, 1, true, 1)).toMatchObject({ least: 0, most: 1 });
    expect(rewardWeight(new Map(), 1, false, 1).weight).toBe(1);
  });

  test('add up by answer, ties to the first voter', () => {
    const groups = [
      { answer: 'b', voters: [2, 3], votes: 2 },
      { answer: 'a', voters: [0], votes: 1 },
    ];
    const tallies = weighVotes(groups, (voter) => ({ weight: voter === 0 ? 1 : 0.5, least: 0.25, most: 2 }));
    expect(tallies).toEqual([
      { answer: 'a', voters: [0], weight: 1, least: 0.25, most: 2 },
      { answer: 'b', voters: [2, 3], weight: 1, least: 0.5, most: 4 },
    ]);
  });
});

/** An engine whose segments tell of how sure they were: more the longer the first letter is in the alphabet. */
async function sureEngine(told: { readonly options: SessionOptions[] }, isTold = true) {
  const solver = await openSolver();
  const engine: Engine = {
    name: 'sure',
    contextTokens: solver.engine.contextTokens,
    ready: (options) => solver.engine.ready(options),
    dispose: () => solver.engine.dispose(),
    async open(prompt, options) {
      told.options.push(options);
      const session = await solver.engine.open(prompt, options);
      const { branch } = session;
      session.branch = (count) =>
        branch.call(session, count).map((inner) => {
          const { advance } = inner;
          inner.advance = async (given) => {
            const segment = await advance.call(inner, given);
            return isTold ? withSureness(segment) : ({ ...segment, topLogprobs: undefined, selfCertainty: undefined } as never);
          };
          return inner;
        });
      return session;
    },
  };
  return { engine, clock: solver.clock };
}

function withSureness(segment: Segment): Segment {
  const sure = 1 + (segment.text.codePointAt(0)! % 4);
  return {
    ...segment,
    logprobs: segment.tokens.map(() => -1 / sure),
    topLogprobs: segment.tokens.map((_, index) => [-sure - (index % 3)]),
    selfCertainty: segment.tokens.map(() => sure),
  };
}

async function vote(weights: VoteWeights, { seed = 0, isTold = true, earlyDecision = 'none' as 'none' | 'exact' } = {}) {
  const options: SessionOptions[] = [];
  const { engine, clock } = await sureEngine({ options }, isTold);
  const result = await new SelfConsistency({ branches: 8, weights, earlyDecision }).run({ engine, clock, prompt: 'how many?', seed });
  return { result, options: options[0]! };
}

/** Weights by answer that a vote should have come to. */
function sumsOf({ branches }: SelfConsistencyResult, weigh: (segment: Segment) => number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { text, answer, tokenCount } of branches) {
    const tokens = Array.from({ length: tokenCount }, () => 0);
    const segment = withSureness({ text, tokenCount: tokens.length, tokens, logprobs: [], finish: 'end', startedAt: 0, endedAt: 0 });
    sums.set(answer!, (sums.get(answer!) ?? 0) + weigh(segment));
  }
  return sums;
}

describe('a vote weighed', () => {
  test.each([
    ['by the likelihood of its text', meanLogprobWeights(), 'mean-logprob', ({ logprobs }: Segment) => Math.exp(logprobs[0]!)],
    ['by its mean confidence', confidenceWeights(), 'mean-confidence', (segment: Segment) => confidenceOf([segment])!],
    [
      'by the confidence of its tail',
      confidenceWeights({ aggregation: 'tail', window: 4 }),
      'tail-confidence',
      (segment: Segment) => confidenceOf([segment], { aggregation: 'tail', window: 4 })!,
    ],
    [
      'by its least sure group',
      confidenceWeights({ aggregation: 'lowest-group', window: 2 }),
      'lowest-group-confidence',
      (segment: Segment) => confidenceOf([segment], { aggregation: 'lowest-group', window: 2 })!,
    ],
  ] as const)('%s', async (_, weights, name, weigh) => {
    for (let seed = 0; seed < 6; seed++) {
      const { result } = await vote(weights, { seed });
      const sums = sumsOf(result, weigh);
      expect(result.weightedBy).toBe(name);
      for (const { answer, weight } of result.votes) expect(weight).toBeCloseTo(sums.get(answer)!, 9);
      expect(sums.get(result.answer!)).toBeCloseTo(Math.max(...sums.values()), 9);
      expect(result.confidence).toBeCloseTo(sums.get(result.answer!)! / [...sums.values()].reduce((sum, value) => sum + value, 0), 9);
    }
  });

  test('by Borda counts of self-certainty', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const { result } = await vote(selfCertaintyWeights({ power: 2 }), { seed });
      const certainties = result.branches.map(({ text }) => 1 + (text.codePointAt(0)! % 4));
      const points = bordaWeights(new Map(certainties.entries()), 2, 0);
      expect(meanSelfCertaintyOf([withSureness({ text: 'b', tokenCount: 1, tokens: [0], logprobs: [0], finish: 'end', startedAt: 0, endedAt: 0 })])).toBe(3);
      for (const { voters, weight } of result.votes) expect(weight).toBe(voters.reduce((sum, voter) => sum + points.get(voter)!.weight, 0));
      expect(result.weightedBy).toBe('self-certainty');
    }
  });

  test('asks the engine for what it needs and no more', async () => {
    expect((await vote(confidenceWeights({ topLogprobs: 5 }))).options).toMatchObject({ topLogprobs: 5 });
    expect((await vote(selfCertaintyWeights())).options).toMatchObject({ selfCertainty: true });
    const { options } = await vote(meanLogprobWeights());
    expect([options.topLogprobs, options.selfCertainty]).toEqual([undefined, undefined]);
  });

  test('goes by likelihood where the engine does not tell, and says so', async () => {
    for (const weights of [confidenceWeights(), selfCertaintyWeights()]) {
      expect((await vote(weights, { isTold: false })).result.weightedBy).toBe('mean-logprob');
    }
    const source = new SelfConsistency({ branches: 6, earlyDecision: 'none' });
    expect((await runOn({}, new SelfConsistency({ source, weights: selfCertaintyWeights() }))).weightedBy).toBe('mean-logprob');
  });

  test('counts each branch once where nothing is told at all', async () => {
    const silent = { ...meanLogprobWeights(), name: 'silent', measure: () => undefined };
    const source = new SelfConsistency({ branches: 6, earlyDecision: 'none' });
    const plain = await runOn({}, new SelfConsistency({ source }));
    expect(plain.weightedBy).toBe('votes');
    expect(plain.votes.every(({ votes, weight }) => votes === weight)).toBe(true);
    expect((await runOn({}, new SelfConsistency({ source, weights: silent }))).weightedBy).toBe('mean-logprob');
  });

  test('by anything is decided early only where that changes nothing', async () => {
    let sooner = 0;
    for (const weights of [meanLogprobWeights(), selfCertaintyWeights(), selfCertaintyWeights({ power: 3 }), confidenceWeights()]) {
      for (let seed = 0; seed < 20; seed++) {
        const early = (await vote(weights, { seed, earlyDecision: 'exact' })).result;
        const patient = (await vote(weights, { seed })).result;
        expect(early.answer).toBe(patient.answer);
        if (early.timing.totalMs < patient.timing.totalMs) sooner++;
      }
    }
    expect(sooner).toBeGreaterThan(0);
  });
});

describe('a vote weighed by reward', () => {
  test('goes to the answer whose scores add up to most', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const weights = rewardWeights({ scorer: scriptedStepScorer((text) => [0, lengthScore({ text })]) });
      const { answer, votes, scoring, branches, text } = await runOn({}, new SelfConsistency({ branches: 8, weights, earlyDecision: 'none' }), { seed });
      const sum = (of: string): number => branches.filter((report) => report.answer === of).reduce((total, report) => total + lengthScore(report), 0);
      for (const group of votes) expect(group.weight).toBeCloseTo(sum(group.answer), 9);
      expect([scoring, votes[0]!.answer, planOf(PLANS, text).answer]).toEqual(['complete', answer, answer]);
    }
  });

  test('decides before all are scored where scores are bounded, at the same answer', async () => {
    let sooner = 0;
    for (let seed = 0; seed < 15; seed++) {
      const weights = rewardWeights({ scorer: scriptedStepScorer((text) => [lengthScore({ text })]) });
      const early = await runOn({}, new SelfConsistency({ branches: 8, weights }), { seed });
      const patient = await runOn({}, new SelfConsistency({ branches: 8, weights, earlyDecision: 'none' }), { seed });
      expect(early.answer).toBe(patient.answer);
      if (early.stopReason === 'consensus') sooner++;
    }
    expect(sooner).toBeGreaterThan(1);
  });

  test('takes scores below zero for nothing', async () => {
    const weights = rewardWeights({ scorer: scriptedScorer({ scoreOf: ({ text }) => (text.startsWith('d') ? 1 : -5) }) });
    for (let seed = 0; seed < 10; seed++) {
      const { answer, branches, confidence } = await runOn({}, new SelfConsistency({ branches: 8, weights }), { seed });
      if (branches.some(({ text }) => text.startsWith('d'))) expect([answer, confidence]).toEqual(['13', 1]);
      else expect(confidence).toBeGreaterThan(0);
    }
  });
});

test.each([
  ['topLogprobs', () => confidenceWeights({ topLogprobs: 0 })],
  ['window', () => confidenceWeights({ window: 0 })],
  ['power', () => selfCertaintyWeights({ power: -1 })],
  ['heaviest', () => rewardWeights({ scorer: scriptedScorer(), heaviest: 0 })],
  ['scorer', () => rewardWeights({ scorer: undefined as never })],
  ['weights', () => new SelfConsistency({ weights: 'reward' as never })],
])('a bad %s is refused', (option, make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
});

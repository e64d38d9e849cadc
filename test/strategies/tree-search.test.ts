/** What all searches by steps do alike; what each does by itself is in the file of its name. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StepScorer } from '../../src/contracts/scorer.ts';
import type { Strategy } from '../../src/contracts/strategy.ts';
import { InvalidOptionError } from '../../src/errors.ts';
import { BeamSearch } from '../../src/strategies/beam-search.ts';
import { DiverseTreeSearch } from '../../src/strategies/diverse-tree-search.ts';
import { MonteCarloTreeSearch } from '../../src/strategies/monte-carlo-tree-search.ts';
import { ParticleFilter } from '../../src/strategies/particle-filter.ts';
import { Rebase } from '../../src/strategies/rebase.ts';
import { SpeculativeRejection } from '../../src/strategies/speculative-rejection.ts';
import type { TreeOptions } from '../../src/strategies/tree/tree-options.ts';
import type { ScoredSolution, TreeSearchResult } from '../../src/strategies/tree/tree-result.ts';
import { ScriptedStepScorer, type ScriptedScorerOptions } from './scripted-scorer.ts';
import { digitsOf, lowDigitsAreBest, openStepSolver, solveSteps } from './step-solver.ts';

type Make = (options: TreeOptions) => Strategy<TreeSearchResult>;

const SEARCHES: Readonly<Record<string, Make>> = {
  BeamSearch: (options) => new BeamSearch({ beams: 6, width: 3, ...options }),
  DiverseTreeSearch: (options) => new DiverseTreeSearch({ beams: 6, width: 3, ...options }),
  Rebase: (options) => new Rebase({ width: 6, ...options }),
  ParticleFilter: (options) => new ParticleFilter({ particles: 6, ...options }),
  'ParticleFilter, iterated': (options) => new ParticleFilter({ particles: 4, iterations: 3, ...options }),
  MonteCarloTreeSearch: (options) => new MonteCarloTreeSearch({ simulations: 12, width: 3, ...options }),
  SpeculativeRejection: (options) => new SpeculativeRejection({ branches: 6, firstPhaseTokens: 4, ...options }),
};

const scored = (options: Partial<ScriptedScorerOptions> = {}): ScriptedStepScorer => new ScriptedStepScorer({ steps: lowDigitsAreBest, ...options });
/** Of a text that is complete; by the answer's line it is one more step. */
const worthOf = (text: string): number => lowDigitsAreBest({ text, isFinished: true }).at(-1)!;

describe.each(Object.entries(SEARCHES))('%s', (name, make) => {
  const bySteps = name !== 'SpeculativeRejection';

  test('returns the complete solution of the highest score, the first of equals, and lists the others behind it', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const result = await solveSteps(make({ scorer: scored() }), { seed });
      const complete = result.branches.filter(({ finish }) => finish === 'end');
      const best = complete.reduce((first, report) => (worthOf(report.text) > worthOf(first.text) ? report : first));
      expect([result.text, result.answer, result.confidence]).toEqual([best.text, best.answer, worthOf(best.text)]);
      expect(result.solutions.map(({ branch }) => branch)).toEqual(
        [...complete].sort((left, right) => worthOf(right.text) - worthOf(left.text) || left.branch - right.branch).map(({ branch }) => branch),
      );
      expect([result.stopReason, result.scoring, result.leftOpen]).toEqual(['completed', 'complete', 0]);
    }
  });

  test('asks about distinct texts only, all of a round in one call', async () => {
    const scorer = scored();
    const { rounds } = await solveSteps(make({ scorer }));
    // Where no simulation completed a solution, the best is completed by itself and judged once more.
    expect(scorer.calls).toHaveLength(name === 'MonteCarloTreeSearch' ? rounds + 1 : rounds);
    for (const texts of scorer.calls) expect(new Set(texts.map(({ text }) => text)).size).toBe(texts.length);
  });

  test('counts the tokens of a fork once', async () => {
    const { branches, usage } = await solveSteps(make({ scorer: scored() }), { seed: 3 });
    if (bySteps) expect(branches.some(({ inheritedTokenCount }) => inheritedTokenCount! > 0)).toBe(true);
    const own = branches.map(({ tokenCount, inheritedTokenCount = 0, forcedTokenCount }) => tokenCount - inheritedTokenCount - forcedTokenCount);
    expect(own.every((count) => count >= 0)).toBe(true);
    expect(own.reduce((sum, count) => sum + count, 0)).toBe(usage.completionTokens);
  });

  test('is back by any deadline, within one model step, with a text and with scoring paid for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 40, max: 700 }), fc.integer({ min: 0, max: 60 }), fc.nat(1000), async (deadlineMs, costMs, seed) => {
        const result = await solveSteps(make({ scorer: scored({ costMs: () => costMs }) }), { deadlineMs, seed });
        expect(result.timing.totalMs).toBeLessThanOrEqual(deadlineMs + 10);
        expect(result.text).not.toBe('');
        expect(result.leftOpen).toBe(0);
        if (result.stopReason === 'completed') expect(result.solutions[0]!.isComplete).toBe(true);
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  test('forces the answer of the best path where nothing is complete in time', async () => {
    const result = await solveSteps(make({ scorer: scored() }), { deadlineMs: 250, seed: 1 }, { isOver: (digits) => digits.length >= 50 });
    const forced = result.branches.filter(({ isForced }) => isForced);
    expect(forced).toHaveLength(1);
    expect([result.text, result.stopReason, result.solutions[0]!.isComplete]).toEqual([forced[0]!.text, 'deadline', false]);
    expect(result.answer).toBe(String([...digitsOf(result.text)].reduce((sum, digit) => sum + Number(digit), 0)));
  });

  test('goes by mean log-probability when the scorer always fails, and says so', async () => {
    const fault = new Error('no reward');
    for (const deadlineMs of [300, Infinity]) {
      const result = await solveSteps(make({ scorer: scored({ fault: () => fault }) }), { deadlineMs });
      expect([result.scoring, result.leftOpen]).toEqual(['none', 0]);
      expect(result.scoringErrors.length).toBeGreaterThan(0);
      expect(result.scoringErrors.every((error) => error === fault)).toBe(true);
      expect(result.answer).toBeDefined();
      const complete = result.branches.filter(({ finish, isForced }) => finish === 'end' && !isForced);
      const likeliest = Math.max(...complete.map(({ meanLogprob }) => meanLogprob!));
      // Particles may have been drawn away.
      if (complete.length > 0 && !name.startsWith('ParticleFilter')) expect(complete.find(({ text }) => text === result.text)!.meanLogprob).toBe(likeliest);
    }
  });

  test('goes on when a call fails now and then', async () => {
    const result = await solveSteps(make({ scorer: scored({ fault: (call) => (call % 2 === 0 ? new Error('again') : undefined) }) }));
    expect(result.scoring).not.toBe('complete');
    expect(result.scoringErrors.length).toBeGreaterThan(0);
    expect(result.solutions[0]!.isComplete).toBe(true);
  });

  test('puts what has no score last, and what is no number counts as none', async () => {
    for (const none of [undefined, [Number.NaN], []]) {
      for (let seed = 0; seed < 6; seed++) {
        const scorer = scored({ steps: (text) => (text.text.startsWith('0') ? none : lowDigitsAreBest(text)) });
        const { solutions } = await solveSteps(make({ scorer }), { seed });
        const hasScore = solutions.map(({ score }) => score !== undefined);
        expect(hasScore).toEqual([...hasScore].sort((left, right) => Number(right) - Number(left)));
      }
    }
  });

  test.each([0, 1, 2])('a scorer that never answers call %i ends no run and passes no deadline', async (hangsAt) => {
    const result = await solveSteps(make({ scorer: scored({ hangsAt }) }), { deadlineMs: 500 });
    expect(result.timing.totalMs).toBeLessThanOrEqual(510);
    expect(result.answer).toBeDefined();
    expect(result.leftOpen).toBe(0);
  });

  test('an abort while the scorer does not answer rejects with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const { engine, model, clock } = await openStepSolver();
    const scorer: StepScorer = {
      name: 'deaf',
      kind: 'step',
      score: () => {
        setImmediate(() => controller.abort(reason));
        return new Promise(() => undefined);
      },
      dispose: async () => undefined,
    };
    await expect(make({ scorer }).run({ engine, clock, prompt: '?', signal: controller.signal })).rejects.toBe(reason);
    expect(model.openSequences).toBe(0);
  });

  test('a text that ran out of tokens is asked for its answer, and is no success whatever its score', async () => {
    const isOver = (digits: string): boolean => digits.length >= (digits.startsWith('0') ? 30 : 3);
    for (let seed = 0; seed < 6; seed++) {
      const { solutions, branches } = await solveSteps(make({ scorer: scored(), maxTokens: 16 }), { seed }, { isOver });
      const isComplete = solutions.map((solution) => solution.isComplete);
      expect(isComplete).toEqual([...isComplete].sort((left, right) => Number(right) - Number(left)));
      for (const { branch, isComplete: succeeded } of solutions) {
        const { text, isForced, answer, tokenCount, forcedTokenCount } = branches.find((report) => report.branch === branch)!;
        expect(isForced).toBe(!succeeded);
        expect(succeeded).toBe(!text.startsWith('0'));
        expect(answer).toBe(String([...digitsOf(text)].reduce((sum, digit) => sum + Number(digit), 0)));
        if (succeeded) expect(tokenCount - forcedTokenCount).toBeLessThanOrEqual(16);
      }
    }
  });

  test('a text that filled the context is no success, whatever its score', async () => {
    const isOver = (digits: string): boolean => digits.length >= (digits.startsWith('0') ? 1000 : 4);
    let full = 0;
    for (let seed = 0; seed < 4; seed++) {
      const options = { ...(bySteps ? { maxSteps: 2 } : { firstPhaseTokens: 2, rejectShare: 0, checkpoints: 1 }), extractUnfinished: () => 'cut' };
      const scorer = scored({ steps: (text) => (text.text.startsWith('0') ? [1] : [0.5]) });
      const { solutions, branches } = await solveSteps(make({ scorer, ...options }), { seed }, { isOver });
      const isComplete = solutions.map((solution) => solution.isComplete);
      expect(isComplete).toEqual([...isComplete].sort((left, right) => Number(right) - Number(left)));
      full += branches.filter(({ finish }) => finish === 'context').length;
    }
    expect(full).toBeGreaterThan(0);
  });

  test('keeps time for scores before the deadline, as far as the scorer tells how much, and no more than half of what is left', async () => {
    // Solutions that begin with 0 end soon, others too late.
    const solver = { isOver: (digits: string): boolean => digits.length >= (digits.startsWith('0') ? 2 : 60) };
    const options = { ...(bySteps ? { maxSteps: 1 } : { firstPhaseTokens: 100 }), forcedAnswer: false } as const;
    for (let seed = 0; seed < 4; seed++) {
      const fair = await solveSteps(make({ scorer: scored({ costMs: () => 90, estimateMs: 100 }), ...options }), { seed, deadlineMs: 400 }, solver);
      expect([fair.scoring, fair.timing.totalMs]).toEqual(['complete', expect.any(Number)]);
      expect(fair.timing.totalMs).toBeLessThanOrEqual(410);
      const anxious = await solveSteps(make({ scorer: scored({ estimateMs: 10_000 }), ...options }), { seed, deadlineMs: 400 }, solver);
      expect(anxious.rounds).toBeGreaterThan(0);
      expect(Math.max(...anxious.branches.map(({ tokenCount }) => tokenCount))).toBeGreaterThan(10);
    }
  });

  test('a failing path is reported and the search goes on', async () => {
    const fault = new Error('cannot be computed');
    const result = await solveSteps(make({ scorer: scored() }), { seed: 2 }, { fault: (text) => (/^[01]\n/.test(text) ? fault : undefined) });
    const failed = result.branches.filter(({ finish }) => finish === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every(({ error, answer }) => error === fault && answer === undefined)).toBe(true);
    if (result.solutions.length > 0) expect(result.text).toMatch(/^[23]/);
    expect(result.leftOpen).toBe(0);
  });

  test('an extractor that throws fails its path only', async () => {
    const extract = (text: string): string => {
      if (text.startsWith('0')) throw new Error('no 0');
      return text.at(-1)!;
    };
    for (let seed = 0; seed < 5; seed++) {
      const { branches, solutions } = await solveSteps(make({ scorer: scored(), extract }), { seed });
      for (const { text, finish } of branches) if (/^0.*#/s.test(text)) expect(finish).toBe('failed');
      for (const { branch } of solutions) expect(branches.find((report) => report.branch === branch)!.text).not.toMatch(/^0/);
    }
  });

  test.each(['by-answer', 'votes'] as const)('%s returns the best solution of the answer that weighs most', async (select) => {
    for (let seed = 0; seed < 10; seed++) {
      const result = await solveSteps(make({ scorer: scored(), select }), { seed });
      // A particle that has ended stands for as many as were drawn of it, which solutions do not tell.
      if (name.startsWith('ParticleFilter')) return expect(result.solutions.some(({ answer }) => answer === result.answer)).toBe(true);
      const weights = new Map<string, number>();
      const inOrder = [...result.solutions].sort((left, right) => left.branch - right.branch);
      for (const { answer, score } of inOrder) weights.set(answer!, (weights.get(answer!) ?? 0) + (select === 'votes' ? 1 : score!));
      const most = Math.max(...weights.values());
      const winner = [...weights].find(([, weight]) => weight === most)![0];
      const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
      expect(result.answer).toBe(winner);
      expect(result.confidence).toBeCloseTo(total > 0 ? most / total : 0, 12);
      const chosen = result.solutions.find(({ answer }) => answer === winner) as ScoredSolution;
      expect(result.text).toBe(result.branches.find(({ branch }) => branch === chosen.branch)!.text);
    }
  });

  test('answers that are the same by one’s own rule vote together', async () => {
    const { confidence } = await solveSteps(make({ scorer: scored(), select: 'votes', isSame: () => true }));
    expect(confidence).toBe(1);
  });

  if (bySteps) {
    test('judges complete steps only; a step too long for its limit goes on in the next', async () => {
      const scorer = scored();
      const result = await solveSteps(make({ scorer, maxStepTokens: 4 }), { seed: 4 }, { repeat: 6, isOver: (digits) => digits.length >= 2 });
      expect(result.text).toMatch(/^(\d)\1{5}\n(\d)\2{5}\n#### \d+$/);
      expect(scorer.calls[0]!.every(({ text }) => /^(\d)\1{3}$/.test(text))).toBe(true);
    });

    test('the last step goes on to the end of the text', async () => {
      const { rounds, solutions } = await solveSteps(make({ scorer: scored(), maxSteps: 2 }), {}, { isOver: (digits) => digits.length >= 10 });
      if (name === 'ParticleFilter, iterated') expect(rounds).toBeLessThanOrEqual(6);
      else if (name !== 'MonteCarloTreeSearch') expect(rounds).toBe(2);
      expect(solutions[0]!.isComplete).toBe(true);
    });

    test('with lookahead it is judged where the likeliest next steps lead, and paths stay as they are', async () => {
      const scorer = scored();
      const { branches, usage, solutions } = await solveSteps(make({ scorer, lookahead: 2 }), { seed: 5 });
      for (const { text, isFinished } of scorer.calls[0]!) expect([text.slice(1), isFinished]).toEqual(['\n0\n0\n', false]);
      // From two digits on the greedy roll-out reaches the end of the solution.
      if (name !== 'MonteCarloTreeSearch') expect(scorer.calls[2]!.every(({ isFinished }) => isFinished)).toBe(true);
      expect(solutions[0]!.isComplete).toBe(true);
      const own = branches.map(({ tokenCount, inheritedTokenCount = 0, forcedTokenCount }) => tokenCount - inheritedTokenCount - forcedTokenCount);
      expect(usage.completionTokens).toBeGreaterThan(own.reduce((sum, count) => sum + count, 0));
    });

    test('with lookahead it keeps its deadline and leaves nothing open', async () => {
      for (let deadlineMs = 30; deadlineMs <= 600; deadlineMs += 30) {
        const { timing, leftOpen } = await solveSteps(make({ scorer: scored({ costMs: () => 5 }), lookahead: 1 }), { deadlineMs });
        expect(timing.totalMs).toBeLessThanOrEqual(deadlineMs + 10);
        expect(leftOpen).toBe(0);
      }
    });
  }

  const shared: readonly (readonly [string, object])[] = [
    ['scorer', { scorer: undefined }],
    ['scorer', { scorer: { kind: 'judge' } }],
    ['aggregation', { aggregation: 'sum' }],
    ['select', { select: 'random' }],
    ['maxTokens', { maxTokens: 0 }],
    ['sampling.temperature', { sampling: { temperature: -1 } }],
  ];
  const ofSteps: readonly (readonly [string, object])[] = [
    ['stepStop', { stepStop: [] }],
    ['stepStop', { stepStop: [''] }],
    ['stepStop', { stepStop: '\n' }],
    ['maxStepTokens', { maxStepTokens: 0 }],
    ['maxSteps', { maxSteps: 0 }],
    ['lookahead', { lookahead: -1 }],
    ['scorer', { scorer: { kind: 'outcome' } }],
  ];

  test.each([...shared, ...(bySteps ? ofSteps : [])])('%s is refused in %j', (option, options) => {
    const construct = (): unknown => make({ scorer: scored(), ...options } as TreeOptions);
    expect(construct).toThrow(InvalidOptionError);
    expect(construct).toThrow(expect.objectContaining({ option }));
  });
});

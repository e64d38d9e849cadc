import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/contracts/clock.ts';
import type { OutcomeScorer } from '../../src/contracts/scorer.ts';
import type { StrategyRequest } from '../../src/contracts/strategy.ts';
import { BestOfN, type BestOfNOptions } from '../../src/strategies/best-of-n.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { rewardWeights } from '../../src/strategies/vote-weights.ts';
import { scorerLaws, type ScoredSubject } from './scorer-laws.ts';
import { openSolver, planOf, PLANS, type SolverOptions } from './solver.ts';
import { runLogged, runOn } from './strategy-laws.ts';
import { lengthScore, scriptedScorer, scriptedStepScorer } from './text-scorers.ts';

const SCORED: Readonly<Record<string, ScoredSubject>> = {
  'BestOfN with its scorer': { make: (scorer) => new BestOfN({ branches: 10, scorer }) },
  'BestOfN by answer with its scorer': { make: (scorer) => new BestOfN({ branches: 10, select: 'by-answer', earlyDecision: 'none', scorer }) },
  'SelfConsistency with its reward model': {
    make: (scorer) => new SelfConsistency({ branches: 10, earlyDecision: 'none', weights: rewardWeights({ scorer }) }),
  },
};

for (const [name, subject] of Object.entries(SCORED)) {
  describe(name, () => {
    for (const law of scorerLaws) test(law.name, () => law.check(subject));
  });
}

function solve(options: Partial<BestOfNOptions>, fields: Partial<StrategyRequest> = {}, solver: SolverOptions = {}) {
  return runOn(solver, new BestOfN({ branches: 6, scorer: scriptedScorer(), ...options }), fields);
}

/** Scores the first letter of a text: which plan it follows. */
function planScorer(scores: Readonly<Record<string, number>>): OutcomeScorer {
  return scriptedScorer({ scoreOf: ({ text }) => scores[text[0]!] ?? 0 });
}

/** A draw of plans that has at least two of each of these letters. */
async function seedWith(letters: string, branches: number): Promise<number> {
  for (let seed = 0; seed < 200; seed++) {
    const { branches: reports } = await runOn({}, new SelfConsistency({ branches, earlyDecision: 'none' }), { seed });
    const drawn = reports.map(({ text }) => text[0]);
    if ([...letters].every((letter) => drawn.filter((other) => other === letter).length >= 2)) return seed;
  }
  throw new Error(`No seed draws ${letters} twice.`);
}

test('a scorer that reads ahead is told of the prompt at once, and of the branches as they grow', async () => {
  const hints: (readonly string[])[] = [];
  const scorer: OutcomeScorer = { ...scriptedScorer(), readAhead: (_, texts) => void hints.push(texts) };
  const { branches } = await solve({ scorer });
  expect(hints[0]).toEqual([]);
  expect(hints.length).toBeGreaterThan(2);
  for (const text of hints.flat()) expect(branches.some((branch) => branch.text.startsWith(text))).toBe(true);
});

test('a scorer is told of the prompt while another strategy makes the solutions', async () => {
  const hints: (readonly string[])[] = [];
  const scorer: OutcomeScorer = { ...scriptedScorer(), readAhead: (_, texts) => void hints.push(texts) };
  await runOn({}, new BestOfN({ source: new SelfConsistency({ branches: 3 }), scorer }));
  expect(hints).toEqual([[]]);
});

test('a scorer that fails to read ahead, or is a class of its own, costs the run nothing', async () => {
  class Reader {
    readonly kind = 'outcome';
    readonly name = 'reader';
    hints = 0;
    readAhead(): void {
      this.hints++;
      throw new Error('cannot read');
    }
    async score(_: unknown, texts: readonly unknown[]): Promise<number[]> {
      return texts.map(() => 1);
    }
    async dispose(): Promise<void> {}
  }
  const scorer = new Reader();
  const { scoring } = await solve({ scorer });
  expect(scoring).toBe('complete');
  expect(scorer.hints).toBeGreaterThan(2);
});

describe('the highest score', () => {
  test('wins, with its own text, answer and score, whatever most branches say', async () => {
    const seed = await seedWith('dc', 10);
    const { text, answer, score, scores, scoring, branches } = await solve({ branches: 10, scorer: planScorer({ d: 0.9, c: 0.8 }) }, { seed });
    expect([text[0], answer, score, scoring]).toEqual(['d', '13', 0.9, 'complete']);
    expect(scores.size).toBe(10);
    expect(branches.find((report) => report.text === text)!.branch).toBe(branches.findIndex((report) => report.text[0] === 'd'));
  });

  test('may be below zero', async () => {
    const { answer } = await solve(
      { branches: 10, scorer: planScorer({ a: -5, b: -4, c: -3, d: -2, e: -1, f: -2, g: -3, h: -4 }) },
      { seed: await seedWith('e', 10) },
    );
    expect(answer).toBe('42');
  });

  test.each([
    ['last', 'b'],
    ['min', 'c'],
    ['product', 'c'],
    ['mean', 'b'],
  ] as const)('of steps by their %s', async (aggregation, winner) => {
    const steps: Readonly<Record<string, readonly number[]>> = { b: [0.1, 0.9, 0.9], c: [0.5, 0.5] };
    const scorer = scriptedStepScorer((text) => steps[text[0]!] ?? [0]);
    const { text } = await solve({ branches: 10, scorer, aggregation }, { seed: await seedWith('bc', 10) });
    expect(text[0]).toBe(winner);
  });

  test('has the confidence of the share of branches with its answer', async () => {
    const { answer, confidence, branches } = await solve({ branches: 8 }, { seed: 3 });
    expect(confidence).toBe(branches.filter((report) => report.answer === answer).length / 8);
  });

  test('that is good enough ends the run', async () => {
    const seed = await seedWith('ce', 10);
    const { text, stopReason, branches, timing } = await solve({ branches: 10, scorer: planScorer({ c: 1, e: 2 }), acceptAt: 1 }, { seed });
    expect([text[0], stopReason]).toEqual(['c', 'consensus']);
    expect(branches.some(({ finish }) => finish === 'aborted')).toBe(true);
    const patient = await solve({ branches: 10, scorer: planScorer({ c: 1, e: 2 }) }, { seed });
    expect([patient.text[0], patient.stopReason]).toEqual(['e', 'completed']);
    expect(timing.totalMs).toBeLessThan(patient.timing.totalMs);
  });

  test('in the first wave leaves the others out, and nothing good enough brings them in', async () => {
    const scorer = (): OutcomeScorer => planScorer({ c: 1, e: 0.5 });
    const easy = await solve({ branches: 10, scorer: scorer(), acceptAt: 1, firstWave: 2 }, { seed: await seedWith('c', 2) });
    expect([easy.text[0], easy.stopReason]).toEqual(['c', 'consensus']);
    expect(easy.branches.filter(({ finish }) => finish === 'end').length).toBeLessThanOrEqual(2);
    const hard = await solve({ branches: 10, scorer: planScorer({ e: 0.5 }), acceptAt: 1, firstWave: 2 }, { seed: await seedWith('e', 10) });
    expect([hard.text[0], hard.stopReason]).toEqual(['e', 'completed']);
    expect(hard.branches).toHaveLength(10);
    const atOnce = await solve({ branches: 10, scorer: scorer(), acceptAt: 1 }, { seed: await seedWith('c', 2) });
    expect(easy.usage.completionTokens).toBeLessThan(atOnce.usage.completionTokens);
  });

  test('of the likeliest text leaves the others out, and where it is too low they are drawn as ever', async () => {
    const first = { acceptAt: 1, firstWave: 1, firstSampling: { temperature: 0 } };
    // Plans are equally likely, and of those the first is taken.
    const easy = await solve({ branches: 10, scorer: planScorer({ a: 1 }), ...first }, { seed: await seedWith('c', 2) });
    expect([easy.text[0], easy.stopReason]).toEqual(['a', 'consensus']);
    // They begin while it is scored.
    expect(easy.branches.slice(1).every(({ finish }) => finish === 'aborted')).toBe(true);
    const seed = await seedWith('ce', 10);
    const hard = await solve({ branches: 10, scorer: planScorer({ a: 0.5, c: 0.7 }), ...first }, { seed });
    const atOnce = await solve({ branches: 10, scorer: planScorer({ c: 0.7 }) }, { seed });
    expect(hard.text[0]).toBe('c');
    expect(hard.branches.map(({ text }) => text)).toEqual([easy.text, ...atOnce.branches.slice(1).map(({ text }) => text)]);
  });

  test('comes while other branches still decode', async () => {
    const seed = await seedWith('ce', 10);
    const { log, result } = await runLogged({}, new BestOfN({ branches: 10, scorer: planScorer({ c: 1 }), acceptAt: 1 }), { seed });
    const first = log.find(({ name }) => name === 'branch-end')!;
    expect(result.timing.totalMs - first.event.atMs).toBeLessThanOrEqual(20);
  });
});

// search-and-learn#57, #28 and #23: texts without an end among those to choose from, and the score of one text with another.
describe('unfinished texts', () => {
  const plans = [
    { steps: 2, answer: '1' },
    { steps: 100, answer: '2' },
  ];
  /** Likes the unfinished best. */
  const scorer = scriptedScorer({ scoreOf: ({ text, isFinished }) => (isFinished ? 0.1 : 0.9) + text.length / 1000 });

  test('are never chosen over finished ones, however high they would score', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { answer, text, branches, scores } = await solve({ scorer, forcedAnswer: false }, { seed, deadlineMs: 300 }, { plans });
      expect(branches.some(({ finish }) => finish === 'deadline')).toBe(true);
      expect([answer, text]).toEqual(['1', 'a..\n#### 1']);
      expect([...scores.keys()]).toEqual(branches.filter(({ finish }) => finish === 'end').map(({ branch }) => branch));
    }
  });

  test('are returned where there is nothing else, without score', async () => {
    const { answer, text, score, scoring, confidence } = await solve({ scorer, forcedAnswer: false }, { deadlineMs: 300 }, { plans: [plans[1]!] });
    expect([answer, score, scoring, confidence]).toEqual([undefined, undefined, 'none', 0]);
    expect(text).toMatch(/^a\.+$/);
  });

  test('that were asked for their answer take part, as unfinished or finished as they are', async () => {
    const seen = new Map<string, boolean>();
    const onText = scriptedScorer({ scoreOf: ({ text, isFinished }) => (seen.set(text, isFinished), 0.5) });
    const { branches, scoring } = await solve({ scorer: onText, forcedAnswer: { maxTokens: 1 } }, { deadlineMs: 300 }, { plans });
    expect(scoring).toBe('complete');
    for (const { text, finish } of branches) expect(seen.get(text)).toBe(finish === 'end');
    expect(new Set(seen.values())).toEqual(new Set([true, false]));
  });
});

describe('by answer', () => {
  test('scores add up by answer, equal texts each counting, and the highest of the winners is returned', async () => {
    let changed = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { answer, text, score, confidence, branches } = await solve({ branches: 9, select: 'by-answer', earlyDecision: 'none' }, { seed });
      const sums = new Map<string, number>();
      for (const report of branches) sums.set(report.answer!, (sums.get(report.answer!) ?? 0) + lengthScore(report));
      const most = Math.max(...sums.values());
      expect(sums.get(answer!)).toBeCloseTo(most, 10);
      const members = branches.filter((report) => report.answer === answer);
      expect(score).toBe(Math.max(...members.map(lengthScore)));
      expect(text).toBe(members.find((report) => lengthScore(report) === score)!.text);
      expect(confidence).toBeCloseTo(most / [...sums.values()].reduce((sum, value) => sum + value, 0), 10);
      if (answer !== (await solve({ branches: 9 }, { seed })).answer) changed++;
    }
    expect(changed).toBeGreaterThan(0);
  });

  test('answers that are the same by one’s own rule add up', async () => {
    const { answer, confidence } = await solve({ branches: 8, select: 'by-answer', isSame: () => true, earlyDecision: 'none' }, { seed: 2 });
    expect(confidence).toBe(1);
    expect(answer).toBeDefined();
  });

  test('the exact decision gives the answer that waiting for all scores gives, often sooner', async () => {
    let sooner = 0;
    for (let seed = 0; seed < 25; seed++) {
      const options = { branches: 9, select: 'by-answer', scorer: scriptedStepScorer((text) => [lengthScore({ text })]) } as const;
      const early = await solve(options, { seed });
      const patient = await solve({ ...options, earlyDecision: 'none' }, { seed });
      expect(early.answer).toBe(patient.answer);
      if (early.timing.totalMs < patient.timing.totalMs) sooner++;
    }
    expect(sooner).toBeGreaterThan(3);
  });

  test('a weight of one’s own makes votes of scores on any scale', async () => {
    const seed = await seedWith('dc', 10);
    const scorer = planScorer({ a: -9, b: -9, c: -9, d: 3, e: -9, f: -9, g: -9, h: -9 });
    const { answer, confidence } = await solve({ branches: 10, select: 'by-answer', scorer, weigh: (score) => 1 / (1 + Math.exp(-score)) }, { seed });
    expect(answer).toBe('13');
    expect(confidence).toBeGreaterThan(0.9);
  });
});

describe('without scores', () => {
  const scorer = scriptedScorer({ scoreOf: () => undefined });

  test('the answer with most votes is returned, the first answer of equals', async () => {
    for (let seed = 0; seed < 15; seed++) {
      const { answer, score, scoring } = await solve({ scorer }, { seed });
      const vote = await runOn({}, new SelfConsistency({ branches: 6, earlyDecision: 'none' }), { seed });
      const tied = vote.votes.filter(({ votes }) => votes === vote.votes[0]!.votes).map((group) => group.answer);
      expect(tied).toContain(answer);
      expect([score, scoring]).toEqual([undefined, 'none']);
    }
  });

  test('and without answers the likeliest text that is finished', async () => {
    const { text, answer, branches } = await solve({ scorer, extract: () => undefined }, { seed: 1 });
    expect(answer).toBeUndefined();
    const best = branches.reduce((left, right) => (right.meanLogprob! > left.meanLogprob! ? right : left));
    expect(text).toBe(best.text);
  });
});

describe('time for scoring', () => {
  test('is kept free as far as the scorer says, and never more than half', async () => {
    const plans = [{ steps: 100, answer: '5' }];
    const decoded = async (estimateMs: number | undefined): Promise<number> => {
      const { timing, scoring } = await solve({ scorer: scriptedScorer({ estimateMs }) }, { deadlineMs: 600 }, { plans });
      expect(scoring).toBe('complete');
      return timing.totalMs;
    };
    const whole = await decoded(undefined);
    expect(whole).toBeGreaterThanOrEqual(500);
    expect(await decoded(100)).toBeLessThanOrEqual(whole - 80);
    expect(await decoded(100)).toBeGreaterThan(whole - 150);
    expect(await decoded(10_000)).toBeGreaterThan(200);
  });
});

describe('the first run with a scorer that can measure itself', () => {
  /** Knows what it costs once it is ready. */
  function unmeasured(readyMs: number, costMs: number): { scorer: OutcomeScorer; solver: SolverOptions; readied: () => number } {
    let calls = 0;
    let isKnown = false;
    let clock: Clock | undefined;
    const scorer: OutcomeScorer = {
      ...scriptedScorer(),
      estimateMs: () => (isKnown ? costMs : undefined),
      async ready(options) {
        calls++;
        clock = options!.clock!;
        await clock.wait!(readyMs, new AbortController().signal);
        isKnown = true;
      },
    };
    // While it loads, time goes by elsewhere too.
    return { scorer, solver: { plans: [{ steps: 100, answer: '5' }] }, readied: () => calls };
  }

  async function solveOnce(scorer: OutcomeScorer, solver: SolverOptions, deadlineMs: number) {
    const { engine, clock } = await openSolver(solver);
    let isOver = false;
    const run = new BestOfN({ branches: 6, scorer }).run({ engine, clock, prompt: 'how many?', deadlineMs }).finally(() => (isOver = true));
    // The clock of a scripted model stands still while nobody decodes.
    void (async () => {
      while (!isOver) {
        await new Promise((resolve) => setImmediate(resolve));
        if (engine.name !== '' && clock.now() < 400) clock.advance(1);
      }
    })();
    return run;
  }

  test('keeps time free for scoring as later ones do', async () => {
    const { scorer, solver, readied } = unmeasured(50, 300);
    const { timing, scoring } = await solveOnce(scorer, solver, 1_000);
    expect([readied(), scoring]).toEqual([1, 'complete']);
    expect(timing.totalMs).toBeLessThanOrEqual(700 + 10);
    await solveOnce(scorer, solver, 1_000);
    expect(readied()).toBe(1);
  });

  test('does not wait for it beyond half of its time, or without a deadline', async () => {
    const { scorer, solver } = unmeasured(1e9, 300);
    const { timing, answer } = await solveOnce(scorer, solver, 800);
    expect(answer).toBe('5');
    expect(timing.openMs).toBeLessThan(400);
    expect(timing.totalMs).toBeLessThanOrEqual(810);
    const patient = unmeasured(1e9, 300);
    expect((await solve({ scorer: patient.scorer })).answer).toBeDefined();
    expect(patient.readied()).toBe(0);
  });

  test('goes on where it cannot be readied', async () => {
    const scorer: OutcomeScorer = { ...scriptedScorer({ estimateMs: undefined }), ready: () => Promise.reject(new Error('no weights')) };
    expect((await solve({ scorer }, { deadlineMs: 600 })).scoring).toBe('complete');
  });
});

describe('a source', () => {
  test('gives its branches to choose from, and they are told once', async () => {
    const source = new SelfConsistency({ branches: 7, earlyDecision: 'none' });
    const { log, result } = await runLogged({}, new BestOfN({ source, scorer: planScorer({ d: 1, f: 1 }) }), { seed: await seedWith('d', 7) });
    expect(result.branches).toHaveLength(7);
    expect(result.score).toBe(1);
    expect(['d', 'f']).toContain(result.text[0]);
    expect(log.filter(({ name }) => name === 'run-start')).toMatchObject([{ event: { strategy: 'best-of-n' } }]);
    expect(log.filter(({ name }) => name === 'branch-end')).toHaveLength(7);
  });

  test('nests', async () => {
    const inner = new BestOfN({ branches: 5, scorer: scriptedScorer() });
    const { branches, answer } = await runOn({}, new BestOfN({ source: new SelfConsistency({ source: inner }), scorer: scriptedScorer() }), { seed: 4 });
    expect(branches).toHaveLength(5);
    expect(branches.map((report) => report.answer)).toContain(answer);
    for (const report of branches) expect(report.answer).toBe(planOf(PLANS, report.text).answer);
  });
});

test.each([
  ['scorer', { scorer: undefined }],
  ['scorer', { scorer: { kind: 'other' } }],
  ['aggregation', { aggregation: 'sum' }],
  ['branches', { branches: 0 }],
  ['select', { select: 'best' }],
  ['acceptAt', { acceptAt: Number.NaN }],
  ['acceptAt', { select: 'by-answer', acceptAt: 1 }],
  ['firstWave', { firstWave: 1 }],
  ['firstWave', { acceptAt: 1, firstWave: 0 }],
  ['firstWave', { acceptAt: 1, firstWave: 1, expectedTokens: 9 }],
  ['firstWave', { branches: undefined, source: new SelfConsistency(), acceptAt: 1, firstWave: 1 }],
  ['firstSampling', { acceptAt: 1, firstSampling: { temperature: 0 } }],
  ['firstSampling', { select: 'by-answer', firstSampling: { temperature: 0 } }],
  ['firstSampling.temperature', { acceptAt: 1, firstWave: 1, firstSampling: { temperature: -1 } }],
  ['earlyDecision', { earlyDecision: 'exact' }],
  ['earlyDecision', { select: 'by-answer', earlyDecision: 'maybe' }],
  ['weigh', { weigh: (score: number) => score }],
  ['source', { branches: undefined, source: {} }],
  ['branches', { source: new SelfConsistency() }],
  ['maxTokens', { branches: undefined, source: new SelfConsistency(), maxTokens: 5 }],
])('%s is refused in %o', (option, options) => {
  const make = (): BestOfN => new BestOfN({ branches: 4, scorer: scriptedScorer(), ...options } as BestOfNOptions);
  expect(make).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
});

import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../../src/errors.ts';
import { LatencyOptimizer } from '../../../src/planning/optimizer/latency-optimizer.ts';
import { PROFILE } from './recorded-problems.ts';

const PRIORS = { accuracy: 0.5, tokens: { mean: 100, deviation: 40 }, promptTokens: 20, acceptance: 0.8 };

describe('plans from priors', () => {
  const optimizer = LatencyOptimizer.fromPriors(PROFILE, PRIORS);

  test('spend more time on more branches', () => {
    const plans = [150, 250, 400, 800].map((deadlineMs) => optimizer.solve({ deadlineMs }));
    const accuracies = plans.map(({ predicted }) => predicted.accuracy);
    expect([...accuracies].sort((left, right) => left - right)).toEqual(accuracies);
    expect(plans.at(-1)!.spec.branches).toBeGreaterThan(plans[0]!.spec.branches);
    for (const { predicted, deadlineMs } of plans) expect(predicted.latencyMs.p95).toBeLessThanOrEqual(deadlineMs);
  });

  test('know that one finished branch is right as often as believed', () => {
    const [single] = optimizer.fitted.candidates;
    expect(single!.spec).toMatchObject({ branches: 1, draftLength: 0 });
    expect(single!.points.at(-1)!.accuracy).toBeCloseTo(0.5, 2);
  });

  test('draft where that is faster, and not where it is not', () => {
    expect(optimizer.solve({ deadlineMs: 200 }).spec.draftLength).toBeGreaterThan(0);
    const rejected = LatencyOptimizer.fromPriors(PROFILE, { ...PRIORS, acceptance: 0.05 });
    expect(rejected.solve({ deadlineMs: 200 }).spec.draftLength).toBe(0);
  });

  test('can be saved and loaded', () => {
    const loaded = LatencyOptimizer.load(JSON.parse(JSON.stringify(optimizer)));
    expect(loaded.solve({ deadlineMs: 300 }).predicted).toEqual(optimizer.solve({ deadlineMs: 300 }).predicted);
  });

  test.each([
    ['accuracy', { accuracy: 1 }],
    ['tokens.mean', { tokens: { mean: 0, deviation: 1 } }],
    ['wrongAnswers', { wrongAnswers: 0 }],
    ['acceptance', { acceptance: 2 }],
  ])('refuse a bad %s', (option, priors) => {
    expect(() => LatencyOptimizer.fromPriors(PROFILE, { ...PRIORS, ...priors })).toThrow(InvalidOptionError);
    expect(() => LatencyOptimizer.fromPriors(PROFILE, { ...PRIORS, ...priors })).toThrow(option);
  });
});

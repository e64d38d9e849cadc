import { beforeAll, describe, expect, test } from 'vitest';
import type { ProblemTrace } from '../../../src/contracts/trace.ts';
import { InfeasiblePlanError, InvalidOptionError } from '../../../src/errors.ts';
import { ReplayBank } from '../../../src/engines/replay/replay-bank.ts';
import { ReplayEngine } from '../../../src/engines/replay/replay-engine.ts';
import { ReplayScorer } from '../../../src/engines/replay/replay-scorer.ts';
import { LatencyOptimizer } from '../../../src/planning/optimizer/latency-optimizer.ts';
import type { SearchProgress } from '../../../src/planning/optimizer/search-plans.ts';
import { SimulatedClock } from '../../../src/runtime/simulated-clock.ts';
import { inventTraces, PROFILE } from './recorded-problems.ts';

const traces = inventTraces({ count: 16, branches: 16, ease: (problem) => 0.25 + (problem % 4) / 6 });
const DEADLINES = [30, 45, 60, 80, 120, 200, 1_000];

describe('LatencyOptimizer', () => {
  const progress: SearchProgress[] = [];
  let optimizer: LatencyOptimizer;

  beforeAll(async () => {
    optimizer = await LatencyOptimizer.fit({
      traces,
      profile: PROFILE,
      acceptance: [0.8],
      branches: [1, 2, 4, 8],
      replicas: 2,
      deadlines: 8,
      onProgress: (event) => progress.push(event),
    });
  });

  test('promises more for more time, and never a latency beyond the deadline', () => {
    let before = 0;
    for (const deadlineMs of DEADLINES) {
      const { predicted, runDeadlineMs } = optimizer.solve({ deadlineMs });
      expect(predicted.accuracy).toBeGreaterThanOrEqual(before);
      expect(predicted.latencyMs.p95).toBeLessThanOrEqual(deadlineMs);
      expect(predicted.latencyMs.p50).toBeLessThanOrEqual(predicted.latencyMs.p95);
      expect(runDeadlineMs).toBeLessThanOrEqual(deadlineMs);
      const [low, high] = predicted.accuracyInterval;
      expect(low).toBeLessThanOrEqual(predicted.accuracy);
      expect(high).toBeGreaterThanOrEqual(predicted.accuracy);
      before = predicted.accuracy - 0.003;
    }
    expect(before).toBeGreaterThan(0.6);
  });

  test('finds with both parallelisms what neither finds alone', () => {
    const accuracies = DEADLINES.map((deadlineMs) =>
      (['joint', 'branches', 'drafts'] as const).map((parallelism) => optimizer.solve({ deadlineMs, parallelism }).predicted.accuracy),
    );
    for (const [joint, branches, drafts] of accuracies) {
      expect(joint).toBeGreaterThanOrEqual(branches! - 0.003);
      expect(joint).toBeGreaterThanOrEqual(drafts! - 0.003);
    }
    expect(accuracies.some(([joint, branches]) => joint! > branches! + 0.02)).toBe(true);
    expect(accuracies.some(([joint, , drafts]) => joint! > drafts! + 0.02)).toBe(true);
    expect(optimizer.solve({ deadlineMs: 60, parallelism: 'branches' }).spec.draftLength).toBe(0);
    expect(optimizer.solve({ deadlineMs: 60, parallelism: 'drafts' }).spec.branches).toBe(1);
  });

  test('finds the fastest plan with an accuracy', () => {
    const accurate = optimizer.solve({ minAccuracy: 0.6 });
    expect(accurate.predicted.accuracy).toBeGreaterThanOrEqual(0.6);
    expect(() => optimizer.solve({ minAccuracy: 0.6, deadlineMs: accurate.deadlineMs / 2 })).toThrow(InfeasiblePlanError);
    expect(accurate.explain().binding).toBe('accuracy');
  });

  test('finds the plan with an accuracy that takes least on average', () => {
    for (const minAccuracy of [0.3, 0.5, 0.6]) {
      const [surely, onAverage] = (['quantile', 'mean'] as const).map((fastestBy) => optimizer.solve({ minAccuracy, fastestBy }));
      expect(onAverage!.predicted.accuracy).toBeGreaterThanOrEqual(minAccuracy);
      expect(onAverage!.predicted.latencyMs.mean).toBeLessThanOrEqual(surely!.predicted.latencyMs.mean);
      expect(surely!.predicted.latencyMs.p95).toBeLessThanOrEqual(1.15 * onAverage!.predicted.latencyMs.p95);
      const { mean, p50, p99 } = onAverage!.predicted.latencyMs;
      expect(mean).toBeGreaterThan(0.5 * p50);
      expect(mean).toBeLessThanOrEqual(p99);
    }
    expect(() => optimizer.solve({ minAccuracy: 0.6, fastestBy: 'mean', deadlineMs: 3 })).toThrow(InfeasiblePlanError);
    expect(() => optimizer.solve({ minAccuracy: 0.6, fastestBy: 'median' as 'mean' })).toThrow(/fastestBy/);
    expect(() => optimizer.solve({ deadlineMs: 60, fastestBy: 'mean' })).toThrow(/`fastestBy`.*minAccuracy/);
  });

  test('keeps to a budget of tokens', () => {
    const free = optimizer.solve({ deadlineMs: 1_000 });
    const thrifty = optimizer.solve({ deadlineMs: 1_000, maxTokens: free.predicted.tokens / 2 });
    expect(thrifty.predicted.tokens).toBeLessThanOrEqual(free.predicted.tokens / 2);
    expect(thrifty.predicted.accuracy).toBeLessThanOrEqual(free.predicted.accuracy);
  });

  test('says what is feasible near what is not', () => {
    const error = caught(() => optimizer.solve({ deadlineMs: 2 }));
    expect(error).toBeInstanceOf(InfeasiblePlanError);
    const { shortestDeadlineMs } = (error as InfeasiblePlanError).nearest;
    expect(optimizer.solve({ deadlineMs: shortestDeadlineMs! }).predicted.latencyMs.p95).toBeLessThanOrEqual(shortestDeadlineMs!);
    const impossible = caught(() => optimizer.solve({ minAccuracy: 1 })) as InfeasiblePlanError;
    expect(impossible.message).toContain('100.0 %');
    expect(impossible.nearest.accuracyByDeadline).toBeGreaterThan(0.6);
  });

  test('explains a plan', () => {
    const { frontier, binding, branchesOnly, draftsOnly, computeOptimal } = optimizer.solve({ deadlineMs: 45 }).explain();
    expect(frontier.length).toBeGreaterThan(2);
    expect(frontier.map(({ predicted }) => predicted.accuracy)).toEqual(
      frontier.map(({ predicted }) => predicted.accuracy).sort((left, right) => left - right),
    );
    expect(binding).toBe('deadline');
    expect(optimizer.solve({ deadlineMs: 10_000 }).explain().binding).toBe('nothing');
    expect([branchesOnly?.spec.draftLength, draftsOnly?.spec.branches, computeOptimal.spec.draftLength]).toEqual([0, 1, 0]);
  });

  test('is the same after it was saved and loaded', () => {
    const loaded = LatencyOptimizer.load(JSON.parse(JSON.stringify(optimizer)));
    for (const deadlineMs of DEADLINES) {
      const [one, other] = [optimizer.solve({ deadlineMs }), loaded.solve({ deadlineMs })];
      expect({ spec: other.spec, predicted: other.predicted }).toEqual({ spec: one.spec, predicted: one.predicted });
    }
    expect(() => LatencyOptimizer.load({ ...optimizer.fitted, version: 0 })).toThrow(InvalidOptionError);
    expect(() => LatencyOptimizer.load('fit')).toThrow(InvalidOptionError);
  });

  test('tells how far the fit is, and ends with an abort', async () => {
    expect(progress[0]).toMatchObject({ stage: 'coarse', done: 0 });
    expect(progress.at(-1)!.done).toBe(progress.at(-1)!.total);
    const controller = new AbortController();
    const fit = LatencyOptimizer.fit({ traces, profile: PROFILE, branches: [1, 2], signal: controller.signal, onProgress: () => controller.abort('enough') });
    await expect(fit).rejects.toBe('enough');
  });

  test('plans no branches that do not fit the memory', async () => {
    const memory = { availableBytes: 400, targetWeightBytes: 100, targetBytesPerToken: 2, draftWeightBytes: 50, draftBytesPerToken: 1 };
    const fitted = await LatencyOptimizer.fit({
      traces: traces.slice(0, 4),
      profile: { ...PROFILE, memory },
      branches: [1, 2, 4],
      draftLengths: [0, 2],
      deadlines: 3,
      replicas: 1,
    });
    const specs = fitted.fitted.candidates.map(({ spec }) => spec);
    expect(Math.max(...specs.filter(({ draftLength }) => draftLength === 0).map(({ branches }) => branches))).toBe(2);
    expect(Math.max(...specs.filter(({ draftLength }) => draftLength !== 0).map(({ branches }) => branches))).toBe(1);
  });

  test.each([
    ['deadlineMs', {}],
    ['deadlineMs', { deadlineMs: 0 }],
    ['confidence', { deadlineMs: 50, confidence: 1 }],
    ['maxTokens', { deadlineMs: 50, maxTokens: 0 }],
    ['minAccuracy', { minAccuracy: 2 }],
    ['parallelism', { deadlineMs: 50, parallelism: 'none' as 'joint' }],
  ])('refuses a bad %s', (option, request) => {
    expect(caught(() => optimizer.solve(request))).toMatchObject({ option });
  });

  test('refuses traces without a right answer', async () => {
    const unknown = traces.map((trace) => Object.fromEntries(Object.entries(trace).filter(([key]) => key !== 'reference')) as unknown as ProblemTrace);
    await expect(LatencyOptimizer.fit({ traces: unknown, profile: PROFILE })).rejects.toThrow(InvalidOptionError);
  });

  test('predicts what its plan does in other runs on the same problems', async () => {
    const plan = optimizer.solve({ deadlineMs: 60 });
    const bank = new ReplayBank(traces);
    let right = 0;
    const latencies: number[] = [];
    for (let seed = 100; seed < 106; seed++) {
      for (const { prompt } of traces) {
        const clock = new SimulatedClock();
        const engine = new ReplayEngine({ bank, profile: PROFILE, clock, acceptance: [0.8], jitterSeed: seed });
        const { answer, timing } = await plan.run({ engine, prompt, clock, seed, scorer: new ReplayScorer(bank, PROFILE, clock) });
        if (answer === '42') right++;
        latencies.push(timing.totalMs);
      }
    }
    expect(Math.abs(right / latencies.length - plan.predicted.accuracy)).toBeLessThan(0.13);
    expect(latencies.filter((latency) => latency > 60).length / latencies.length).toBeLessThanOrEqual(0.05);
  });
});

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}

test('plans choose the weight format by the width of the work, where there are profiles of several', async () => {
  const formatOf = (fixedMs: number, positionMs: number) => ({
    ...PROFILE,
    parts: ['target', 'prefill'] as const,
    passMs: (_: unknown, { rows, newTokens }: { readonly rows: number; readonly newTokens: number }) => fixedMs + positionMs * rows * newTokens,
  });
  const options = { traces: traces.slice(0, 8), branches: [1, 8], draftLengths: [0], deadlines: 6, replicas: 1 };
  const optimizer = await LatencyOptimizer.fit({ ...options, profile: { q4: formatOf(1.2, 0.4), q8: formatOf(2.1, 0.12) } });
  const at = (deadlineMs: number, branches: number) =>
    optimizer.planOf({ strategy: 'self-consistency', branches, draftLength: 0, format: 'q4' }, { deadlineMs });
  expect(at(1000, 8).predicted.latencyMs.p50).toBeGreaterThan(0);
  const wide = optimizer.solve({ deadlineMs: 1000 }).spec;
  expect([wide.branches, wide.format]).toEqual([8, 'q8']);
  const narrow = optimizer.solve({ deadlineMs: 1000, parallelism: 'drafts' }).spec;
  expect([narrow.branches, narrow.format]).toEqual([1, 'q4']);
  expect(LatencyOptimizer.load(JSON.stringify(optimizer)).solve({ deadlineMs: 1000 }).spec).toEqual(wide);
  await expect(LatencyOptimizer.fit({ ...options, profile: {} })).rejects.toThrow(InvalidOptionError);
});

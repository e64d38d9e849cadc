import { beforeAll, describe, expect, test } from 'vitest';
import type { SamplingOptions } from '../../../src/contracts/engine.ts';
import type { ProblemTrace } from '../../../src/contracts/trace.ts';
import { LatencyOptimizer } from '../../../src/planning/optimizer/latency-optimizer.ts';
import { samplingGroups } from '../../../src/planning/optimizer/sampling-groups.ts';
import { recordTraces } from '../../../src/planning/traces/record-traces.ts';
import { SimulatedClock } from '../../../src/runtime/simulated-clock.ts';
import { openSimulatedSolver } from '../../strategies/solver.ts';
import { inventTraces, PROFILE } from './recorded-problems.ts';

const GREEDY = { temperature: 0 };
const COOL = { temperature: 0.6, topP: 0.9 };
const sampledWith = (sampling: SamplingOptions, traces: readonly ProblemTrace[]): ProblemTrace[] => traces.map((trace) => ({ ...trace, sampling }));

/** Half of the branches are right, four of five texts that are sampled less hot, nine of ten of the likeliest ones. */
const OWN = inventTraces({ count: 20, branches: 8, ease: () => 0.5 });
const COOLER = sampledWith(COOL, inventTraces({ count: 20, branches: 4, ease: () => 0.8 }));
const LIKELIEST = sampledWith(
  GREEDY,
  inventTraces({ count: 20, branches: 3, ease: (problem) => Number(problem % 10 > 0), length: (random) => 14 + Math.floor(28 * random) }),
);

describe('samplingGroups', () => {
  test('tell traces apart by how they were sampled, in the order they come', () => {
    const groups = samplingGroups([...OWN, ...COOLER, ...LIKELIEST]);
    expect(groups.map(({ sampling, isGreedy, branches, isScored }) => ({ sampling, isGreedy, branches, isScored }))).toEqual([
      { sampling: undefined, isGreedy: false, branches: 8, isScored: true },
      { sampling: COOL, isGreedy: false, branches: 4, isScored: true },
      // All greedy branches are alike.
      { sampling: GREEDY, isGreedy: true, branches: 1, isScored: true },
    ]);
    // The likeliest token is the same, whichever others are kept.
    const [only, ...others] = samplingGroups([...LIKELIEST.slice(0, 10), ...sampledWith({ ...GREEDY, topK: 3 }, LIKELIEST.slice(10))]);
    expect([only!.traces.length, others.length]).toEqual([20, 0]);
  });

  test('are all of the same problems', () => {
    expect(() => samplingGroups([...OWN, ...COOLER.slice(2)])).toThrow(/`traces`.*"temperature":0\.6.*none of 0, 1/);
    expect(() => samplingGroups([...OWN.slice(1), ...COOLER])).toThrow(/engine's own sampling/);
    const renumbered = COOLER.map((trace, index) => ({ ...trace, id: COOLER[(index + 1) % COOLER.length]!.id }));
    expect(samplingGroups([...OWN, ...renumbered])).toHaveLength(2);
    const swapped = COOLER.map((trace, index) => (index === 3 ? { ...trace, prompt: 'another?' } : trace));
    expect(() => samplingGroups([...OWN, ...swapped])).toThrow(/none of 3/);
  });
});

describe('a fit on several ways of sampling', () => {
  let optimizer: LatencyOptimizer;

  beforeAll(async () => {
    optimizer = await LatencyOptimizer.fit({
      traces: [...OWN, ...COOLER, ...LIKELIEST],
      profile: PROFILE,
      acceptance: [0.8],
      branches: [1, 2, 4, 8],
      draftLengths: [0],
      replicas: 1,
      deadlines: 8,
    });
  });

  test('takes the likeliest text where there is time for one, and a better choice where there is time for several', () => {
    const { candidates, branchMs } = optimizer.fitted;
    const single = optimizer.solve({ deadlineMs: 3 * branchMs, parallelism: 'drafts' });
    expect(single.spec).toMatchObject({ branches: 1, sampling: GREEDY });
    expect(single.predicted.accuracy).toBeCloseTo(0.9, 5);
    const unhurried = optimizer.solve({ deadlineMs: Infinity });
    expect(unhurried.predicted.accuracy).toBeGreaterThanOrEqual(0.9);
    // Of each way no more branches than were recorded.
    const most = (temperature: number | undefined): number =>
      Math.max(...candidates.filter(({ spec }) => spec.sampling?.temperature === temperature).map(({ spec }) => spec.branches));
    expect(most(0.6)).toBeLessThanOrEqual(4);
    expect(most(0)).toBe(1);
  });

  test('needs none that was left to the engine', async () => {
    const traces = [...COOLER.slice(0, 6), ...LIKELIEST.slice(0, 6)];
    const { fitted } = await LatencyOptimizer.fit({ traces, profile: PROFILE, branches: [1, 4], draftLengths: [0], replicas: 1, deadlines: 3 });
    expect(fitted.candidates.every(({ spec }) => spec.sampling)).toBe(true);
    expect(fitted.candidates.some(({ spec }) => spec.strategy === 'weighted-vote')).toBe(true);
  });

  test('compares with what a whole branch, however sampled, would do for its tokens', () => {
    // Greedy branches are a little longer than others: a budget must not leave them out.
    const hurried = optimizer.solve({ deadlineMs: optimizer.fitted.branchMs, parallelism: 'drafts' });
    expect(hurried.explain().computeOptimal.spec).toMatchObject({ branches: 1, sampling: GREEDY, draftLength: 0 });
  });

  test('keeps how its plans sample when it is saved, and their names tell', () => {
    const loaded = LatencyOptimizer.load(JSON.parse(JSON.stringify(optimizer)));
    const { spec } = loaded.solve({ deadlineMs: 3 * loaded.fitted.branchMs, parallelism: 'drafts' });
    expect(spec.sampling).toEqual(GREEDY);
    const names = loaded.fitted.candidates.map(({ spec: each }) => String(loaded.planOf(each, { deadlineMs: 100 })));
    expect(new Set(names).size).toBe(names.length);
    expect(names.some((name) => name.includes('temperature 0.6 top-p 0.9'))).toBe(true);
  });
});

test('a plan on a model samples as its traces were, over what the caller says', async () => {
  const problems = Array.from({ length: 6 }, (_, index) => ({ id: String(index), prompt: 'how many?'.repeat(1 + index), reference: '42' }));
  const traces: ProblemTrace[] = [];
  for (const sampling of [{ temperature: 1 }, GREEDY]) {
    const clock = new SimulatedClock();
    const recording = { engine: await openSimulatedSolver(clock), problems, branches: 4, sampling, clock };
    for await (const trace of recordTraces(recording)) traces.push(trace);
  }
  // Greedy branches are all alike, so one is recorded.
  expect(traces.map(({ branches }) => branches.length)).toEqual([...problems.map(() => 4), ...problems.map(() => 1)]);
  // The solver's likeliest text is right.
  const optimizer = await LatencyOptimizer.fit({ traces, profile: { ...PROFILE, parts: ['target', 'prefill'] }, branches: [1, 2], replicas: 1, deadlines: 4 });
  const plan = optimizer.solve({ deadlineMs: Infinity });
  expect(plan.spec).toMatchObject({ branches: 1, sampling: GREEDY });
  const clock = new SimulatedClock();
  for (const seed of [1, 2, 3]) {
    const { text } = await plan.run({ engine: await openSimulatedSolver(clock), prompt: 'how many?', sampling: { temperature: 1, topK: 3 }, seed, clock });
    expect(text).toBe('a...\n#### 42');
  }
});

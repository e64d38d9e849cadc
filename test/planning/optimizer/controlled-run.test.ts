import { describe, expect, test } from 'vitest';
import type { RunEventMap } from '../../../src/contracts/event.ts';
import type { ProblemTrace } from '../../../src/contracts/trace.ts';
import { ReplayBank } from '../../../src/engines/replay/replay-bank.ts';
import { ReplayEngine } from '../../../src/engines/replay/replay-engine.ts';
import { LatencyOptimizer } from '../../../src/planning/optimizer/latency-optimizer.ts';
import { InvalidOptionError } from '../../../src/errors.ts';
import { measureCandidate } from '../../../src/planning/optimizer/measure-candidate.ts';
import { runSpec, type ControlledRun } from '../../../src/planning/control/run-spec.ts';
import { samplingGroups } from '../../../src/planning/optimizer/sampling-groups.ts';
import { knowledgeOf } from '../../../src/planning/optimizer/trace-facts.ts';
import type { PlanSpec } from '../../../src/planning/optimizer/plan-spec.ts';
import { RunEvents } from '../../../src/runtime/run-events.ts';
import { SimulatedClock } from '../../../src/runtime/simulated-clock.ts';
import { inventTraces, PROFILE } from './recorded-problems.ts';

/** Rows cost much here: a batch of half the size is nearly twice as fast. */
const DEAR_ROWS = { ...PROFILE, passMs: (_: string, { rows, newTokens }: { rows: number; newTokens: number }) => 0.5 + 0.5 * rows * newTokens };

interface Occasion {
  readonly traces: readonly ProblemTrace[];
  readonly spec: PlanSpec;
  readonly deadlineMs: number;
  readonly isControlled: boolean;
  readonly slowdown?: (atMs: number) => number;
  readonly profile?: typeof PROFILE;
  readonly events?: RunEvents;
}

function run({ traces, spec, deadlineMs, isControlled, slowdown, profile = PROFILE, events }: Occasion): Promise<ControlledRun> {
  const clock = new SimulatedClock();
  const engine = new ReplayEngine({ bank: new ReplayBank(traces), profile, clock, draftLength: 0, ...(slowdown && { slowdown }) });
  const knowledge = isControlled ? knowledgeOf(samplingGroups(traces), new Map([[undefined, profile]])) : undefined;
  return runSpec({ spec, parts: {}, knowledge }, { engine, prompt: traces[0]!.prompt, clock, deadlineMs, seed: 1, ...(events && { events }) });
}

const finished = ({ result }: ControlledRun): number => result.branches.filter(({ finish, isForced }) => finish === 'end' && !isForced).length;

describe('a controlled plan', () => {
  const vote = { strategy: 'self-consistency', branches: 8, draftLength: 0, earlyDecision: 'none', answerTokens: 8 } as const;
  const traces = inventTraces({ count: 1, branches: 16, ease: () => 0.7, length: () => 40 });

  test('drops branches on a machine that slows down, so that the others finish in time', async () => {
    // 8 branches of 40 tokens need 180 ms as planned.
    const occasion = { traces, spec: vote, deadlineMs: 260, profile: DEAR_ROWS, slowdown: (atMs: number) => (atMs > 60 ? 3 : 1) };
    const heard: Parameters<RunEventMap['plan-change']>[0][] = [];
    const events = new RunEvents();
    events.on('plan-change', (event) => heard.push(event));
    const [kept, dropped] = [await run({ ...occasion, isControlled: false }), await run({ ...occasion, isControlled: true, events })];
    expect(finished(kept)).toBe(0);
    expect(finished(dropped)).toBeGreaterThan(0);
    expect(dropped.result.timing.totalMs).toBeLessThanOrEqual(260);
    expect(dropped.result.stopReason).toBe('deadline');
    expect(dropped.changes[0]).toMatchObject({ kind: 'drop-branches', from: 8 });
    expect(heard).toEqual(dropped.changes);
  });

  test('changes nothing on a machine that keeps to the plan', async () => {
    const run1 = await run({ traces, spec: vote, deadlineMs: 400, isControlled: true, profile: DEAR_ROWS });
    expect(run1.changes).toEqual([]);
    expect(finished(run1)).toBe(8);
  });

  test('launches further branches where the first disagree and time is left', async () => {
    const split = inventTraces({ count: 1, branches: 16, ease: () => 0.3 });
    const spec = { strategy: 'self-consistency', branches: 4, draftLength: 0 } as const;
    const grown = await run({ traces: split, spec, deadlineMs: 1_000, isControlled: true });
    expect(grown.changes.map(({ kind }) => kind)).toContain('add-branches');
    expect(grown.result.branches.length).toBeGreaterThan(4);
    expect(grown.result.branches.length).toBeLessThanOrEqual(8);
    const short = await run({ traces: split, spec, deadlineMs: 100, isControlled: true });
    expect(short.result.branches).toHaveLength(4);
    expect(short.result.timing.totalMs).toBeLessThanOrEqual(100);
  });

  test('ends at once where the first agree', async () => {
    const easy = inventTraces({ count: 1, branches: 16, ease: () => 1 });
    const { result, changes } = await run({
      traces: easy,
      spec: { strategy: 'self-consistency', branches: 6, draftLength: 0 },
      deadlineMs: 1_000,
      isControlled: true,
    });
    expect(changes).toEqual([]);
    expect(result.branches.filter(({ finish }) => finish === 'end')).toHaveLength(4);
    expect(result.stopReason).toBe('consensus');
  });
});

test('a candidate can be measured by running it, and takes part in the choice', async () => {
  const traces = inventTraces({ count: 12, branches: 8, ease: () => 0.7 });
  const clock = new SimulatedClock();
  const engine = new ReplayEngine({ bank: new ReplayBank(traces), profile: PROFILE, clock, draftLength: 0 });
  const spec = { strategy: 'self-consistency', branches: 7, draftLength: 0 } as const;
  const candidate = await measureCandidate(spec, { engine, problems: traces, deadlines: [40, 150], clock });
  expect(candidate).toMatchObject({ spec, source: 'measured', points: [{ deadlineMs: 40 }, { deadlineMs: 150 }, { deadlineMs: null }] });
  expect(candidate.points.at(-1)!.accuracy).toBeGreaterThan(0.8);
  const optimizer = await LatencyOptimizer.fit({
    traces,
    profile: PROFILE,
    branches: [1],
    draftLengths: [0],
    deadlines: 3,
    replicas: 1,
    measured: [candidate],
  });
  expect(optimizer.solve({ deadlineMs: 400 }).spec).toEqual(spec);
  await expect(measureCandidate(spec, { engine, problems: traces, deadlines: [], clock })).rejects.toThrow(InvalidOptionError);
});

describe('a batch under one deadline', () => {
  test('is answered in time, and hard problems are looked at again with what easy ones leave over', async () => {
    const traces = inventTraces({ count: 8, branches: 16, ease: (problem) => (problem < 6 ? 1 : 0.35) });
    const optimizer = await LatencyOptimizer.fit({
      traces,
      profile: PROFILE,
      strategies: ['self-consistency'],
      branches: [1, 2, 4, 8],
      draftLengths: [0],
      deadlines: 6,
      replicas: 1,
    });
    const clock = new SimulatedClock();
    const engine = new ReplayEngine({ bank: new ReplayBank(traces), profile: PROFILE, clock, draftLength: 0 });
    const plan = optimizer.solveBatch({ deadlineMs: 1_600, problems: 8 });
    const told: number[] = [];
    const outcomes = await plan.run({ engine, prompts: traces.map(({ prompt }) => prompt), clock, seed: 1, onResult: (index) => told.push(index) });
    expect(clock.now()).toBeLessThanOrEqual(1_600);
    expect(outcomes.slice(0, 6).map(({ result, attempts }) => [result?.answer, attempts])).toEqual(Array(6).fill(['42', 1]));
    expect(outcomes.slice(6).some(({ attempts }) => attempts > 1)).toBe(true);
    expect(told.slice(0, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('leaves out what there is no time for', async () => {
    const traces = inventTraces({ count: 4, branches: 4, ease: () => 1 });
    const optimizer = await LatencyOptimizer.fit({ traces, profile: PROFILE, branches: [1, 2], draftLengths: [0], deadlines: 4, replicas: 1 });
    const clock = new SimulatedClock();
    // The machine is ten times slower than planned.
    const engine = new ReplayEngine({ bank: new ReplayBank(traces), profile: PROFILE, clock, draftLength: 0, slowdown: () => 10 });
    const outcomes = await optimizer.solveBatch({ deadlineMs: 400, problems: 4 }).run({ engine, prompts: traces.map(({ prompt }) => prompt), clock });
    expect(outcomes).toHaveLength(4);
    expect(outcomes.some(({ result }) => result === undefined || result.stopReason === 'deadline')).toBe(true);
    expect(clock.now()).toBeLessThanOrEqual(440);
  });
});

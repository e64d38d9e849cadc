/** A replay of what a model wrote is what the model would do: the same reports at the same times. */
import { describe, expect, test } from 'vitest';
import type { Branch, SamplingOptions, Session } from '../../../src/contracts/engine.ts';
import type { LatencyProfile } from '../../../src/contracts/profile.ts';
import type { Strategy } from '../../../src/contracts/strategy.ts';
import type { StrategyResult } from '../../../src/contracts/result.ts';
import type { ProblemTrace } from '../../../src/contracts/trace.ts';
import { InvalidOptionError, NoCandidateError, NotRecordedError } from '../../../src/errors.ts';
import { ReplayBank } from '../../../src/engines/replay/replay-bank.ts';
import { ReplayEngine } from '../../../src/engines/replay/replay-engine.ts';
import { seedFor } from '../../../src/maths/seed-for.ts';
import { recordTraces } from '../../../src/planning/traces/record-traces.ts';
import { SimulatedClock } from '../../../src/runtime/simulated-clock.ts';
import { FirstFinish } from '../../../src/strategies/first-finish.ts';
import { SelfConsistency } from '../../../src/strategies/self-consistency.ts';
import { openSimulatedSolver } from '../../strategies/solver.ts';

const PROMPT = 'how many?';
/** Of the problem `a` under the recording's seed. */
const SEED = seedFor(3, 'a');
/** What the scripted solver's passes take. */
const PROFILE: LatencyProfile = { label: 'scripted', parts: ['target', 'prefill'], passMs: () => 10, spread: () => 1, requestMs: 0 };

async function recorded(branches: number): Promise<ProblemTrace> {
  const clock = new SimulatedClock();
  const options = {
    engine: await openSimulatedSolver(clock),
    problems: [{ id: 'a', prompt: PROMPT, reference: '42' }],
    branches,
    seed: 3,
    probes: { everyTokens: 1 },
    clock,
  };
  for await (const trace of recordTraces(options)) return trace;
  throw new Error('Nothing was recorded.');
}

async function live(strategy: Strategy, deadlineMs: number): Promise<StrategyResult | undefined> {
  const clock = new SimulatedClock();
  const engine = await openSimulatedSolver(clock);
  return orNothing(strategy.run({ engine, prompt: PROMPT, seed: SEED, clock, deadlineMs }));
}

async function replayed(trace: ProblemTrace, strategy: Strategy, deadlineMs: number): Promise<StrategyResult | undefined> {
  const clock = new SimulatedClock();
  const engine = new ReplayEngine({ bank: new ReplayBank([trace]), profile: PROFILE, clock });
  return orNothing(strategy.run({ engine, prompt: PROMPT, seed: SEED, clock, deadlineMs }));
}

async function orNothing(run: Promise<StrategyResult>): Promise<StrategyResult | undefined> {
  return run.catch((error: unknown) => {
    if (error instanceof NoCandidateError) return undefined;
    throw error;
  });
}

describe('a prompt that was recorded in several ways', () => {
  const GREEDY = { temperature: 0 };
  const open = async (traces: readonly ProblemTrace[], sampling?: SamplingOptions): Promise<Session> => {
    const clock = new SimulatedClock();
    return new ReplayEngine({ bank: new ReplayBank(traces), profile: PROFILE, clock }).open(PROMPT, { clock, seed: SEED, ...(sampling && { sampling }) });
  };

  test('is played as its session, and each of its branches, is sampled', async () => {
    const all = await recorded(5);
    const own = { ...all, branches: all.branches.slice(0, 3) };
    const greedy = { ...all, sampling: GREEDY, branches: all.branches.slice(4) };
    expect(own.branches.map(({ text }) => text)).not.toContain(greedy.branches[0]!.text);
    const textsOf = async (branches: readonly Branch[]): Promise<string[]> => {
      await Promise.all(branches.map((branch) => branch.advance()));
      return branches.map(({ text }) => text);
    };
    const session = await open([own, greedy]);
    expect(await textsOf([...session.branch(1), ...session.branch(1, { sampling: { ...GREEDY, topK: 2 } }), ...session.branch(2)])).toEqual(
      [own.branches[0]!, greedy.branches[0]!, own.branches[1]!, own.branches[2]!].map(({ text }) => text),
    );
    expect(await textsOf((await open([own, greedy], GREEDY)).branch(1))).toEqual([greedy.branches[0]!.text]);
    // What was recorded in one way only is played whatever is asked for.
    expect(await textsOf((await open([own], GREEDY)).branch(1))).toEqual([own.branches[0]!.text]);
  });

  test('names the ways there are, and the one that was asked for', async () => {
    const [own, greedy] = [await recorded(1), { ...(await recorded(1)), sampling: GREEDY }];
    await expect(open([own, greedy], { temperature: 2 })).rejects.toThrow(/\{\} or \{"temperature":0\}.*\{"temperature":2\}.*Record/s);
    const session = await open([own, greedy]);
    expect(() => session.branch(1, { sampling: { topK: 1 } })).toThrow(NotRecordedError);
    expect(() => session.branch(1, { sampling: { temperature: -1 } })).toThrow(InvalidOptionError);
    expect(() => session.branch(2, { sampling: GREEDY })).toThrow(/2 recorded branches/);
    expect(() => new ReplayBank([greedy, { ...greedy, sampling: { temperature: 0, topP: 0.5 } }])).toThrow(/sampled alike/);
  });
});

/** Traces keep log-probabilities to four places. */
function rounded(result: StrategyResult | undefined): unknown {
  return result && { ...result, branches: result.branches.map((report) => ({ ...report, meanLogprob: report.meanLogprob?.toFixed(3) })) };
}

describe('a replay', () => {
  const strategies: readonly (readonly [string, () => Strategy])[] = [
    ['self-consistency without forced answers', () => new SelfConsistency({ branches: 6, forcedAnswer: false })],
    ['self-consistency, waiting for all', () => new SelfConsistency({ branches: 6, earlyDecision: 'none', forcedAnswer: false })],
    ['self-consistency, in windows', () => new SelfConsistency({ branches: 6, launch: 'windows', forcedAnswer: false })],
    ['a limit of tokens', () => new SelfConsistency({ branches: 4, maxTokens: 9, forcedAnswer: false })],
    ['answers asked for at the deadline', () => new SelfConsistency({ branches: 6 })],
    ['answers asked for at a limit of tokens', () => new SelfConsistency({ branches: 6, maxTokens: 11 })],
    ['first finish', () => new FirstFinish({ branches: 6, finishers: 2, forcedAnswer: false })],
  ];

  test.each(strategies)('gives what the model gives: %s', async (_, make) => {
    const trace = await recorded(6);
    for (const deadlineMs of [50, 90, 130, 170, 205, 300, Infinity]) {
      const expected = await live(make(), deadlineMs);
      const actual = await replayed(trace, make(), deadlineMs);
      expect(rounded(actual)).toEqual(rounded(expected));
    }
  });

  test('accepts drafts at the recorded rates, and takes less time for it', async () => {
    const trace = await recorded(6);
    const run = async (draftLength: number | 'adaptive', acceptance: readonly number[]): Promise<StrategyResult> => {
      const clock = new SimulatedClock();
      const engine = new ReplayEngine({
        bank: new ReplayBank([trace]),
        profile: { ...PROFILE, parts: ['target', 'prefill', 'draft'], passMs: costs },
        clock,
        draftLength,
        acceptance,
      });
      return new SelfConsistency({ branches: 6, earlyDecision: 'none' }).run({ engine, prompt: PROMPT, seed: 3, clock });
    };
    const costs = (part: string): number => (part === 'draft' ? 1 : 10);
    const [plain, none, all, adaptive] = [await run(0, []), await run(4, [0]), await run(4, [1]), await run('adaptive', [1])];
    expect([none, all, adaptive].map(({ branches }) => branches.map(({ text }) => text))).toEqual(Array(3).fill(plain.branches.map(({ text }) => text)));
    expect(none.usage.speculation!.accepted).toBe(0);
    expect(all.usage.speculation!.accepted).toBe(all.usage.speculation!.proposed);
    expect(none.timing.totalMs).toBeGreaterThan(plain.timing.totalMs);
    expect(all.timing.totalMs).toBeLessThan(plain.timing.totalMs / 2);
    expect(adaptive.timing.totalMs).toBeLessThan(all.timing.totalMs);
    // A session that asks for no drafts gets none.
    expect(plain.usage.speculation).toBeUndefined();
  });

  test('shuffles branches by the seed, the same for every strategy', async () => {
    const trace = await recorded(6);
    const texts = async (strategy: Strategy, seed: number): Promise<string[]> => {
      const clock = new SimulatedClock();
      const engine = new ReplayEngine({ bank: new ReplayBank([trace]), profile: PROFILE, clock });
      return (await strategy.run({ engine, prompt: PROMPT, seed, clock })).branches.map(({ text }) => text);
    };
    const all = new SelfConsistency({ branches: 6, earlyDecision: 'none' });
    const few = new SelfConsistency({ branches: 2, earlyDecision: 'none' });
    expect((await texts(all, 8)).sort()).toEqual((await texts(all, 3)).sort());
    expect(await texts(all, 8)).not.toEqual(await texts(all, 9));
    expect(await texts(few, 8)).toEqual((await texts(all, 8)).slice(0, 2));
  });

  test('refuses what was not recorded', async () => {
    const trace = await recorded(2);
    const clock = new SimulatedClock();
    const engine = new ReplayEngine({ bank: new ReplayBank([trace]), profile: PROFILE, clock });
    await expect(engine.open('other?', { clock })).rejects.toThrow(NotRecordedError);
    await expect(engine.open(PROMPT, {})).rejects.toThrow(InvalidOptionError);
    const session = await engine.open(PROMPT, { clock });
    expect(() => session.branch(3)).toThrow(NotRecordedError);
    const [branch] = session.branch(1) as [Branch];
    await branch.advance({ until: { tokens: 2 } });
    const fork = branch.fork();
    await expect(fork.advance()).rejects.toThrow(NotRecordedError);
    await fork.force('\n#### ');
    expect((await fork.advance()).text).toMatch(/^\d+$/);
    await branch.force(' wait');
    await expect(branch.advance()).rejects.toThrow(NotRecordedError);
  });
});

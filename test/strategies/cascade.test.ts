import { describe, expect, test } from 'vitest';
import type { StrategyRequest } from '../../src/contracts/strategy.ts';
import { InvalidOptionError, ModelError, NoCandidateError } from '../../src/errors.ts';
import { cascade, type CascadeOptions, type CascadeStage } from '../../src/strategies/cascade.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { scripted, vote, type Script } from './scripted-strategy.ts';
import { openSolver } from './solver.ts';
import { runLogged, runOn, settle } from './strategy-laws.ts';

function run(stages: readonly (CascadeStage | Script | Error)[], options?: CascadeOptions, fields: Partial<StrategyRequest> = {}) {
  const built = stages.map((stage) => ('strategy' in stage ? stage : { strategy: scripted(stage) }));
  return runOn({}, cascade(built, options), fields);
}

describe('escalation', () => {
  test('ends with the first stage that is sure', async () => {
    const { stages, answer, confidence, stopReason } = await run([vote('7', '7', '7', '8'), vote('9')], { confidence: 0.75 });
    expect(stages).toHaveLength(1);
    expect([answer, confidence, stopReason]).toEqual(['7', 0.75, 'completed']);
  });

  test('goes on while unsure, and no further than there are stages', async () => {
    const { stages } = await run([vote('7', '8'), vote('7', '8'), vote('7', '8')]);
    expect(stages).toHaveLength(3);
  });

  test('goes on from a stage that is sure of having no answer', async () => {
    const { stages, answer } = await run([{ answers: [undefined], confidence: 1 }, vote('7')]);
    expect([stages.length, answer]).toEqual([2, '7']);
  });

  test('runs a stage on its own engine and the others on that of the request', async () => {
    const { engine } = await openSolver();
    const requests: StrategyRequest[] = [];
    const stage = (on?: typeof engine): CascadeStage => ({ strategy: scripted(vote('1', '2'), requests), ...(on && { engine: on }) });
    const other = { ...engine, name: 'another engine' };
    await run([stage(), stage(other), stage()]);
    expect(requests.map((request) => request.engine.name)).toEqual([engine.name, 'another engine', engine.name]);
  });

  test('gives every stage its own seed, the first one that of the run', async () => {
    const requests: StrategyRequest[] = [];
    const stage = { strategy: scripted(vote('1', '2'), requests) };
    await run([stage, stage, stage], {}, { seed: 41 });
    const seeds = requests.map(({ seed }) => seed!);
    expect(seeds[0]).toBe(41);
    expect(new Set(seeds).size).toBe(3);
    const nested: StrategyRequest[] = [];
    const inner = { strategy: scripted(vote('1', '2'), nested) };
    await run([{ strategy: cascade([inner, inner]) }, inner], {}, { seed: 41 });
    expect(new Set(nested.map(({ seed }) => seed)).size).toBe(3);
  });
});

describe('time', () => {
  test('a stage has what the stages before it left, or its share of that', async () => {
    const requests: StrategyRequest[] = [];
    const script = { ...vote('1', '2'), tookMs: 100 };
    const strategy = scripted(script, requests);
    const { timing } = await run([{ strategy, deadlineShare: 0.25 }, { strategy }, { strategy, deadlineShare: 0.5 }], {}, { deadlineMs: 1000 });
    expect(requests.map(({ deadlineMs }) => deadlineMs)).toEqual([250, 900, 400]);
    expect(timing).toEqual({ totalMs: 300, openMs: 0, deadlineMs: 1000 });
  });

  test('a stage that needs more than is left is not started, and the result says that time was short', async () => {
    const late = { strategy: scripted(vote('9', '9', '9')), minMs: 901 };
    const first = { ...vote('1', '2'), tookMs: 100 };
    const { stages, stopReason, answer } = await run([first, late], {}, { deadlineMs: 1000 });
    expect([stages.length, stopReason, answer]).toEqual([1, 'deadline', '1']);
    const inTime = await run([first, { ...late, minMs: 900 }], {}, { deadlineMs: 1000 });
    expect([inTime.stages.length, inTime.stopReason, inTime.answer]).toEqual([2, 'completed', '9']);
  });

  test('a stage is started with less when there is no answer yet', async () => {
    const { answer } = await run([new NoCandidateError('completed', []), { strategy: scripted(vote('9')), minMs: 1e6 }], {}, { deadlineMs: 100 });
    expect(answer).toBe('9');
  });

  test('no stage is started at the deadline', async () => {
    const { stages, stopReason } = await run([{ ...vote('1', '2'), tookMs: 100 }, vote('9')], {}, { deadlineMs: 100 });
    expect([stages.length, stopReason]).toEqual([1, 'deadline']);
  });
});

describe('what the stages come to', () => {
  test('is the vote of all branches where each stage takes a vote', async () => {
    const { answer, confidence, text } = await run([vote('7', '8', '7'), vote('8', '8', '9')], { confidence: 0.9 });
    expect([answer, text]).toEqual(['8', 'chose 8']);
    expect(confidence).toBeCloseTo(3 / 6);
  });

  test('goes to the answer that came first when votes are equal, whatever rounding makes of thirds', async () => {
    for (const first of [
      ['1', '2'],
      ['2', '1'],
    ]) {
      const { answer } = await run([vote('5', '6', '7', ...first, '3', '4'), vote('5', '6', '7', ...first, '3', '4')]);
      expect(answer).toBe('5');
    }
    expect((await run([vote('a', 'b', 'b'), vote('a', 'a', 'b')])).answer).toBe('a');
    // 49 · (1/49) is not 1.
    expect((await run([vote(...Array.from({ length: 49 }, (_, index) => String(index)))])).answer).toBe('0');
  });

  test('trusts a selection by score as far as the stage does', async () => {
    // One of four branches was chosen, with the weight of nine tenths.
    const chosen: Script = { answers: ['1', '1', '1', '2'], answer: '2', confidence: 0.9 };
    const { answer, confidence, text } = await run([vote('1', '3'), chosen], { confidence: 0.95 });
    expect([answer, text]).toEqual(['2', 'chose 2']);
    expect(confidence).toBeCloseTo(3.6 / 6);
  });

  test('counts votes of a stage by its weight', async () => {
    const strong = { strategy: scripted(vote('2')), weight: 4 };
    expect((await run([vote('1', '1', '3', '4'), strong])).answer).toBe('2');
    expect((await run([vote('1', '1', '3', '4'), { ...strong, weight: 1 }])).answer).toBe('1');
  });

  test('joins answers that are the same by one’s own rule', async () => {
    const isSame = (left: string, right: string): boolean => Number(left) === Number(right);
    const second: Script = { answers: ['1', '2', '1.00'], answer: '1', confidence: 2 / 3 };
    const { answer, confidence } = await run([vote('1.0', '2', '3'), second], { isSame, confidence: 1 });
    expect(answer).toBe('1.0');
    expect(confidence).toBeCloseTo(3 / 6);
  });

  test('is what the latest stage with an answer says where that is wanted', async () => {
    const last = { merge: 'last' } as const;
    expect((await run([vote('1', '1', '2'), vote('2', '3', '3', '4')], last)).answer).toBe('3');
    expect(await run([vote('1', '2'), { answers: [undefined], confidence: 0 }], last)).toMatchObject({ answer: '1', confidence: 0.5 });
    expect(await run([vote('1', '2'), new ModelError('the large model is not there')], last)).toMatchObject({ answer: '1' });
  });

  test('keeps all branches, numbered on, with the times of the whole run', async () => {
    const { branches, usage, stages } = await run([
      { ...vote('1', '2'), tookMs: 50 },
      { ...vote('3', '4'), tookMs: 5 },
    ]);
    expect(branches.map(({ branch, answer }) => [branch, answer])).toEqual([
      [0, '1'],
      [1, '2'],
      [2, '3'],
      [3, '4'],
    ]);
    expect(branches.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [0, 1],
      [0, 1],
      [50, 51],
      [50, 51],
    ]);
    expect(stages.map(({ firstBranch, startMs, endMs }) => [firstBranch, startMs, endMs])).toEqual([
      [0, 0, 50],
      [2, 50, 55],
    ]);
    expect(usage).toEqual({ promptTokens: 2, completionTokens: 20, forcedTokens: 4, forwardCount: 10 });
  });
});

describe('failures', () => {
  test('a stage that fails sinks nothing, and is told', async () => {
    const error = new ModelError('out of memory');
    const { answer, stages } = await run([vote('1', '2'), error, vote('2')]);
    expect(answer).toBe('2');
    expect(stages.map((stage) => stage.error)).toEqual([undefined, error, undefined]);
  });

  test('a wrong option of a stage is the caller’s to know', async () => {
    await expect(run([vote('1', '2'), new InvalidOptionError('prompt', 'shorter', 1)])).rejects.toThrow(InvalidOptionError);
  });

  test('when every stage fails the error has what happened in each', async () => {
    const faults = [new Error('one'), new Error('two')];
    const { outcome } = await settle({}, cascade(faults.map((fault) => ({ strategy: scripted(new NoCandidateError('completed', [fault])) }))), {});
    expect(outcome).toMatchObject({ status: 'rejected', reason: { errors: faults, stopReason: 'completed' } });
  });
});

test('listeners hear of one run whose branches are numbered on', async () => {
  const stage = { strategy: new SelfConsistency({ branches: 3, extract: () => undefined }) };
  const { log, result } = await runLogged({}, cascade([stage, stage]), {});
  const names = log.map(({ name }) => name);
  expect(names.filter((name) => name === 'run-start' || name === 'run-end')).toEqual(['run-start', 'run-end']);
  expect(result.branches.map(({ branch }) => branch)).toEqual([0, 1, 2, 3, 4, 5]);
  const deltas = log.flatMap(({ name, event }) => (name === 'branch-delta' ? [(event as unknown as { branch: number }).branch] : []));
  expect(Math.max(...deltas)).toBe(5);
});

test('the first stage alone is what it would be without the cascade', async () => {
  const alone = await runOn({}, new SelfConsistency({ branches: 4 }), { seed: 9 });
  const { stages, ...result } = await runOn({}, cascade([{ strategy: new SelfConsistency({ branches: 4 }) }], { confidence: 0 }), { seed: 9 });
  expect(alone).toMatchObject(result);
  expect(stages[0]!.result).toEqual(alone);
});

describe('options', () => {
  const stage = { strategy: new SelfConsistency() };
  test.each<[string, readonly CascadeStage[], CascadeOptions]>([
    ['stages', [], {}],
    ['stages[0].weight', [{ ...stage, weight: 0 }], {}],
    ['stages[1].deadlineShare', [stage, { ...stage, deadlineShare: 1.1 }], {}],
    ['stages[0].deadlineShare', [{ ...stage, deadlineShare: 0 }], {}],
    ['stages[0].minMs', [{ ...stage, minMs: -1 }], {}],
    ['confidence', [stage], { confidence: 1.5 }],
    ['merge', [stage], { merge: 'first' as 'last' }],
  ])('a wrong %s is refused where it was written', (option, stages, options) => {
    expect(() => cascade(stages, options)).toThrow(expect.objectContaining({ option }));
  });
});

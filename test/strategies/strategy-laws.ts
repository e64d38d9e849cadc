/**
 * What every Strategy keeps, as checks that throw. No test framework is involved: a test file runs each law by name.
 *
 * @module
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RunEventMap } from '../../src/contracts/event.ts';
import type { Strategy, StrategyRequest } from '../../src/contracts/strategy.ts';
import type { BranchReport, StrategyResult } from '../../src/contracts/result.ts';
import { ContextLengthError, InvalidOptionError, NoCandidateError } from '../../src/errors.ts';
import { RunEvents } from '../../src/runtime/run-events.ts';
import { openSolver, type Solver, type SolverOptions } from './solver.ts';

export interface StrategySubject {
  /** A strategy that uses several branches. */
  make(): Strategy;
  /** The branch whose text the strategy should have returned, worked out from the reports; of equals, the first. */
  chosen(reports: readonly BranchReport[]): BranchReport;
  /** Whether branches are forked and dropped by what is thought of them: what becomes of one then changes the others. @default false */
  readonly isTree?: boolean;
  /** Whether it launches, or waits for, only as many branches as it needs. @default false */
  readonly isThrifty?: boolean;
  /** Whether it runs others, each of which may have less time than the whole. @default false */
  readonly hasStages?: boolean;
  /** Which branches are the same whatever is decoded beside the run; without a deadline. @default all */
  readonly isSettled?: (report: BranchReport) => boolean;
}

export interface StrategyLaw {
  readonly name: string;
  check(subject: StrategySubject): Promise<void>;
}

const PROMPT = 'how many?';
/** Short enough to cut solutions, long enough for some of them. */
const TIGHT_MS = 205;

export const strategyLaws: readonly StrategyLaw[] = [
  {
    name: 'the same seed gives the same result, and another seed another one',
    async check({ make }) {
      for (const deadlineMs of [TIGHT_MS, Infinity]) {
        const first = await runOn({}, make(), { seed: 4, deadlineMs });
        assert.deepEqual(await runOn({}, make(), { seed: 4, deadlineMs }), first);
        const others = await Promise.all([5, 6, 7].map((seed) => runOn({}, make(), { seed, deadlineMs })));
        assert.ok(others.some((other) => textsOf(other).join() !== textsOf(first).join()));
      }
    },
  },
  {
    name: 'a run is over at most one model step after its deadline',
    async check({ make }) {
      const costs = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(costs, fc.integer({ min: 1, max: 700 }), async (stepMs, deadlineMs) => {
          const solver = await openSolver({ stepMs: (pass) => stepMs[pass % stepMs.length]! });
          const startedAt = solver.clock.now();
          const result = await orNothing(make().run(requestOn(solver, { deadlineMs })));
          const elapsed = solver.clock.now() - startedAt;
          assert.ok(elapsed <= deadlineMs + Math.max(...stepMs), `${elapsed} ms for ${deadlineMs} ms`);
          assert.equal(result?.timing.totalMs ?? elapsed, elapsed);
          assert.equal(solver.model.openSequences, 0);
        }),
        { seed: 5, numRuns: 60 },
      );
    },
  },
  {
    name: 'with more time no fewer branches are finished',
    async check({ make, isTree = false, isThrifty = false }) {
      for (const seed of [1, 2, 3]) {
        let before = 0;
        for (let deadlineMs = 20; deadlineMs <= (isTree ? 700 : 400); deadlineMs += 10) {
          const result = await orNothing(runOn({}, make(), { seed, deadlineMs }));
          const finished = result?.branches.filter(isFinished).length ?? 0;
          // A search may end with as many solutions as it needs, or spend its time on a better one.
          assert.ok(finished >= (isTree || isThrifty ? Math.min(before, 1) : before), `${finished} branches in ${deadlineMs} ms, ${before} in less`);
          before = finished;
        }
        assert.ok(before > (isTree || isThrifty ? 0 : 1));
      }
    },
  },
  {
    name: 'a deadline that passes while the prompt is read leaves nothing to return',
    async check({ make }) {
      for (const deadlineMs of [1, 9, 10]) {
        const { solver, outcome } = await settle({}, make(), { deadlineMs });
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof NoCandidateError, `a deadline of ${deadlineMs} ms`);
        assert.equal(outcome.reason.stopReason, 'deadline');
        assert.ok(solver.clock.now() <= 10);
        assert.equal(solver.model.openSequences, 0);
      }
    },
  },
  {
    name: 'an abort at any model step rejects with its reason and leaves nothing behind',
    async check({ make }) {
      for (const deadlineMs of [TIGHT_MS, Infinity]) {
        const total = (await settle({}, make(), { deadlineMs })).solver.passes();
        assert.ok(total > 5);
        for (let moment = 0; moment < total; moment++) {
          const controller = new AbortController();
          const reason = { aborted: `at pass ${moment}` };
          const onPass = (pass: number): void => {
            if (pass === moment) controller.abort(reason);
          };
          await expectAbort({ onPass }, make(), { deadlineMs, signal: controller.signal }, reason);
        }
      }
    },
  },
  {
    name: 'an abort from any event but the last rejects with its reason and leaves nothing behind',
    async check({ make }) {
      for (const deadlineMs of [TIGHT_MS, Infinity]) {
        const { log } = await runLogged({}, make(), { deadlineMs });
        for (let moment = 0; moment < log.length - 1; moment++) {
          const controller = new AbortController();
          const reason = { aborted: `at event ${moment}, ${log[moment]!.name}` };
          let count = 0;
          const failures: unknown[] = [];
          const events = listenToAll((_, event) => {
            if (count++ === moment) controller.abort(reason);
            if ('report' in event) failures.push((event.report as BranchReport).error);
          });
          await expectAbort({}, make(), { deadlineMs, signal: controller.signal, events }, reason);
          assert.ok(!failures.includes(reason), 'an abort was told as the failure of a branch');
        }
      }
    },
  },
  {
    name: 'a failing branch lowers the count and nothing else',
    async check({ make, isTree = false, isThrifty = false }) {
      const fault = new Error('this branch cannot be computed');
      const isCursed = (solution: string): boolean => solution.startsWith('b..') || solution.startsWith('f..');
      for (const deadlineMs of [TIGHT_MS, Infinity]) {
        let failures = 0;
        for (const seed of [1, 2, 3, 4]) {
          const healthy = await runOn({}, make(), { seed, deadlineMs });
          const { branches, text, usage } = await runOn({ fault: (solution) => (isCursed(solution) ? fault : undefined) }, make(), { seed, deadlineMs });
          if (!isTree && !isThrifty) assert.equal(branches.length, healthy.branches.length);
          for (const [index, { finish, error, text: solution }] of branches.entries()) {
            if (finish === 'failed') failures++;
            assert.equal(error, finish === 'failed' ? fault : undefined);
            if (isCursed(solution)) assert.notEqual(finish, 'end');
            else if (!isTree && isFinished(branches[index]!) && isFinished(healthy.branches[index]!)) assert.equal(solution, healthy.branches[index]!.text);
          }
          assert.ok(text.length > 0);
          assert.ok(usage.completionTokens >= sum(branches.map(sampledTokens)));
        }
        assert.ok(failures > 0, 'no branch failed');
      }
    },
  },
  {
    name: 'when every branch fails the error carries what happened to each',
    async check({ make }) {
      const fault = new Error('nothing can be computed');
      const { solver, outcome } = await settle({ fault: (solution) => (solution.length > 0 ? fault : undefined) }, make(), {});
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof NoCandidateError);
      assert.ok(outcome.reason.errors.length > 0 && outcome.reason.errors.every((error) => error === fault));
      assert.equal(outcome.reason.cause, fault);
      assert.equal(solver.model.openSequences, 0);
    },
  },
  {
    name: 'a prompt that cannot be opened rejects with the engine’s own error',
    async check({ make }) {
      const fault = new Error('unreadable');
      const { solver, outcome } = await settle({ fault: (solution) => (solution === '' ? fault : undefined) }, make(), {});
      assert.ok(outcome.status === 'rejected');
      assert.equal(outcome.reason, fault);
      assert.equal(solver.model.openSequences, 0);
      const tooLong = await settle({}, make(), { prompt: '0'.repeat(1000) });
      assert.ok(tooLong.outcome.status === 'rejected' && tooLong.outcome.reason instanceof ContextLengthError);
    },
  },
  {
    name: 'usage and times are those of the calls made',
    async check({ make }) {
      for (const deadlineMs of [TIGHT_MS, Infinity]) {
        const solver = await openSolver();
        const startedAt = solver.clock.now();
        const { branches, usage, timing } = await make().run(requestOn(solver, { deadlineMs }));
        assert.equal(usage.promptTokens, solver.promptTokens());
        assert.equal(usage.forwardCount, solver.passes());
        assert.equal(usage.completionTokens, sum(branches.map(sampledTokens)));
        assert.equal(usage.forcedTokens, sum(branches.map(({ forcedTokenCount }) => forcedTokenCount)));
        assert.deepEqual(timing, { totalMs: solver.clock.now() - startedAt, openMs: 10, deadlineMs });
        for (const { startMs, endMs, meanLogprob, tokenCount, forcedTokenCount } of branches) {
          assert.ok(startMs >= timing.openMs && endMs >= startMs && endMs <= timing.totalMs);
          assert.equal(meanLogprob === undefined, tokenCount === forcedTokenCount);
          assert.ok((meanLogprob ?? 0) <= 0);
        }
      }
    },
  },
  {
    name: 'of equal branches the first is chosen',
    async check({ make, chosen }) {
      for (let seed = 0; seed < 25; seed++) {
        for (const deadlineMs of [TIGHT_MS, Infinity]) {
          const { text, answer, branches } = await runOn({}, make(), { seed, deadlineMs });
          const expected = chosen(branches);
          assert.deepEqual([text, answer], [expected.text, expected.answer], `seed ${seed}`);
        }
      }
    },
  },
  {
    name: 'runs at once on one instance do not touch',
    async check({ make, isSettled = () => true }) {
      const strategy = make();
      const prompts = [PROMPT, 'and how many now?', PROMPT];
      const alone = await Promise.all(prompts.map((prompt, seed) => runOn({}, strategy, { prompt, seed })));
      const solver = await openSolver();
      const together = await Promise.all(prompts.map((prompt, seed) => strategy.run(requestOn(solver, { prompt, seed }))));
      const summary = (result: StrategyResult): unknown => summaryOf(result, isSettled);
      assert.deepEqual(together.map(summary), alone.map(summary));
      assert.equal(solver.model.openSequences, 0);
    },
  },
  {
    name: 'events begin with the run’s start, end with its end, and are in order of time',
    async check({ make }) {
      for (const deadlineMs of [TIGHT_MS, Infinity]) {
        const { log, result } = await runLogged({}, make(), { deadlineMs });
        assert.deepEqual(log[0], { name: 'run-start', event: { strategy: make().name, deadlineMs, atMs: 0 } });
        const { usage, timing, stopReason } = result;
        assert.deepEqual(log.at(-1), { name: 'run-end', event: { usage, timing, stopReason, atMs: timing.totalMs } });
        assert.equal(log.filter(({ name }) => name === 'run-start' || name === 'run-end').length, 2);
        for (const [index, { event }] of log.slice(1).entries()) assert.ok(event.atMs >= log[index]!.event.atMs);
        const ended = log.flatMap(({ event }) => ('report' in event ? [event.report as BranchReport] : []));
        assert.deepEqual(
          ended.sort((left, right) => left.branch - right.branch),
          result.branches,
        );
        assert.ok(log.some(({ name }) => name === 'branch-delta'));
      }
    },
  },
  {
    name: 'the stop reason says what ended the run: the deadline where it cut a branch, whatever was decided afterwards',
    async check({ make, hasStages = false, isThrifty = false }) {
      const reasons = new Set<string>();
      for (const seed of [1, 2, 3, 4]) {
        for (let deadlineMs = 60; deadlineMs <= 600; deadlineMs += 45) {
          const run = await orNothing(runLogged({}, make(), { seed, deadlineMs }));
          if (!run) continue;
          const { stopReason, branches } = run.result;
          reasons.add(stopReason);
          const isCut = run.log.some(({ name }) => name === 'deadline-reach') || branches.some(({ finish }) => finish === 'deadline');
          // A stage may be cut by its share of the time, and a later one end the run; one that waits for so many may have them.
          const isDone = (isThrifty || make().name === 'first-finish') && stopReason === 'completed';
          if (isCut && !hasStages && !isDone) assert.equal(stopReason, 'deadline', `seed ${seed}, ${deadlineMs} ms`);
          if (stopReason === 'consensus') assert.ok(branches.some(({ finish }) => finish === 'aborted') || !isCut);
        }
        const { stopReason } = await runOn({}, make(), { seed });
        assert.notEqual(stopReason, 'deadline');
      }
      assert.ok(reasons.has('deadline'), 'no deadline was tight');
    },
  },
  {
    name: 'listeners that throw are listed and end nothing',
    async check({ make }) {
      const { result: quiet } = await runLogged({}, make(), { deadlineMs: TIGHT_MS });
      const errors: Error[] = [];
      const events = listenToAll((name) => {
        errors.push(new Error(`listener of ${name}`));
        throw errors.at(-1)!;
      });
      const loud = await runOn({}, make(), { deadlineMs: TIGHT_MS, events });
      assert.ok(errors.length > 5);
      assert.deepEqual(loud.listenerErrors, errors);
      assert.deepEqual({ ...loud, listenerErrors: [] }, quiet);
    },
  },
  {
    name: 'a request that makes no sense is refused before any work',
    async check({ make }) {
      const prompts = ['', ' \n', [], [{ role: 'user', content: '' }], { text: ' ' }, undefined, null, 7, {}, [{}]];
      const wrong: object[] = [
        ...prompts.map((prompt) => ({ prompt })),
        ...[0, -1, Number.NaN, '5'].map((deadlineMs) => ({ deadlineMs })),
        ...[-1, 0.5, Number.NaN, '1'].map((seed) => ({ seed })),
        ...[undefined, {}].map((engine) => ({ engine })),
      ];
      for (const fields of wrong) {
        const { solver, outcome } = await settle({}, make(), fields);
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof InvalidOptionError, `${JSON.stringify(fields)} was not refused`);
        assert.equal(outcome.reason.option, Object.keys(fields)[0]);
        assert.equal(solver.passes(), 0);
      }
      const reason = new Error('too late');
      await expectAbort({}, make(), { signal: AbortSignal.abort(reason) }, reason, 0);
    },
  },
];

type Fields = Partial<StrategyRequest>;

function requestOn({ engine, clock }: Solver, fields: object): StrategyRequest {
  return { engine, clock, prompt: PROMPT, ...fields };
}

/** Runs on a solver of its own. */
export async function runOn<Result extends StrategyResult>(options: SolverOptions, strategy: Strategy<Result>, fields: Fields = {}): Promise<Result> {
  const solver = await openSolver(options);
  const result = await strategy.run(requestOn(solver, fields));
  assert.equal(solver.model.openSequences, 0, 'a sequence was left behind');
  return result;
}

/** A run on a solver of its own, whatever becomes of it. */
export async function settle(
  options: SolverOptions,
  strategy: Strategy,
  fields: object,
): Promise<{ readonly solver: Solver; readonly outcome: PromiseSettledResult<StrategyResult> }> {
  const solver = await openSolver(options);
  const [outcome] = await Promise.allSettled([strategy.run(requestOn(solver, fields))]);
  return { solver, outcome };
}

async function expectAbort(options: SolverOptions, strategy: Strategy, fields: Fields, reason: unknown, mostPasses = Infinity): Promise<void> {
  const { solver, outcome } = await settle(options, strategy, fields);
  assert.ok(outcome.status === 'rejected', `not rejected: ${JSON.stringify(reason)}`);
  assert.equal(outcome.reason, reason);
  const passes = solver.passes();
  assert.ok(passes <= mostPasses);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(solver.passes(), passes, 'the model went on after the run was over');
  assert.equal(solver.model.openSequences, 0, 'a sequence was left behind');
}

export interface LoggedEvent {
  readonly name: keyof RunEventMap;
  readonly event: { readonly atMs: number };
}

/** A run and its events in order. */
export async function runLogged<Result extends StrategyResult>(
  options: SolverOptions,
  strategy: Strategy<Result>,
  fields: Fields = {},
): Promise<{ readonly result: Result; readonly log: readonly LoggedEvent[] }> {
  const log: LoggedEvent[] = [];
  const events = listenToAll((name, event) => log.push({ name, event }));
  return { result: await runOn(options, strategy, { ...fields, events }), log };
}

function listenToAll(listener: (name: keyof RunEventMap, event: { readonly atMs: number }) => void): RunEvents {
  const events = new RunEvents();
  const names = ['run-start', 'branch-delta', 'branch-end', 'vote-change', 'deadline-reach', 'run-end'] as const;
  for (const name of names) events.on(name, (event: { readonly atMs: number }) => listener(name, event));
  return events;
}

/** `undefined` when there was nothing to return; any other failure is one. */
async function orNothing<Result>(run: Promise<Result>): Promise<Result | undefined> {
  try {
    return await run;
  } catch (error) {
    if (error instanceof NoCandidateError) return undefined;
    throw error;
  }
}

const textsOf = ({ branches }: StrategyResult): string[] => branches.map(({ text }) => text);

/** What does not depend on time. */
function summaryOf({ text, answer, confidence, branches }: StrategyResult, isSettled: (report: BranchReport) => boolean): unknown {
  const ended = branches.filter((report) => report.finish === 'end' && isSettled(report)).map((report) => [report.branch, report.text, report.answer]);
  return { text, answer, confidence, ended };
}

/** By itself, not by being asked for its answer. */
const isFinished = ({ finish, isForced }: BranchReport): boolean => finish === 'end' && !isForced;
const sampledTokens = ({ tokenCount, forcedTokenCount, inheritedTokenCount = 0 }: BranchReport): number => tokenCount - forcedTokenCount - inheritedTokenCount;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * What every strategy keeps whose choice rests on a scorer: a scorer that fails, is slow or never answers costs quality, and
 * neither the run nor its deadline. No test framework is involved: a test file runs each law by name.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { OutcomeScorer, ScoreOptions } from '../../src/contracts/scorer.ts';
import type { StrategyResult } from '../../src/contracts/result.ts';
import type { Strategy } from '../../src/contracts/strategy.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';
import { openSolver } from './solver.ts';
import { runOn, settle } from './strategy-laws.ts';
import { hang, lengthScore, scriptedScorer } from './text-scorers.ts';

type ScoredResult = StrategyResult & { readonly scoring?: 'complete' | 'partial' | 'none'; readonly scoringErrors: readonly unknown[] };

export interface ScoredSubject {
  make(scorer: OutcomeScorer): Strategy<ScoredResult>;
}

export interface ScorerLaw {
  readonly name: string;
  check(subject: ScoredSubject): Promise<void>;
}

/** Takes its time on the run's clock, and starts nothing it cannot end by the deadline. */
function slowScorer(costMs: number): OutcomeScorer {
  return {
    ...scriptedScorer({ estimateMs: costMs }),
    async score(_, texts, { clock, deadlineAt = Infinity } = {}) {
      if (clock!.now() + costMs > deadlineAt) return texts.map(() => undefined);
      (clock as ManualClock).advance(costMs);
      return texts.map(lengthScore);
    },
  };
}

export const scorerLaws: readonly ScorerLaw[] = [
  {
    name: 'a scorer that always fails leaves a vote and says so',
    async check({ make }) {
      const fault = new Error('no reward');
      const onCall = (): never => {
        throw fault;
      };
      for (const deadlineMs of [205, Infinity]) {
        const healthy = await runOn({}, make(scriptedScorer()), { deadlineMs });
        const { scoring, scoringErrors, answer, branches } = await runOn({}, make(scriptedScorer({ onCall })), { deadlineMs });
        assert.equal(scoring, 'none');
        assert.ok(scoringErrors.length > 0 && scoringErrors.every((error) => error === fault));
        assert.notEqual(answer, undefined);
        assert.deepEqual(
          branches.map(({ text }) => text),
          healthy.branches.map(({ text }) => text),
        );
        const votes = (of: string | undefined): number => branches.filter((report) => report.answer === of).length;
        assert.equal(votes(answer), Math.max(...branches.map((report) => (report.answer === undefined ? 0 : votes(report.answer)))));
      }
    },
  },
  {
    name: 'a scorer that fails now and then leaves a choice among the rest',
    async check({ make }) {
      let call = 0;
      const onCall = (): void => {
        if (call++ === 0) throw new Error('once');
      };
      const { scoring, scoringErrors, answer } = await runOn({}, make(scriptedScorer({ onCall })));
      assert.deepEqual([scoring, scoringErrors.length], ['partial', 1]);
      assert.notEqual(answer, undefined);
    },
  },
  {
    name: 'scores that are no numbers count as none',
    async check({ make }) {
      const { scoring, answer } = await runOn({}, make(scriptedScorer({ scoreOf: () => Number.NaN })));
      assert.equal(scoring, 'none');
      assert.notEqual(answer, undefined);
    },
  },
  {
    name: 'a scorer that never answers is told to stop, and the run ends by its deadline',
    async check({ make }) {
      const told: ScoreOptions[] = [];
      const solver = await openSolver();
      const onCall = (_: unknown, options: ScoreOptions): Promise<never> => {
        told.push(options);
        return hang(solver.clock, options);
      };
      const { scoring, answer, timing } = await make(scriptedScorer({ onCall })).run({
        engine: solver.engine,
        clock: solver.clock,
        prompt: 'how many?',
        deadlineMs: 505,
      });
      assert.equal(scoring, 'none');
      assert.notEqual(answer, undefined);
      assert.ok(timing.totalMs <= 505 + 10, `${timing.totalMs} ms`);
      assert.equal(told.length, 1);
      assert.ok(told[0]!.signal!.aborted);
      assert.equal(solver.model.openSequences, 0);
    },
  },
  {
    name: 'an abort while a scorer does not answer rejects with its reason and tells the scorer',
    async check({ make }) {
      const controller = new AbortController();
      const reason = new Error('enough');
      let options: ScoreOptions | undefined;
      const onCall = (_: unknown, given: ScoreOptions): Promise<never> => {
        options = given;
        setImmediate(() => controller.abort(reason));
        return new Promise(() => undefined);
      };
      const { solver, outcome } = await settle({}, make(scriptedScorer({ onCall })), { signal: controller.signal });
      assert.ok(outcome.status === 'rejected');
      assert.equal(outcome.reason, reason);
      assert.ok(options!.signal!.aborted);
      assert.equal(solver.model.openSequences, 0);
    },
  },
  {
    name: 'a slow scorer costs no deadline, and with more time there are scores where there were with less',
    async check({ make }) {
      for (const costMs of [15, 45]) {
        let isScored = false;
        for (let deadlineMs = 150; deadlineMs <= 900; deadlineMs += 50) {
          const { scoring, timing } = await runOn({}, make(slowScorer(costMs)), { deadlineMs });
          assert.ok(timing.totalMs <= deadlineMs + 10, `${timing.totalMs} ms for ${deadlineMs} ms`);
          assert.ok(scoring !== 'none' || !isScored, `no scores in ${deadlineMs} ms`);
          isScored ||= scoring !== 'none';
        }
        assert.equal((await runOn({}, make(slowScorer(costMs)))).scoring, 'complete');
      }
    },
  },
  {
    name: 'a scorer has one call at a time and never the same text twice',
    async check({ make }) {
      for (let seed = 0; seed < 5; seed++) {
        let isBusy = false;
        const seen: string[] = [];
        const onCall = async (texts: readonly string[]): Promise<void> => {
          assert.equal(isBusy, false);
          isBusy = true;
          seen.push(...texts);
          await new Promise((resolve) => setImmediate(resolve));
          isBusy = false;
        };
        const { branches } = await runOn({}, make(scriptedScorer({ onCall })), { seed });
        assert.equal(new Set(seen).size, seen.length);
        assert.ok(seen.length < branches.length, 'no text was written twice');
      }
    },
  },
];

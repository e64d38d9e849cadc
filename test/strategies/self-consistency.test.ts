import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BranchReport } from '../../src/contracts/result.ts';
import { InvalidOptionError, NoCandidateError } from '../../src/errors.ts';
import { SelfConsistency, type SelfConsistencyOptions, type SelfConsistencyResult } from '../../src/strategies/self-consistency.ts';
import { planOf, PLANS, solutionOf, type Plan, type SolverOptions } from './solver.ts';
import { runLogged, runOn, settle } from './strategy-laws.ts';

const MANY_SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

function solve(options: SelfConsistencyOptions, fields: { readonly deadlineMs?: number; readonly seed?: number } = {}, solver: SolverOptions = {}) {
  return runOn(solver, new SelfConsistency(options), fields);
}

/** A solver whose every branch writes the same. */
const onePlan = (plan: Plan): SolverOptions => ({ plans: [plan] });

describe('the vote', () => {
  test('the answer with most votes wins, ties go to the answer of the first branch, and confidence is its share', async () => {
    let ties = 0;
    for (const seed of MANY_SEEDS) {
      const result = await solve({ branches: 5, earlyDecision: 'none' }, { seed });
      const counts = new Map<string, number>();
      for (const { answer } of result.branches) counts.set(answer!, (counts.get(answer!) ?? 0) + 1);
      const most = Math.max(...counts.values());
      // Insertion order is the order of the branches, so the first of the leaders is the one that has to win.
      const leaders = [...counts].filter(([, votes]) => votes === most).map(([answer]) => answer);
      if (leaders.length > 1) ties++;
      expect(result.answer).toBe(leaders[0]);
      expect(result.confidence).toBe(most / 5);
      expect(result.votes[0]).toEqual({ answer: leaders[0], votes: most, voters: votersFor(result, leaders[0]!), weight: most });
      expect(result.votes.map(({ votes }) => votes)).toEqual([...counts.values()].sort((left, right) => right - left));
      expect(result.text).toBe(result.branches[result.votes[0]!.voters[0]!]!.text);
    }
    expect(ties).toBeGreaterThan(0);
  });

  test('each branch is reported with its own text and answer', async () => {
    const { branches, stopReason } = await solve({ branches: 6, earlyDecision: 'none' }, { seed: 3 });
    expect(stopReason).toBe('completed');
    expect(branches.map(({ branch }) => branch)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(new Set(branches.map(({ text }) => text)).size).toBeGreaterThan(2);
    for (const { text, answer, finish, isForced, tokenCount, forcedTokenCount } of branches) {
      expect(answer).toBe(planOf(PLANS, text).answer);
      // Every character is a token, and the end is one more.
      expect([finish, isForced, tokenCount, forcedTokenCount]).toEqual(['end', false, text.length + 1, 0]);
    }
  });

  test('answers that mean the same vote together, unless one’s own rule keeps them apart', async () => {
    const plans = ['7', 'seven', '7 in total'].map((answer, steps): Plan => ({ steps: steps + 1, answer }));
    const together = await solve({ branches: 9, earlyDecision: 'none' }, { seed: 1 }, { plans });
    expect(together.votes).toHaveLength(1);
    expect(together.confidence).toBe(1);
    const apart = await solve({ branches: 9, earlyDecision: 'none', isSame: Object.is }, { seed: 1 }, { plans });
    expect(apart.votes.length).toBeGreaterThan(1);
  });

  test('answers that are the same by one’s own rule vote together under the first one’s spelling', async () => {
    const plans = [
      { steps: 2, answer: '100' },
      { steps: 3, answer: '1' },
      { steps: 5, answer: '10' },
      { steps: 1, answer: '7' },
    ];
    const digits = (answer: string): string => answer.replace(/0+$/, '');
    const result = await solve({ branches: 9, earlyDecision: 'none', isSame: (left, right) => digits(left) === digits(right) }, { seed: 1 }, { plans });
    const ones = result.branches.filter(({ answer }) => answer !== '7');
    expect(new Set(ones.map(({ answer }) => answer)).size).toBeGreaterThan(1);
    expect(result.votes).toHaveLength(2);
    expect(result.votes.find(({ answer }) => answer !== '7')).toEqual({
      answer: ones[0]!.answer,
      votes: ones.length,
      weight: ones.length,
      voters: ones.map(({ branch }) => branch),
    });
  });

  test('answers are found by one’s own extractor, and what it does not find abstains', async () => {
    // The letter of the plan, but not of plan `b`.
    const extract = (text: string): string | undefined => (text[0] === 'b' ? undefined : text[0]);
    for (const seed of [0, 1, 2, 3]) {
      const { branches, votes, confidence } = await solve({ branches: 8, earlyDecision: 'none', extract }, { seed });
      for (const { text, answer } of branches) expect(answer).toBe(extract(text));
      const voters = branches.filter(({ answer }) => answer !== undefined).length;
      expect(votes.reduce((sum, group) => sum + group.votes, 0)).toBe(voters);
      expect(confidence).toBe(votes[0]!.votes / voters);
    }
  });

  test('without any answer the longest text is returned, without confidence', async () => {
    const { text, answer, confidence, votes, branches } = await solve({ branches: 5, extract: () => undefined }, { seed: 2 });
    const longest = Math.max(...branches.map((report) => report.text.length));
    expect([answer, confidence, votes]).toEqual([undefined, 0, []]);
    expect(text).toBe(branches.find((report) => report.text.length === longest)!.text);
  });
});

function votersFor({ branches }: SelfConsistencyResult, answer: string): number[] {
  return branches.filter((report) => report.answer === answer).map(({ branch }) => branch);
}

describe('the early decision', () => {
  const somePlans = fc.array(fc.record({ steps: fc.integer({ min: 0, max: 30 }), answer: fc.constantFrom('1', '2', '3') }), { minLength: 2, maxLength: 12 });

  test('gives the answer that waiting for all gives, never later, with nobody decoding on', async () => {
    let consensuses = 0;
    await fc.assert(
      fc.asyncProperty(somePlans, fc.integer({ min: 1, max: 9 }), fc.nat(1000), async (plans, branches, seed) => {
        const early = await solve({ branches }, { seed }, { plans });
        const patient = await solve({ branches, earlyDecision: 'none' }, { seed }, { plans });
        expect(early.answer).toBe(patient.answer);
        expect(early.timing.totalMs).toBeLessThanOrEqual(patient.timing.totalMs);
        const aborted = early.branches.filter(({ finish }) => finish === 'aborted');
        expect(early.stopReason).toBe(aborted.length > 0 ? 'consensus' : 'completed');
        for (const { answer, text, branch } of aborted) {
          expect(answer).toBeUndefined();
          expect(patient.branches[branch]!.text.startsWith(text)).toBe(true);
        }
        if (aborted.length > 0) consensuses++;
        // Votes of those that finished are what they would have been.
        for (const report of early.branches) if (report.finish === 'end') expect(report.answer).toBe(patient.branches[report.branch]!.answer);
      }),
      { seed: 6, numRuns: 150 },
    );
    expect(consensuses).toBeGreaterThan(30);
  });

  test('comes as soon as no outcome of the pending votes can change the winner', async () => {
    await fc.assert(
      fc.asyncProperty(somePlans, fc.integer({ min: 2, max: 6 }), fc.nat(1000), async (plans, branches, seed) => {
        const { stopReason, branches: reports, timing } = await solve({ branches }, { seed }, { plans });
        const patient = await solve({ branches, earlyDecision: 'none' }, { seed }, { plans });
        const moments = [...new Set(patient.branches.map(({ endMs }) => endMs))].sort((left, right) => left - right);
        const decidedAt = moments.find((moment) => isSettledAt(patient.branches, moment))!;
        // One more step may have been under way.
        expect(timing.totalMs).toBeLessThanOrEqual(decidedAt + 10);
        expect(stopReason === 'consensus').toBe(reports.some(({ finish }) => finish === 'aborted'));
      }),
      { seed: 7, numRuns: 40 },
    );
  });

  /** By trying every way the branches that end after the moment could vote. */
  function isSettledAt(reports: readonly BranchReport[], moment: number): boolean {
    const pending = reports.filter(({ endMs }) => endMs > moment).map(({ branch }) => branch);
    const cast = new Map(reports.filter(({ endMs }) => endMs <= moment).map(({ branch, answer }) => [branch, answer]));
    const ballots = ['1', '2', '3', 'unheard of', undefined];
    const winners = new Set<string | undefined>();
    for (let pattern = 0; pattern < ballots.length ** pending.length; pattern++) {
      const votes = new Map(cast);
      for (const [index, branch] of pending.entries()) votes.set(branch, ballots[Math.floor(pattern / ballots.length ** index) % ballots.length]);
      winners.add(winnerOf(votes));
    }
    return winners.size === 1 && ![...winners].includes(undefined);
  }

  function winnerOf(votes: ReadonlyMap<number, string | undefined>): string | undefined {
    const inOrder = [...votes].sort(([left], [right]) => left - right).flatMap(([, answer]) => answer ?? []);
    const count = (answer: string): number => inOrder.filter((other) => other === answer).length;
    return inOrder.reduce<string | undefined>((best, answer) => (best === undefined || count(answer) > count(best) ? answer : best), undefined);
  }
});

describe('the deadline', () => {
  const long: Plan = { steps: 100, answer: '42' };

  test('an unfinished branch is asked for its answer in time', async () => {
    const { answer, text, branches, stopReason, timing, usage } = await solve({ branches: 3 }, { deadlineMs: 500 }, onePlan(long));
    expect([answer, stopReason]).toEqual(['42', 'deadline']);
    expect(timing.totalMs).toBeLessThanOrEqual(500);
    expect(text).toMatch(/^a\.+\n#### 42$/);
    for (const { finish, isForced, forcedTokenCount } of branches) expect([finish, isForced, forcedTokenCount]).toEqual(['end', true, '\n#### '.length]);
    expect(usage.forcedTokens).toBe(3 * '\n#### '.length);
  });

  test('the announcement, the length and the end of a forced answer can be chosen', async () => {
    const forcedAnswer = { suffix: '\n#### 9', maxTokens: 3, stop: ['7'] };
    const plan = { steps: 100, answer: '9876' };
    const { branches, answer } = await solve({ branches: 1, forcedAnswer }, { deadlineMs: 400 }, onePlan(plan));
    expect(branches[0]).toMatchObject({ finish: 'stop', forcedTokenCount: '\n#### 9'.length });
    expect(branches[0]!.text).toMatch(/\n#### 987$/);
    expect(answer).toBe('987');
    const single = await solve({ branches: 1, forcedAnswer: { maxTokens: 1 } }, { deadlineMs: 400 }, onePlan({ steps: 100, answer: '5' }));
    expect([single.answer, single.branches[0]!.finish]).toEqual(['5', 'length']);
  });

  test('steps are kept in reserve for the forced answer, no more than it may need', async () => {
    for (const maxTokens of [1, 8, 20]) {
      const { branches } = await solve({ branches: 1, forcedAnswer: { maxTokens } }, { deadlineMs: 1000 }, onePlan(long));
      const written = branches[0]!.text.indexOf('\n') - 1;
      // A thousand milliseconds are the prompt and 99 steps, and the first token takes no step.
      expect(written).toBeGreaterThanOrEqual(99 - (maxTokens + 3));
      expect(written).toBeLessThanOrEqual(99 - maxTokens);
    }
  });

  test('a branch that is cut within its answer goes on with it', async () => {
    const plan = { steps: 3, answer: '123456' };
    const whole = solutionOf([plan], 0);
    for (let deadlineMs = 150; deadlineMs <= 280; deadlineMs += 10) {
      const { branches, answer } = await solve({ branches: 1 }, { deadlineMs }, onePlan(plan));
      const [report] = branches as [BranchReport];
      expect(answer).toBe('123456');
      if (report.isForced) expect(report.text).toMatch(/\n#### 123456$/);
      else expect([report.text, report.finish]).toEqual([whole, 'end']);
    }
  });

  test('without forced answers an unfinished branch abstains, also within its answer', async () => {
    const plans = [
      { steps: 3, answer: '42' },
      { steps: 100, answer: '7' },
      { steps: 10, answer: '123456789' },
    ];
    let abstained = 0;
    let within = 0;
    for (const seed of MANY_SEEDS) {
      const { branches, votes, usage } = await solve({ branches: 6, forcedAnswer: false }, { seed, deadlineMs: 230 }, { plans });
      expect(usage.forcedTokens).toBe(0);
      for (const { finish, answer, isForced, text } of branches) {
        expect(isForced).toBe(false);
        if (finish !== 'deadline') continue;
        expect(answer).toBeUndefined();
        abstained++;
        if (/#### \d/.test(text)) within++;
      }
      if (votes.length > 0) expect(votes.map(({ answer }) => answer)).toEqual(['42']);
    }
    expect(abstained).toBeGreaterThan(0);
    expect(within).toBeGreaterThan(0);
  });

  test('an answer that an unfinished branch has written out counts', async () => {
    // Its own extractor takes the first dot for an answer, which further text does not change.
    const extractUnfinished = (text: string): string | undefined => (text.includes('.') ? 'dotted' : undefined);
    const { branches, answer, usage } = await solve({ branches: 2, extractUnfinished }, { deadlineMs: 300 }, onePlan(long));
    expect(answer).toBe('dotted');
    expect(branches.map(({ finish, isForced }) => [finish, isForced])).toEqual([
      ['deadline', false],
      ['deadline', false],
    ]);
    expect(usage.forcedTokens).toBe(0);
  });

  test('finished and forced branches vote alike', async () => {
    const plans = [
      { steps: 2, answer: '1' },
      { steps: 100, answer: '2' },
    ];
    let isMixed = false;
    for (const seed of MANY_SEEDS) {
      const { branches, answer } = await solve({ branches: 5 }, { seed, deadlineMs: 400 }, { plans });
      for (const report of branches) if (report.finish !== 'aborted') expect(report.answer).toBe(planOf(plans, report.text).answer);
      if (answer === '2') isMixed ||= branches.some((report) => report.answer === '1' && !report.isForced);
    }
    expect(isMixed).toBe(true);
  });

  test('when there is no time for a single token nothing can be returned', async () => {
    for (const forcedAnswer of [false, {}] as const) {
      const { outcome } = await settle({}, new SelfConsistency({ forcedAnswer }), { deadlineMs: 10 });
      expect(outcome).toMatchObject({ status: 'rejected', reason: { stopReason: 'deadline', errors: [] } });
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(NoCandidateError);
    }
  });

  test('a passed deadline is told once, when it cuts the first branch, with those that are unfinished then', async () => {
    const plans = [
      { steps: 2, answer: '1' },
      { steps: 100, answer: '2' },
    ];
    const { log, result } = await runLogged({ plans }, new SelfConsistency({ branches: 5, earlyDecision: 'none' }), { seed: 2, deadlineMs: 400 });
    const cut = result.branches.filter(({ isForced }) => isForced).map(({ branch }) => branch);
    expect(cut.length).toBeGreaterThan(0);
    expect(cut.length).toBeLessThan(5);
    expect(log.filter(({ name }) => name === 'deadline-reach')).toMatchObject([{ event: { unfinished: cut } }]);
    const told = log.findIndex(({ name }) => name === 'deadline-reach');
    const endedBefore = log.slice(0, told).flatMap(({ event }) => ('report' in event ? [(event.report as BranchReport).branch] : []));
    expect(endedBefore.sort()).toEqual(result.branches.filter(({ isForced }) => !isForced).map(({ branch }) => branch));
    // The forced answer is decoded after the cut: at least its announcement is a step of 10 ms.
    expect(log[told]!.event.atMs).toBeLessThanOrEqual(result.timing.totalMs - 10);
  });

  test('a deadline that passes while an answer is forced at the token limit is told too', async () => {
    // Slow from where the limit has been reached.
    const solver = { ...onePlan({ steps: 50, answer: '123456' }), stepMs: (pass: number) => (pass < 10 ? 1 : 100) };
    const { log, result } = await runLogged(solver, new SelfConsistency({ branches: 1, maxTokens: 10 }), { deadlineMs: 60 });
    expect([result.stopReason, result.branches[0]!.finish]).toEqual(['deadline', 'deadline']);
    expect(log.filter(({ name }) => name === 'deadline-reach')).toMatchObject([{ event: { unfinished: [0] } }]);
  });
});

describe('the token limit', () => {
  test('a branch at its limit is asked for its answer, and that is no deadline', async () => {
    const { answer, branches, stopReason } = await solve({ branches: 2, maxTokens: 10 }, {}, onePlan({ steps: 50, answer: '8' }));
    expect([answer, stopReason]).toEqual(['8', 'completed']);
    for (const { text, isForced } of branches) expect([text, isForced]).toEqual([`a${'.'.repeat(9)}\n#### 8`, true]);
  });

  test('without forced answers a branch at its limit abstains', async () => {
    const { answer, branches } = await solve({ branches: 2, maxTokens: 10, forcedAnswer: false }, {}, onePlan({ steps: 50, answer: '8' }));
    expect(answer).toBeUndefined();
    for (const { text, finish, tokenCount } of branches) expect([text, finish, tokenCount]).toEqual([`a${'.'.repeat(9)}`, 'length', 10]);
  });

  test('a solution within its limit is not touched by it', async () => {
    const plan = { steps: 2, answer: '8' };
    const { branches } = await solve({ branches: 1, maxTokens: 30 }, {}, onePlan(plan));
    expect(branches[0]).toMatchObject({ text: solutionOf([plan], 0), finish: 'end', isForced: false });
  });
});

describe('events', () => {
  test('votes are told when the leader or its votes change', async () => {
    const { log, result } = await runLogged({}, new SelfConsistency({ branches: 6, earlyDecision: 'none' }), { seed: 5 });
    const reports: BranchReport[] = [];
    const told: unknown[] = [];
    const expected: unknown[] = [];
    let before = '';
    for (const { name, event } of log) {
      if (name === 'vote-change') told.push(event);
      if (!('report' in event)) continue;
      reports.push(event.report as BranchReport);
      const [leader] = leadersOf(reports);
      const now = `${leader!.answer} ${leader!.votes}`;
      if (now !== before) expected.push({ ...leader, of: 6, atMs: event.atMs });
      before = now;
    }
    expect(told).toEqual(expected);
    expect(told.length).toBeGreaterThan(2);
    expect(told.at(-1)).toMatchObject({ answer: result.answer, votes: result.votes[0]!.votes });
  });

  function leadersOf(reports: readonly BranchReport[]): { answer: string; votes: number }[] {
    const inOrder = [...reports].sort((left, right) => left.branch - right.branch);
    const answers = [...new Set(inOrder.map(({ answer }) => answer!))];
    return answers
      .map((answer) => ({ answer, votes: reports.filter((report) => report.answer === answer).length }))
      .sort((left, right) => right.votes - left.votes);
  }

  test('a branch is told of as it grows, no faster than asked', async () => {
    const { log, result } = await runLogged({}, new SelfConsistency({ branches: 2, earlyDecision: 'none' }), { seed: 1 });
    const deltas = log.flatMap(({ name, event }) =>
      name === 'branch-delta' ? [event as unknown as { branch: number; text: string; tokenCount: number }] : [],
    );
    for (const { branch, text, tokenCount } of deltas) {
      expect(result.branches[branch]!.text.startsWith(text)).toBe(true);
      expect(text).toHaveLength(tokenCount);
    }
  });

  test('a run of one branch tells its events in order', async () => {
    const { log } = await runLogged(onePlan({ steps: 20, answer: '7' }), new SelfConsistency({ branches: 1 }), { deadlineMs: 250 });
    expect(log.map(({ name }) => name).filter((name) => name !== 'branch-delta')).toEqual([
      'run-start',
      'deadline-reach',
      'branch-end',
      'vote-change',
      'run-end',
    ]);
  });
});

describe('failures', () => {
  test('failed branches abstain and confidence counts those that voted', async () => {
    const fault = new Error('cannot');
    const solver: SolverOptions = { fault: (solution) => (solution.startsWith('d.') ? fault : undefined) };
    for (const seed of MANY_SEEDS) {
      const { branches, confidence, votes } = await solve({ branches: 6, earlyDecision: 'none' }, { seed }, solver);
      const failed = branches.filter(({ finish }) => finish === 'failed');
      for (const report of failed) expect([report.error, report.answer, report.text, report.tokenCount]).toEqual([fault, undefined, '', 0]);
      expect(confidence).toBe(votes[0]!.votes / (6 - failed.length));
    }
  });

  test('an extractor that throws fails its branch only', async () => {
    const extract = (text: string): string => {
      if (text.startsWith('b')) throw new Error('no b');
      return text[0]!;
    };
    const results = await Promise.all(MANY_SEEDS.map((seed) => solve({ branches: 6, earlyDecision: 'none', extract }, { seed })));
    const reports = results.flatMap(({ branches }) => branches);
    expect(reports.some(({ finish }) => finish === 'failed')).toBe(true);
    for (const { text, finish, answer } of reports) expect([finish, answer]).toEqual(text.startsWith('b') ? ['failed', undefined] : ['end', text[0]]);
  });
});

describe('options', () => {
  const wrong: readonly (readonly [string, SelfConsistencyOptions | Record<string, unknown>])[] = [
    ['branches', { branches: 0 }],
    ['branches', { branches: 1.5 }],
    ['branches', { branches: '4' }],
    ['maxTokens', { maxTokens: 0 }],
    ['earlyDecision', { earlyDecision: 'maybe' }],
    ['sampling.temperature', { sampling: { temperature: -1 } }],
    ['sampling.topP', { sampling: { topP: 2 } }],
    ['forcedAnswer.suffix', { forcedAnswer: { suffix: ' ' } }],
    ['forcedAnswer.maxTokens', { forcedAnswer: { maxTokens: 0 } }],
    ['forcedAnswer.stop', { forcedAnswer: { stop: [''] } }],
  ];

  test.each(wrong)('%s is refused in %j', (option, options) => {
    const make = (): SelfConsistency => new SelfConsistency(options as SelfConsistencyOptions);
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(expect.objectContaining({ option }));
  });

  test('eight branches are sampled unless told otherwise', async () => {
    expect((await solve({ earlyDecision: 'none' })).branches).toHaveLength(8);
  });

  test('sampling options reach the model', async () => {
    const { branches } = await solve({ branches: 4, sampling: { temperature: 0 }, earlyDecision: 'none' });
    expect(new Set(branches.map(({ text }) => text))).toEqual(new Set([solutionOf(PLANS, 0)]));
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerTally, EarlyDecision, VoteState } from '../../src/contracts/vote.ts';
import { readValue } from '../../src/option-schemas.ts';
import { anytimeValidDecision, betaDecision, dirichletDecision, exactDecision, earlyDecisionSchema, noDecision } from '../../src/maths/early-decision.ts';

/** Votes of branches 0, 1, …: an answer's index with a weight, `undefined` while pending, `null` for one that abstains. */
type Ballot = { readonly answer: number; readonly weight: number } | undefined | null;

function stateOf(ballots: readonly Ballot[], { heaviest = 1, branches = ballots.length } = {}): VoteState {
  const tallies = new Map<number, { voters: number[]; weight: number }>();
  for (const [voter, ballot] of ballots.entries()) {
    if (!ballot) continue;
    const tally = tallies.get(ballot.answer) ?? { voters: [], weight: 0 };
    tally.voters.push(voter);
    tally.weight += ballot.weight;
    tallies.set(ballot.answer, tally);
  }
  return {
    tallies: [...tallies]
      .map(([answer, { voters, weight }]): AnswerTally => ({ answer: String(answer), voters, weight, least: weight, most: weight }))
      .sort((left, right) => right.weight - left.weight || left.voters[0]! - right.voters[0]!),
    launched: ballots.length,
    branches,
    pending: ballots.flatMap((ballot, voter) => (ballot === undefined ? [voter] : [])),
    heaviest,
  };
}

/** So many votes for each answer, in turn. */
function counted(...counts: readonly number[]): VoteState {
  return stateOf(
    counts.flatMap((count, answer) => Array.from({ length: count }, () => ({ answer, weight: 1 }))),
    { branches: 100 },
  );
}

/** Votes that a rule needs to be sure when all agree. */
function unanimousNeeded(rule: EarlyDecision): number {
  return Array.from({ length: 50 }, (_, index) => index + 1).find((count) => rule.decide(counted(count)))!;
}

describe('the exact decision', () => {
  const weights = fc.constantFrom(0, 0.25, 0.5, 0.75, 1);
  const ballot = fc.oneof(
    { weight: 4, arbitrary: fc.record({ answer: fc.nat(2), weight: weights }) },
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant(null) },
  );

  /** Winners over every way the pending branches may vote; 9 stands for an answer not seen before. */
  function outcomesOf(ballots: readonly Ballot[], options: readonly number[]): Set<string | undefined> {
    const pending = ballots.flatMap((cast, voter) => (cast === undefined ? [voter] : []));
    const choices: Ballot[] = [null, ...[0, 1, 2, 9].flatMap((answer) => options.map((weight) => ({ answer, weight })))];
    const winners = new Set<string | undefined>();
    for (let pattern = 0; pattern < choices.length ** pending.length; pattern++) {
      const full = [...ballots];
      for (const [index, voter] of pending.entries()) full[voter] = choices[Math.floor(pattern / choices.length ** index) % choices.length];
      winners.add(stateOf(full).tallies[0]?.answer);
    }
    return winners;
  }

  test('falls just when no vote of the pending branches can change the winner', () => {
    let decided = 0;
    fc.assert(
      fc.property(
        fc.array(
          ballot.map((cast) => cast && { ...cast, weight: 1 }),
          { minLength: 1, maxLength: 9 },
        ),
        (ballots) => {
          fc.pre(ballots.filter((cast) => cast === undefined).length <= 4);
          const winners = outcomesOf(ballots, [1]);
          const isSettled = winners.size === 1 && !winners.has(undefined);
          expect(exactDecision().decide(stateOf(ballots))).toBe(isSettled);
          if (isSettled) decided++;
        },
      ),
      { numRuns: 300, seed: 1 },
    );
    expect(decided).toBeGreaterThan(50);
  });

  test('with weights is never wrong', () => {
    let decided = 0;
    fc.assert(
      fc.property(fc.array(ballot, { minLength: 1, maxLength: 8 }), (ballots) => {
        fc.pre(ballots.filter((cast) => cast === undefined).length <= 3);
        const state = stateOf(ballots);
        if (!exactDecision().decide(state)) return;
        decided++;
        expect(outcomesOf(ballots, [0, 0.5, 1])).toEqual(new Set([state.tallies[0]!.answer]));
      }),
      { numRuns: 500, seed: 2 },
    );
    expect(decided).toBeGreaterThan(50);
  });

  test('counts branches that are yet to be launched', () => {
    const votes = [0, 0, 0].map((answer) => ({ answer, weight: 1 }));
    expect(exactDecision().decide(stateOf(votes, { branches: 5 }))).toBe(true);
    expect(exactDecision().decide(stateOf(votes, { branches: 7 }))).toBe(false);
  });

  test('waits for all where a vote has no bound', () => {
    const votes: Ballot[] = [0, 0, 0].map((answer) => ({ answer, weight: 5 }));
    expect(exactDecision().decide(stateOf([...votes, undefined], { heaviest: Infinity }))).toBe(false);
    expect(exactDecision().decide(stateOf(votes, { heaviest: Infinity }))).toBe(true);
  });

  test('goes by the least the leader and the most a rival can come to weigh', () => {
    const state = (least: number, most: number): VoteState => ({
      tallies: [
        { answer: 'a', voters: [0], weight: 1, least, most: 1 },
        { answer: 'b', voters: [1], weight: 0.25, least: 0, most },
      ],
      launched: 2,
      branches: 2,
      pending: [],
      heaviest: 1,
    });
    expect(exactDecision().decide(state(0.5, 0.25))).toBe(true);
    expect(exactDecision().decide(state(0.5, 0.75))).toBe(false);
  });

  test('takes a margin within the rounding of sums for a tie that nobody has won', () => {
    const tenths = (answer: number, ...weights: readonly number[]): Ballot[] => weights.map((weight) => ({ answer, weight }));
    expect(exactDecision().decide(stateOf([...tenths(0, 0.1, 0.2), ...tenths(1, 0.3)]))).toBe(false);
  });

  test('needs a vote', () => {
    expect(exactDecision().decide(stateOf([null, null]))).toBe(false);
  });
});

describe('rules over counts', () => {
  test.each([
    ['beta', betaDecision(), 4],
    ['dirichlet', dirichletDecision(), 4],
    ['anytime-valid', anytimeValidDecision(), 7],
    ['beta at 0.99', betaDecision({ confidence: 0.99 }), 6],
    ['anytime-valid over three rivals', anytimeValidDecision({ rivals: 3 }), 9],
  ])('%s is sure of unanimous votes from the right number on', (_, rule, needed) => {
    expect(unanimousNeeded(rule)).toBe(needed);
  });

  test('beta looks at the runner-up alone, dirichlet at every rival it is told to', () => {
    expect(betaDecision().decide(counted(6, 1, 1, 1, 1))).toBe(true);
    expect(dirichletDecision().decide(counted(6, 1, 1, 1, 1))).toBe(false);
    expect(dirichletDecision({ answers: 2 }).decide(counted(6, 1, 1, 1, 1))).toBe(true);
  });

  test.each([betaDecision(), dirichletDecision(), anytimeValidDecision()])('$name waits where the heaviest answer has fewer votes than another', (rule) => {
    const votes = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1].map((answer) => ({ answer, weight: answer === 0 ? 50 : 1 }));
    const state = stateOf(votes, { branches: 30 });
    expect(state.tallies[0]!.answer).toBe('0');
    expect(rule.decide(state)).toBe(false);
    expect(rule.decide(counted())).toBe(false);
  });

  test('no decision never falls', () => {
    expect(noDecision().decide(counted(50))).toBe(false);
  });
});

describe('names', () => {
  test.each(['exact', 'none', 'beta', 'dirichlet', 'anytime-valid'] as const)('%s is the rule of that name', (name) => {
    expect(readValue(earlyDecisionSchema, name, 'earlyDecision').name).toBe(name);
  });

  test('one’s own rule is taken as it is, anything else is refused', () => {
    const rule: EarlyDecision = { name: 'mine', decide: () => true };
    expect(readValue(earlyDecisionSchema, rule, 'earlyDecision')).toBe(rule);
    for (const wrong of ['maybe', 5, {}, null]) {
      expect(() => readValue(earlyDecisionSchema, wrong as never, 'earlyDecision')).toThrow(expect.objectContaining({ option: 'earlyDecision' }));
    }
  });

  test.each([
    ['confidence', () => betaDecision({ confidence: 1 })],
    ['confidence', () => dirichletDecision({ confidence: 0 })],
    ['answers', () => dirichletDecision({ answers: 1 })],
    ['alpha', () => anytimeValidDecision({ alpha: 0 })],
    ['rivals', () => anytimeValidDecision({ rivals: 0 })],
  ])('a bad %s is refused', (option, make) => {
    expect(make).toThrow(expect.objectContaining({ option }));
  });
});

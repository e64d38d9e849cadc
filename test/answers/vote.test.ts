import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equivalent } from '../../src/answers/equivalent.ts';
import { countVotes, isDecided, type AnswerVotes } from '../../src/answers/vote.ts';

type Answers = ReadonlyMap<number, string | undefined>;

const byVoter = (...answers: readonly (string | undefined)[]): Answers => new Map(answers.entries());

describe('countVotes', () => {
  test('ranks answers by votes and lists their voters', () => {
    expect(countVotes(byVoter('a', 'b', 'b', 'c', 'b', 'c'))).toEqual([
      { answer: 'b', votes: 3, voters: [1, 2, 4] },
      { answer: 'c', votes: 2, voters: [3, 5] },
      { answer: 'a', votes: 1, voters: [0] },
    ]);
  });

  test('counts by meaning unless told otherwise', () => {
    const answers = byVoter('1/2', '3', '0.5', '3.0');
    expect(countVotes(answers).map(({ votes }) => votes)).toEqual([2, 2]);
    expect(countVotes(answers, Object.is)).toHaveLength(4);
  });

  test('gives a tie to the answer with the lowest voter number', () => {
    expect(countVotes(byVoter('b', 'a', 'a', 'b')).map(({ answer }) => answer)).toEqual(['b', 'a']);
  });

  test('does not depend on the order in which votes came in', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }), { maxLength: 8 }).chain((answers) => {
          const votes = [...answers.entries()];
          return fc.tuple(fc.constant(votes), fc.shuffledSubarray(votes, { minLength: votes.length }));
        }),
        ([votes, shuffled]) => {
          expect(countVotes(new Map(shuffled))).toEqual(countVotes(new Map(votes)));
        },
      ),
    );
  });

  test('leaves abstentions out', () => {
    expect(countVotes(byVoter(undefined, 'a', undefined))).toEqual([{ answer: 'a', votes: 1, voters: [1] }]);
    expect(countVotes(byVoter(undefined))).toEqual([]);
    expect(countVotes(new Map())).toEqual([]);
  });

  test('counts answers as one that the equivalence says are the same, in the words of the first voter', () => {
    const sameNumber = (left: string, right: string): boolean => Number(left) === Number(right);
    const late = new Map([
      [2, '7.0'],
      [1, '7'],
      [0, '3'],
    ]);
    expect(countVotes(late, sameNumber)).toEqual([
      { answer: '7', votes: 2, voters: [1, 2] },
      { answer: '3', votes: 1, voters: [0] },
    ]);
  });
});

describe('countVotes with an equivalence', () => {
  const byVoters = (votes: readonly (readonly [number, string])[]): Answers => new Map(votes);

  test('counts 1/2, 0.5 and \\frac12 as one answer', () => {
    expect(countVotes(byVoter('1/2', '2', '0.5', '\\frac12'), equivalent)).toEqual([
      { answer: '1/2', votes: 3, voters: [0, 2, 3] },
      { answer: '2', votes: 1, voters: [1] },
    ]);
  });

  test('does not depend on the order of voters, also where sameness is not transitive', () => {
    const close = (left: string, right: string): boolean => Math.abs(Number(left) - Number(right)) <= 1;
    const voted = fc.uniqueArray(fc.tuple(fc.nat(30), fc.nat(6).map(String)), { selector: ([voter]) => voter, maxLength: 10 });
    fc.assert(
      fc.property(
        voted.chain((votes) => fc.tuple(fc.constant(votes), fc.shuffledSubarray(votes, { minLength: votes.length }))),
        ([votes, shuffled]) => {
          expect(countVotes(byVoters(shuffled), close)).toEqual(countVotes(byVoters(votes), close));
          const renumbered = votes.map(([, answer], index) => [index, answer] as const);
          const reversed = [...votes].reverse().map(([, answer], index) => [index, answer] as const);
          const sizes = (ranked: readonly AnswerVotes[]): number[] => ranked.map(({ votes: count }) => count);
          expect(sizes(countVotes(byVoters(renumbered), close))).toEqual(sizes(countVotes(byVoters(reversed), close)));
        },
      ),
    );
  });
});

describe('isDecided', () => {
  test('needs a margin greater than what is pending', () => {
    expect(isDecided(countVotes(byVoter('a', 'a', 'a', 'b')), [4])).toBe(true);
    expect(isDecided(countVotes(byVoter('a', 'a', 'b')), [3, 4])).toBe(false);
  });

  test('is content with an equal margin where the tie goes to the leader', () => {
    expect(isDecided(countVotes(byVoter('a', 'b', 'a')), [3])).toBe(true);
    expect(isDecided(countVotes(byVoter('b', 'a', 'a')), [3])).toBe(false);
  });

  test('remembers that a pending voter with a low number wins ties for an answer nobody has given', () => {
    const ranked = countVotes(new Map([[1, 'a']]));
    expect(isDecided(ranked, [2])).toBe(true);
    expect(isDecided(ranked, [0])).toBe(false);
  });

  test('is decided when nobody is pending, whatever the votes', () => {
    expect(isDecided(countVotes(byVoter('a', 'b')), [])).toBe(true);
    expect(isDecided([], [])).toBe(true);
  });

  test('is open while nobody has voted', () => {
    expect(isDecided([], [0])).toBe(false);
  });

  describe('is exact', () => {
    /** Every answer a pending voter can give: abstaining, any seen answer, or one nobody else has given. */
    function* completions(votes: Answers, pending: readonly number[], choices: readonly string[]): Generator<Answers> {
      const [voter, ...others] = pending;
      if (voter === undefined) {
        yield votes;
        return;
      }
      for (const answer of [undefined, ...choices, `unseen by ${voter}`]) yield* completions(new Map([...votes, [voter, answer]]), others, choices);
    }

    function canChange(votes: Answers, pending: readonly number[]): boolean {
      const leader = countVotes(votes)[0]?.answer;
      for (const completion of completions(votes, pending, ['a', 'b', 'c', 'unseen'])) {
        if (countVotes(completion)[0]?.answer !== leader) return true;
      }
      return false;
    }

    test('for every state of up to five voters with up to three pending', () => {
      let decidedEarly = 0;
      for (let voters = 1; voters <= 5; voters++) {
        for (let state = 0; state < 5 ** voters; state++) {
          const votes = new Map<number, string | undefined>();
          const pending: number[] = [];
          for (let voter = 0, rest = state; voter < voters; voter++, rest = Math.floor(rest / 5)) {
            if (rest % 5 === 4) pending.push(voter);
            else votes.set(voter, ['a', 'b', 'c', undefined][rest % 5]);
          }
          // Enumerating four pending voters takes long and the states below hold all that is special about them.
          if (pending.length > 3) continue;
          const isClaimed = isDecided(countVotes(votes), pending);
          expect(isClaimed, JSON.stringify([[...votes], pending])).toBe(!canChange(votes, pending));
          if (isClaimed && pending.length > 0) decidedEarly++;
        }
      }
      expect(decidedEarly).toBeGreaterThan(100);
    });

    test('for random states of more voters, numbered with gaps', () => {
      const state = fc.uniqueArray(fc.record({ voter: fc.nat(20), answer: fc.constantFrom('a', 'a', 'b', 'c', undefined, 'pending') }), {
        selector: ({ voter }) => voter,
        minLength: 4,
        maxLength: 9,
      });
      fc.assert(
        fc.property(state, (voters) => {
          const pending = voters.filter(({ answer }) => answer === 'pending').map(({ voter }) => voter);
          fc.pre(pending.length <= 4);
          const votes: Answers = new Map(voters.filter(({ answer }) => answer !== 'pending').map(({ voter, answer }) => [voter, answer]));
          expect(isDecided(countVotes(votes), pending)).toBe(!canChange(votes, pending));
        }),
        { numRuns: 200 },
      );
    });
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equivalent } from '../../src/answers/equivalent.ts';
import { groupAnswers } from '../../src/answers/group-answers.ts';
import { knownAnswer } from './answer-arbitraries.ts';

const groupsOf = (answers: readonly string[], isSame = equivalent): string[][] =>
  groupAnswers(answers, isSame).map((indices) => indices.map((index) => answers[index]!));

describe('groupAnswers', () => {
  test('puts equivalent answers together, in the order of their first voters', () => {
    expect(groupAnswers(['7', '1/2', '7.0', '0.5', 'x', '7'], equivalent)).toEqual([[0, 2, 5], [1, 3], [4]]);
  });

  test('compares texts where no equivalence is given', () => {
    expect(groupAnswers(['7', '7.0', '7'])).toEqual([[0, 2], [1]]);
    expect(groupAnswers([])).toEqual([]);
  });

  test('keeps equal texts together even where the equivalence denies it', () => {
    expect(groupAnswers(['a', 'b', 'a'], () => false)).toEqual([[0, 2], [1]]);
  });

  test('does not chain: 0.5 and 50 share no group though 50% equals both', () => {
    for (const answers of [
      ['0.5', '50%', '50'],
      ['50', '50%', '0.5'],
      ['50%', '0.5', '50'],
    ]) {
      const group = groupsOf(answers).find((members) => members.includes('0.5'))!;
      expect(group).not.toContain('50');
      expect(groupsOf(answers)).toHaveLength(2);
    }
  });

  /** Any symmetric relation on small numbers, transitive or not. */
  const relation = fc
    .array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 14 })
    .map((pairs) => new Set(pairs.flatMap(([one, other]) => [`${one} ${other}`, `${other} ${one}`])))
    .map(
      (pairs) =>
        (left: string, right: string): boolean =>
          pairs.has(`${left} ${right}`),
    );
  const votes = fc.array(fc.nat(7).map(String), { maxLength: 16 });
  const shuffledVotes = votes.chain((answers) => fc.tuple(fc.constant(answers), fc.shuffledSubarray(answers, { minLength: answers.length })));
  const asSets = (groups: readonly (readonly string[])[]): string[] => groups.map((group) => [...group].sort().join()).sort();

  test('does not depend on the order of the answers, also where sameness is not transitive', () => {
    fc.assert(
      fc.property(relation, shuffledVotes, (isSame, [answers, shuffled]) => {
        expect(asSets(groupsOf(shuffled, isSame))).toEqual(asSets(groupsOf(answers, isSame)));
      }),
      { numRuns: 1_000 },
    );
  });

  test('does not depend on the order of real answers', () => {
    const answers = fc.array(fc.oneof(knownAnswer, fc.constantFrom('50', '50%', '0.5', '1/2', '5 m', '5 cm', '5', 'x=5', 'y=5')), { maxLength: 12 });
    const shuffles = answers.chain((values) => fc.tuple(fc.constant(values), fc.shuffledSubarray(values, { minLength: values.length })));
    fc.assert(
      fc.property(shuffles, ([values, shuffled]) => {
        expect(asSets(groupsOf(shuffled))).toEqual(asSets(groupsOf(values)));
      }),
    );
  });

  test('every two answers of a group are the same, and a group that could grow by another has none to take', () => {
    fc.assert(
      fc.property(relation, votes, (isSame, answers) => {
        const groups = groupsOf(answers, isSame).map((group) => [...new Set(group)]);
        const isAlike = (left: string, right: string): boolean => left === right || isSame(left, right);
        for (const group of groups) expect(group.every((one) => group.every((other) => isAlike(one, other)))).toBe(true);
        for (const group of groups)
          for (const other of groups) if (group !== other) expect(group.every((one) => other.every((two) => isSame(one, two)))).toBe(false);
      }),
    );
  });

  test('gives the classes of a transitive equivalence', () => {
    const isSame = (left: string, right: string): boolean => Number(left) % 3 === Number(right) % 3;
    fc.assert(
      fc.property(votes, (answers) => {
        expect(groupsOf(answers, isSame)).toHaveLength(new Set(answers.map((answer) => Number(answer) % 3)).size);
      }),
    );
  });

  test('asks about each pair of different texts once, the lesser first', () => {
    const asked: string[] = [];
    groupAnswers(['b', 'c', 'a', 'b', 'a'], (left, right) => {
      asked.push(left + right);
      return false;
    });
    expect(asked.sort()).toEqual(['ab', 'ac', 'bc']);
  });
});

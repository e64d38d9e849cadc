import { describe, expect, test } from 'vitest';
import { choiceAnswer } from '../../../src/answers/extraction/choice.ts';

describe('choiceAnswer', () => {
  test.each([
    ['\\boxed{B}', 'B'],
    ['\\boxed{\\text{(C)}}', 'C'],
    ['\\boxed{\\textbf{(D) } 24}', 'D'],
    ['#### A', 'A'],
    ['The answer is (B).', 'B'],
    ['The correct answer is **C**', 'C'],
    ['Answer: D', 'D'],
    ['answer: $\\text{E}$', 'E'],
    ['so option B is right', 'B'],
    ['I choose choice (A) here', 'A'],
    ['(A) is wrong, so it must be (C) here.', 'C'],
    ['It follows that\n\nB', 'B'],
    ['It follows that\n**(B)**.', 'B'],
    ['C', 'C'],
    ['C. 42 apples', 'C'],
    ['A triangle has more than B and I know it', 'B'],
    ['The answer is A because B is not valid. The answer is A', 'A'],
  ])('%j chooses %s', (text, letter) => {
    expect(choiceAnswer(text)).toBe(letter);
  });

  test.each([['no choice at all'], ['A triangle'], ['I know'], ['U.S.A.'], ['']])('%j chooses nothing', (text) => {
    expect(choiceAnswer(text)).toBeUndefined();
  });

  test('knows only the letters it is given', () => {
    expect(choiceAnswer('(A) or (D)', 'AB')).toBe('A');
    expect(choiceAnswer('The answer is Z', 'XYZ')).toBe('Z');
    expect(choiceAnswer('The answer is Z')).toBeUndefined();
  });
});

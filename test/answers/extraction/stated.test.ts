import { describe, expect, test } from 'vitest';
import { statedAnswer } from '../../../src/answers/extraction/stated.ts';

describe('statedAnswer', () => {
  test.each([
    ['The answer is 42.', '42'],
    ['So the final answer is $\\frac{1}{2}$. I hope it is correct.', '\\frac{1}{2}'],
    ['Final Answer: The final answer is $(-6, 10)$. I hope it is correct.', '(-6, 10)'],
    ['Answer: 3.14', '3.14'],
    ['**Answer:** 5 cm', '5 cm'],
    ['So the answer is **24**.', '24'],
    ['So the answer is **24.**', '24'],
    ['The answer is **24** dollars.', '24 dollars'],
    ['The answer is 2**3.', '2**3'],
    ['The correct option is D.', 'D'],
    ['Therefore the correct choice is **(A) 12**', '(A) 12'],
    ['**Final Answer**\n\n12', '12'],
    ['## Answer\n7', '7'],
    ['The answer to the question is 9', '9'],
    ['The answer is (B) because it fits.', '(B)'],
    ['the answer is 5, since 2 + 3 = 5', '5'],
    ['The answer is: \\[ x = 3 \\]\nDone.', 'x = 3'],
    ['The answer is $$\n7\n$$', '7'],
    ['the answer is 1. No: the answer is 2.', '2'],
    ['Therefore, the answer would be 1,200 dollars.', '1,200 dollars'],
    ['The answer is yes.', 'yes'],
    ['The answer is \\boxed{8}', '8'],
    ['ANSWER = 6', '6'],
  ])('%j states %s', (text, answer) => {
    expect(statedAnswer(text)).toBe(answer);
  });

  test.each([
    ['42'],
    ['no answer here'],
    ['The answer is'],
    ['The answer is .'],
    ['answers are hard'],
    ['The answer is the number of days that we have found above'],
    [''],
  ])('%j states nothing', (text) => {
    expect(statedAnswer(text)).toBeUndefined();
  });

  test('takes no more than a line, however long the text', () => {
    expect(statedAnswer(`the answer is 5\n${'x '.repeat(100_000)}`)).toBe('5');
    expect(statedAnswer('answer '.repeat(100_000))).toBeUndefined();
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalAnswer } from '../../src/answers/canonical-answer.ts';
import { equivalent } from '../../src/answers/equivalent.ts';
import { anyAnswer, costlyAnswers, knownAnswer } from './answer-arbitraries.ts';
import { allPairs } from './answer-pairs.ts';

describe('canonicalAnswer', () => {
  test.each([
    ['1,234.50', '2469/2'],
    [String.raw`\frac{2}{4}`, '1/2'],
    ['0.5', '1/2'],
    [String.raw`\sqrt{12}`, '2*sqrt(3)'],
    [String.raw`\frac{\sqrt{2}}{\sqrt{3}}`, '1/3*sqrt(6)'],
    ['(x+1)^2', 'x^2+2*x+1'],
    [String.raw`\frac{\pi}{2}`, '1/2*pi'],
    ['3, 1, 2', '1, 2, 3'],
    [String.raw`\{b, a\}`, String.raw`\{a, b\}`],
    [String.raw`\left[0,\infty\right)`, '[0, infinity)'],
    [String.raw`x \geq 2`, 'x ∈ [2, infinity)'],
    ['x = 5.0', 'x = 5'],
    ['$5.00', '5 dollar'],
    [String.raw`15\text{ cm}^2`, '15 cm^2'],
    [String.raw`\text{(B)}`, 'B'],
    ['The Ellipse.', 'ellipse'],
    ['none', 'no solution'],
    [String.raw`\begin{bmatrix}1\\0.5\end{bmatrix}`, String.raw`\begin{pmatrix} 1 \\ 1/2 \end{pmatrix}`],
    ['  ', ''],
  ])('%s is spelled %s', (answer, spelling) => {
    expect(canonicalAnswer(answer)).toBe(spelling);
  });

  test('changes nothing when applied again, and keeps the meaning, whatever the text', () => {
    fc.assert(
      fc.property(anyAnswer, (answer) => {
        const spelling = canonicalAnswer(answer);
        expect(canonicalAnswer(spelling)).toBe(spelling);
        expect(equivalent(answer, spelling)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is the same for equivalent answers only', () => {
    fc.assert(
      fc.property(knownAnswer, knownAnswer, (left, right) => {
        if (canonicalAnswer(left) === canonicalAnswer(right)) expect(equivalent(left, right)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    const different = allPairs.filter(({ isSame }) => !isSame);
    expect(different.filter(({ left, right }) => canonicalAnswer(left) === canonicalAnswer(right))).toEqual([]);
  });

  test('is the same for most equivalent answers', () => {
    const same = allPairs.filter(({ isSame }) => isSame);
    const spelledAlike = same.filter(({ left, right }) => canonicalAnswer(left) === canonicalAnswer(right));
    expect(spelledAlike.length / same.length).toBeGreaterThan(0.6);
  });

  test('comes to an end on answers built to be costly', () => {
    for (const answer of costlyAnswers(120)) expect(canonicalAnswer(canonicalAnswer(answer))).toBe(canonicalAnswer(answer));
  });
});

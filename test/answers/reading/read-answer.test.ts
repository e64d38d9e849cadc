import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAnswer } from '../../../src/answers/reading/read-answer.ts';
import { anyAnswer } from '../answer-arbitraries.ts';

/** What an answer is read as, first reading first. */
const kindsOf = (text: string): string[] => readAnswer(text).map(({ kind }) => kind);

describe('readAnswer', () => {
  test.each([
    ['5', 'number'],
    ['1,234', 'number'],
    ['1, 234', 'sequence'],
    ['1,234,56', 'sequence'],
    ['(1,234)', 'bracketed'],
    ['{1,234}', 'set'],
    ['\\{1,234\\}', 'set'],
    ['\\frac{1,234}{5}', 'product'],
    ['3\\frac{1}{2}', 'sum'],
    ['3\\frac{x}{2}', 'product'],
    ['3\\frac{3}{2}', 'product'],
    ['3 - 1/2', 'sum'],
    ['2x', 'product'],
    ['2 men', 'quantity'],
    ['2 xy', 'product'],
    ['5\\text{ m}', 'quantity'],
    ['$5', 'quantity'],
    ['90°', 'quantity'],
    ['(0, 1]', 'bracketed'],
    [']0, 1[', 'bracketed'],
    ['(0,1) \\cup (2,3)', 'combination'],
    ['x < 3', 'relation'],
    ['\\{x : x < 3\\}', 'relation'],
    ['Area = 5', 'relation'],
    ['3:4', 'ratio'],
    ['3:30 pm', 'time'],
    ['101_2', 'based'],
    ['3 \\pmod 7', 'congruence'],
    ['(B)', 'choice'],
    ['(B) red', 'choice'],
    ['none', 'phrase'],
    ['no', 'phrase'],
    ['not at all', 'text'],
    ['the red one', 'text'],
    ['June 5, 2020', 'text'],
    ['\\begin{pmatrix} 1 & 2 \\end{pmatrix}', 'matrix'],
    ['2\\begin{pmatrix} 1 & 2 \\end{pmatrix} + \\begin{pmatrix} 1 & 2 \\end{pmatrix}', 'matrix'],
    ['\\begin{pmatrix} 1 & 2 \\\\ 3 \\end{pmatrix}', 'text'],
    ['\\int x \\, dx', 'call'],
    ['\\foo{x}', 'text'],
    ['(1, 2', 'text'],
    ['1 2', 'text'],
    ['+', 'text'],
    ['', 'text'],
  ])('%j is a %s', (text, kind) => {
    expect(kindsOf(text)[0]).toBe(kind);
  });

  test('gives two readings where a letter may be a unit', () => {
    expect(kindsOf('5 m')).toEqual(['quantity', 'product']);
    expect(kindsOf('5m')).toEqual(['product']);
    expect(kindsOf('9.8 m/s^2')).toEqual(['quantity', 'product']);
  });

  test('gives at least one reading, whatever the text', () => {
    fc.assert(
      fc.property(anyAnswer, (text) => {
        expect(readAnswer(text).length).toBeGreaterThan(0);
      }),
    );
  });
});

import { describe, expect, test } from 'vitest';
import { Effort } from '../../../src/answers/algebra/effort.ts';
import type { Expression } from '../../../src/answers/algebra/expression.ts';
import { constantRatio, hasSameValue, realValue } from '../../../src/answers/algebra/same-value.ts';
import { readAnswer } from '../../../src/answers/reading/read-answer.ts';

const read = (text: string): Expression => readAnswer(text)[0] as Expression;
const isSame = (left: string, right: string): boolean => hasSameValue(read(left), read(right), new Effort(50_000));

describe('hasSameValue', () => {
  test.each([
    ['\\sin(a+b)', '\\sin a\\cos b+\\cos a\\sin b'],
    ['\\frac{1}{\\cos^2 x}-1', '\\tan^2 x'],
    ['\\sqrt{5+2\\sqrt6}', '\\sqrt2+\\sqrt3'],
    ['\\sqrt[3]{2+\\sqrt5}+\\sqrt[3]{2-\\sqrt5}', '1'],
    ['\\arctan\\frac12+\\arctan\\frac13', '\\pi/4'],
    ['e^{i\\theta}', '\\cos\\theta+i\\sin\\theta'],
    ['\\cosh x', '\\frac{e^x+e^{-x}}{2}'],
    ['\\sqrt{xy}', '\\sqrt{x}\\sqrt{y}'],
    ['\\ln(xy)', '\\ln x+\\ln y'],
    ['(x^3)^{1/3}', 'x'],
    ['\\binom{n}{k}', '\\binom{n}{n-k}'],
    ['(-1)^{2n}', '1'],
    ['\\cos(n\\pi)', '(-1)^n'],
    ['f(2x)', 'f(x+x)'],
    ['\\operatorname{erf}(2x)', '\\operatorname{erf}(x+x)'],
    ['x^{1/2}y^{1/2}', '\\sqrt{xy}'],
    ['\\max(x,y)', '\\max(y,x)'],
    ['\\gcd(12,18)', '6'],
    ['\\lfloor\\sqrt{50}\\rfloor', '7'],
    ['10^{400}', '10^{399}\\cdot 10'],
    ['(x+y+z)^{30}', '(z+y+x)^{30}'],
  ])('%s equals %s', (left, right) => {
    expect(isSame(left, right)).toBe(true);
  });

  test.each([
    ['\\sqrt{x^2}', 'x'],
    ['|x|', 'x'],
    ['\\sqrt{10^{20}+1}', '10^{10}'],
    ['\\sqrt{2}+10^{-30}', '\\sqrt2'],
    ['2^{200}', '2^{200}+1'],
    ['(x+1)^{30}', '(x+1)^{30}+1'],
    ['\\sin x', 'x'],
    ['\\operatorname{erf}(x)', '\\operatorname{erfc}(x)'],
    ['\\sqrt{-x^2-1}', '0'],
    ['\\arcsin(x+7)', '\\arcsin(x+8)'],
    ['x^n', 'n^x'],
    ['\\lfloor x\\rfloor', 'x'],
    ['\\frac{22}{7}', '\\pi'],
    ['(-1)^n', '1'],
    ['\\frac{x}{0}', '\\frac{y}{0}'],
  ])('%s does not equal %s', (left, right) => {
    expect(isSame(left, right)).toBe(false);
  });
});

describe('realValue', () => {
  test.each([
    ['\\sqrt2', Math.SQRT2],
    ['\\frac{10^{400}}{10^{399}}', 10],
    ['10^{-400}', 0],
    ['\\sqrt[3]{-8}+1', -1],
    ['\\frac{\\pi}{2}', Math.PI / 2],
  ])('%s is about %d', (text, value) => {
    expect(realValue(read(text), new Effort(1_000))).toBeCloseTo(value, 12);
  });

  test.each(['\\sqrt{-2}', 'x', '\\ln(-1)', '10^{400}', '1/0'])('%s has none', (text) => {
    expect(realValue(read(text), new Effort(1_000))).toBeUndefined();
  });
});

describe('constantRatio', () => {
  const ratio = (left: string, right: string): number | undefined => constantRatio(read(left), read(right), new Effort(50_000));

  test('is found where one is a multiple of the other', () => {
    expect(ratio('6x-4y', '3x-2y')).toBeCloseTo(2, 9);
    expect(ratio('x^2-y', '-x^2+y')).toBeCloseTo(-1, 9);
    expect(ratio('\\pi x', 'x')).toBeCloseTo(Math.PI, 9);
  });

  test('is none where the quotient varies or a side is 0', () => {
    expect(ratio('x^2', 'x')).toBeUndefined();
    expect(ratio('x-x', 'x')).toBeUndefined();
    expect(ratio('x', 'x-x')).toBeUndefined();
    expect(ratio('x+1', 'x+2')).toBeUndefined();
  });
});

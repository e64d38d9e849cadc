import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attempt, Effort, GivenUp } from '../../../src/answers/algebra/effort.ts';
import type { Expression } from '../../../src/answers/algebra/expression.ts';
import { normalForm } from '../../../src/answers/algebra/normal-form.ts';
import { isDecidable, print } from '../../../src/answers/algebra/quotient.ts';
import { readAnswer } from '../../../src/answers/reading/read-answer.ts';
import { isExpression } from '../../../src/answers/reading/syntax.ts';
import { costlyAnswers } from '../answer-arbitraries.ts';

function expressionOf(text: string): Expression {
  const [answer] = readAnswer(text);
  if (!isExpression(answer)) throw new Error(`${text} is read as ${answer.kind}`);
  return answer;
}

const printed = (text: string): string => print(normalForm(expressionOf(text), new Effort(10_000)));

describe('normalForm', () => {
  test.each([
    ['2/4+1/4', '3/4'],
    ['(x+1)^2-x^2', '2*x+1'],
    ['(a+b)(a-b)', 'a^2-b^2'],
    ['x-x', '0'],
    ['x^2 x^{-3}', 'x^-1'],
    ['\\frac{6x}{4x^2}', '3/2*x^-1'],
    ['\\frac{2x+2}{x+1}', '2'],
    ['\\frac{1}{2x+4}', '(1/2)/(x+2)'],
    ['\\sqrt{8}+\\sqrt{2}', '3*sqrt(2)'],
    ['\\sqrt{2}\\sqrt{3}\\sqrt{6}', '6'],
    ['\\frac{1}{\\sqrt{5}-\\sqrt{3}}', '1/2*sqrt(3)+1/2*sqrt(5)'],
    ['\\sqrt[3]{16}', '2*2^(1/3)'],
    ['\\sqrt[3]{-8}', '-2'],
    ['\\sqrt[3]{4}\\sqrt[3]{2}', '2'],
    ['\\sqrt{4x+4}', '2*(x+1)^(1/2)'],
    ['\\sqrt{x}\\sqrt{x}', 'x'],
    ['\\sqrt{x^2}', '(x^2)^(1/2)'],
    ['\\sqrt{-12}', '2*sqrt(3)*i'],
    ['\\frac{1}{3+4i}', '-4/25*i+3/25'],
    ['i^7', '-i'],
    ['4^n', '(2^(n))^2'],
    ['2^{n+1}-2\\cdot 2^n', '0'],
    ['\\frac{6^n}{2^n}', '(3^(n))'],
    ['e^{2x}e^{-x}', '(e^(x))'],
    ['(x+1)^{1000}', '(x+1)^1000'],
    ['\\ln 12-\\ln 3', '2*ln(2)'],
    ['\\ln(e^5)', '5'],
    ['\\log_4 8', '3/2'],
    ['\\sin 240^\\circ', '-1/2*sqrt(3)'],
    ['\\cos\\frac{5\\pi}{4}', '-1/2*sqrt(2)'],
    ['\\tan\\frac{2\\pi}{3}', '-sqrt(3)'],
    ['\\sec 60^\\circ+\\csc 30^\\circ', '4'],
    ['\\cot 45^\\circ', '1'],
    ['\\binom{6}{3}+4!', '44'],
    ['\\lfloor -\\frac{7}{2}\\rfloor+\\lceil\\frac{7}{2}\\rceil', '0'],
    ['|3-5|', '2'],
    ['\\sin(x+x)', 'sin(2*x)'],
  ])('%s is %s', (text, form) => {
    expect(printed(text)).toBe(form);
  });

  test.each(['1/0', '\\frac{1}{x-x}', '0^0', '0^{-1}', '\\tan 90^\\circ', '0^x'])('%s has no value', (text) => {
    const form = attempt(() => printed(text));
    // A function without a value is left as it is.
    expect(form === undefined || form.includes('tan')).toBe(true);
  });

  test('prints what reads as the same form', () => {
    const names = fc.constantFrom('x', 'y', 'pi', '2', '3', 'sqrt(2)', 'sqrt(6)', '1/2', 'i', 'sin(x)', '2^n');
    const sums = fc.array(fc.tuple(fc.constantFrom('+', '-'), fc.array(names, { minLength: 1, maxLength: 3 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sums, sums, fc.boolean(), (top, bottom, isQuotient) => {
        const write = (terms: typeof top): string => terms.map(([sign, factors]) => `${sign}${factors.map((factor) => `(${factor})`).join('*')}`).join('');
        const form = attempt(() => printed(isQuotient ? `(${write(top)})/(${write(bottom)})` : write(top)));
        fc.pre(form !== undefined);
        expect(printed(form)).toBe(form);
      }),
      { numRuns: 500 },
    );
  });

  test('says whether unequal forms are different values', () => {
    const isSure = (text: string): boolean => isDecidable(normalForm(expressionOf(text), new Effort(10_000)));
    expect(['x^2+\\sqrt{6}', '\\pi/2', '3-2i', '1/(x+y)'].filter((text) => !isSure(text))).toEqual([]);
    expect(['\\sin x', '\\sqrt{x+1}', '\\ln 2', '2^n'].filter(isSure)).toEqual([]);
  });
});

describe('effort', () => {
  test('is spent on work, the same each time, and never beyond its limit', () => {
    for (const text of costlyAnswers(60)) {
      const [answer] = readAnswer(text);
      if (!isExpression(answer)) continue;
      const spent = [1, 2].map(() => {
        const effort = new Effort(20_000);
        attempt(() => normalForm(answer, effort));
        return effort.spent;
      });
      expect(spent[0]).toBe(spent[1]);
      expect(spent[0]).toBeLessThanOrEqual(5_001);
    }
  });

  test('grows with the work, so that a small limit is enough for small answers only', () => {
    const isWithin = (text: string, limit: number): boolean => attempt(() => normalForm(expressionOf(text), new Effort(limit))) !== undefined;
    expect(isWithin('(x+1)^2', 60)).toBe(true);
    expect(isWithin('(x+y+1)^8', 60)).toBe(false);
    expect(isWithin('(x+y+1)^8', 5_000)).toBe(true);
  });

  test('running out is told from other errors', () => {
    expect(attempt(() => new Effort(3).spend(4))).toBeUndefined();
    expect(() => new Effort(3).spend(4)).toThrow(GivenUp);
    expect(() =>
      attempt(() => {
        throw new TypeError('a defect');
      }),
    ).toThrow('a defect');
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerAfterHashes, boxedAnswer, explicitAnswer, extractAnswer, firstOf, lastNumber } from '../../src/answers/extract-answer.ts';

describe('answerAfterHashes', () => {
  test.each([
    ['34+84=118\n#### 118', '118'],
    ['#### 118\nThat is all.', '118'],
    ['####118', '118'],
    ['####   118  ', '118'],
    ['#### 1\nwait\n#### 2', '2'],
    ['#### forty two', 'forty two'],
    ['#### 118 apples', '118 apples'],
  ])('%j gives %s', (text, answer) => {
    expect(answerAfterHashes(text)).toBe(answer);
  });

  test.each([
    ['#### 118\n#### Step 1', '118'],
    ['#### Final Answer\n42', '42'],
    ['#### Final Answer: 42', '42'],
    ['#### **Answer**\n\n42\nand so on', '42'],
    ['#### Answer\n$$\n\\frac{1}{2}\n$$\nDone.', '\\frac{1}{2}'],
    ['#### yes', 'yes'],
    ['#### B\nbecause of that', 'B'],
    ['##### 7', '7'],
  ])('passes over headings: %j gives %s', (text, answer) => {
    expect(answerAfterHashes(text)).toBe(answer);
  });

  test.each([
    ['#### Step 1'],
    ['#### Step 1: add 3 and 4\nso 7'],
    ['#### Solution\nWe add.'],
    ['#### 1. Find the speed\nIt is 5.'],
    ['#### Finding the speed\nIt is 5.'],
    ['#### What we know:'],
    ['#### Final Answer'],
  ])('takes no heading for an answer: %j', (text) => {
    expect(answerAfterHashes(text)).toBeUndefined();
  });

  test.each([['no hashes'], ['### 5'], ['####'], ['####  \n5'], ['#### .'], ['']])('%j gives nothing', (text) => {
    expect(answerAfterHashes(text)).toBeUndefined();
  });
});

describe('boxedAnswer', () => {
  test.each([
    ['so \\boxed{42}.', '42'],
    ['\\boxed{\\frac{1}{2}}', '\\frac{1}{2}'],
    ['\\boxed{\\{1, 2\\}}', '\\{1, 2\\}'],
    ['\\boxed{\\boxed{7}}', '7'],
    ['\\boxed{1} then \\boxed{2}', '2'],
    ['\\boxed{ $1,234.50 }', '1234.5'],
    ['\\boxed{x^{2^{3}} + 1} and } more', 'x^{2^{3}} + 1'],
    ['\\fbox{5}', '5'],
    ['\\boxed {5}', '5'],
    ['$\\boxed 5$', '5'],
    ['\\boxed5 cm', '5'],
    ['$\\boxed\\frac{1}{2}$', '\\frac{1}{2}'],
    ['\\boxed{\\text{(B)}}', '\\text{(B)}'],
    ['\\boxed{x = \\left\\{ 1 \\right\\}}', 'x = \\left\\{ 1 \\right\\}'],
  ])('%j gives %s', (text, answer) => {
    expect(boxedAnswer(text)).toBe(answer);
  });

  test.each([
    ['no box'],
    ['\\boxed{'],
    ['\\boxed{\\frac{1}{2}'],
    ['\\boxed{5\\}'],
    ['\\boxed{}'],
    ['\\boxed{  }'],
    ['boxed{5}'],
    ['\\boxed'],
    ['\\boxedness 5'],
  ])('%j gives nothing', (text) => {
    expect(boxedAnswer(text)).toBeUndefined();
  });

  test('gives back any content with balanced braces', () => {
    const { balanced } = fc.letrec<{ balanced: string; group: string }>((tie) => ({
      balanced: fc
        .array(fc.oneof({ depthSize: 'small' }, fc.constantFrom('x', '\\{', '\\}', '\\\\', '+ y'), tie('group')), { maxLength: 4 })
        .map((parts) => parts.join('')),
      group: tie('balanced').map((inner) => `{${inner}}`),
    }));
    fc.assert(
      fc.property(balanced, fc.constantFrom('', '}', ' tail'), (content, tail) => {
        expect(boxedAnswer(`The answer is \\boxed{z${content}z}${tail}`)).toBe(`z${content}z`);
      }),
    );
  });
});

describe('lastNumber', () => {
  test.each([
    ['I had 3 and now 5 apples', '5'],
    ['it costs $1,234.50 in all', '1234.5'],
    ['1,234,567 people', '1234567'],
    ['from 1,23 on', '23'],
    ['a, b or 12,3456', '3456'],
    ['x = -7', '-7'],
    ['(-7)', '-7'],
    ['a debt of -$5', '-5'],
    ['+8', '8'],
    ['5-3', '3'],
    ['(2)-3', '3'],
    ['The probability is 3/8.', '3/8'],
    ['x = -3/4', '-3/4'],
    ['it takes 2 1/2 cups', '2 1/2'],
    ['1/2 + 1/4 = 3/4, so', '3/4'],
    ['on 3/4/2020', '2020'],
    ['5-3/4', '3/4'],
    ['pages 10-20', '20'],
    ['covid-19', '19'],
    ['34+84=118.', '118'],
    ['half is .5', '0.5'],
    ['on 3.10.2020', '2020'],
    ['about 12%', '12'],
    ['7 apples, no more', '7'],
  ])('%j gives %s', (text, answer) => {
    expect(lastNumber(text)).toBe(answer);
  });

  test.each([['none at all'], [''], ['one, two'], ['$ - . ,']])('%j gives nothing', (text) => {
    expect(lastNumber(text)).toBeUndefined();
  });

  test('finds any number behind any words, also with thousands separators', () => {
    const words = fc.stringMatching(/^[a-z .!]*$/);
    fc.assert(
      fc.property(words, fc.integer({ min: -9_999_999, max: 9_999_999 }), words, (before, number, after) => {
        expect(lastNumber(`${before} ${number} ${after}`)).toBe(String(number));
        expect(lastNumber(`${before} ${number.toLocaleString('en-US')} ${after}`)).toBe(String(number));
      }),
    );
  });
});

describe('the last number with the mathematics it stands in', () => {
  test.each([
    ['The probability is $\\frac{3}{8}$', '\\frac{3}{8}'],
    ['so $P = \\frac{1}{4} = \\frac{2}{8}.$', '\\frac{2}{8}'],
    ['Hence \\(x = 2\\sqrt{3}\\), as was to be shown', '2\\sqrt{3}'],
    ['\\[ x \\approx 3.14 \\]', '3.14'],
    ['$$x = 7$$', '7'],
    ['So $34 + 84 = 118$ apples', '118'],
    ['The value of $x$ is 5', '5'],
    ['each costs $5 and she pays $10.', '10'],
    ['between $5-$10', '10'],
    ['where $n^2$ is 9 and then 3', '3'],
  ])('%j gives %s', (text, answer) => {
    expect(extractAnswer(text)).toBe(answer);
  });

  test('takes no longer for many brackets that are never closed', () => {
    expect(extractAnswer(`${'\\('.repeat(50_000)} 5`)).toBe('5');
  });
});

describe('one form for equal numbers', () => {
  test.each([
    ['1,200', '1200'],
    ['$1,200.50', '1200.5'],
    ['1200.500', '1200.5'],
    ['1200.00', '1200'],
    ['1200.', '1200'],
    ['+5', '5'],
    ['007', '7'],
    ['0.50', '0.5'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['100', '100'],
    ['0', '0'],
    ['-0.0', '0'],
    ['5$', '5'],
  ])('%s is %s', (written, form) => {
    expect(answerAfterHashes(`#### ${written}`)).toBe(form);
  });

  test.each([['1,2'], ['3, 4'], ['1,2345'], ['1/2'], ['-'], ['$'], ['1.2.3'], ['12 apples'], ['(3)']])('%s is not one number and stays as it is', (written) => {
    expect(answerAfterHashes(`#### ${written}`)).toBe(written);
  });
});

describe('extractAnswer', () => {
  test.each([
    ['1 \\boxed{2} #### 3', '3'],
    ['1 \\boxed{2} 4', '2'],
    ['#### \n\\boxed{2} 4', '2'],
    ['\\boxed{2 and 4', '4'],
    ['The answer is 7. I used 3 steps.', '7'],
    ['1 and 4', '4'],
  ])('prefers ####, then a box, then what is stated, then the last number: %j gives %s', (text, answer) => {
    expect(extractAnswer(text)).toBe(answer);
  });

  test.each([
    [{ kind: 'number' }, 'so #### 118 apples', '118'],
    [{ kind: 'number' }, 'The answer is about $1,200.50 in all.', '1200.5'],
    [{ kind: 'number' }, 'first 3 then 8', '8'],
    [{ kind: 'choice' }, 'The answer is (B).', 'B'],
    [{ kind: 'choice', letters: 'AB' }, '(A) or (C)', 'A'],
    [{ kind: 'json', field: 'result' }, '{"answer": 1, "result": 2}', '2'],
    [{ kind: 'json' }, '{"answer": "x"}', 'x'],
    [{ kind: 'code' }, '```js\nlet a;\n```', 'let a;'],
    [{ kind: 'code', language: 'py' }, '```py\na\n```\n```js\nb\n```', 'a'],
    [{ kind: 'any' }, '#### 118 apples', '118 apples'],
  ] as const)('with %j: %j gives %s', (options, text, answer) => {
    expect(extractAnswer(text, options)).toBe(answer);
  });

  test('is a plain extractor too, also as the callback of map', () => {
    expect(['#### 1', '\\boxed{2}', '3'].map(extractAnswer as (text: string) => string | undefined)).toEqual(['1', '2', '3']);
  });

  test('finds nothing where there is nothing', () => {
    expect(extractAnswer('I do not know.')).toBeUndefined();
  });

  test('never throws and never gives an empty answer', () => {
    const pieces = fc.constantFrom(
      '####',
      '\\boxed{',
      'answer is',
      'Answer:',
      '**',
      '```',
      '(A)',
      '{"answer":',
      '"',
      '{',
      '}',
      '\\',
      '\n',
      ' ',
      '$',
      ',',
      '.',
      '-',
      '+',
      '5',
      '12',
      'x',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }), (parts) => {
        for (const kind of ['any', 'number', 'choice', 'json', 'code'] as const) expect(extractAnswer(parts.join(''), { kind })?.trim()).not.toBe('');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('explicitAnswer', () => {
  test('takes what was written out, not a number on the way', () => {
    expect(explicitAnswer('34+84=118')).toBeUndefined();
    expect(explicitAnswer('34+84=118\n#### 118')).toBe('118');
    expect(explicitAnswer('\\boxed{118}')).toBe('118');
  });
});

describe('firstOf', () => {
  test('asks the extractors in order until one answers', () => {
    const asked: string[] = [];
    const extractor = (name: string, answer: string | undefined) => (): string | undefined => {
      asked.push(name);
      return answer;
    };
    expect(firstOf(extractor('a', undefined), extractor('b', 'found'), extractor('c', 'late'))('text')).toBe('found');
    expect(asked).toEqual(['a', 'b']);
  });

  test('of nothing finds nothing', () => {
    expect(firstOf()('5')).toBeUndefined();
  });
});

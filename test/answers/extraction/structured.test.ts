import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeAnswer, jsonAnswer } from '../../../src/answers/extraction/structured.ts';

describe('jsonAnswer', () => {
  test.each([
    ['{"answer": "42"}', '42'],
    ['{"answer": 42}', '42'],
    ['{"answer": [1, 2]}', '[1,2]'],
    ['{"answer": false}', 'false'],
    ['first {"answer": 1} then {"answer": 2} and {"other": 3}', '2'],
    ['```json\n{ "steps": ["}"], "answer": "a } b" }\n```', 'a } b'],
    ['{"outer": {"answer": "inner"}}', 'inner'],
    ['{"answer": "\\\\frac{1}{2}"}', '\\frac{1}{2}'],
    ['{broken {"answer": 5}', '5'],
  ])('%j holds %s', (text, answer) => {
    expect(jsonAnswer()(text)).toBe(answer);
  });

  test.each([['{"answer": null}'], ['{"answer": ""}'], ['{"other": 1}'], ['{answer: 1}'], ['{"answer": 1'], ['[]'], ['']])('%j holds nothing', (text) => {
    expect(jsonAnswer()(text)).toBeUndefined();
  });

  test('takes the field it is asked for, and no inherited one', () => {
    expect(jsonAnswer('result')('{"answer": 1, "result": 2}')).toBe('2');
    expect(jsonAnswer('toString')('{"answer": 1}')).toBeUndefined();
  });

  test('gives back any text that JSON holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (answer, before) => {
        fc.pre(answer.trim() !== '');
        expect(jsonAnswer()(`${before.replaceAll(/[{"}]/g, '')} ${JSON.stringify({ answer })} done`)).toBe(answer.trim());
      }),
    );
  });
});

describe('codeAnswer', () => {
  test.each([
    ['```\na\n```', 'a'],
    ['```js\nlet a = 1;\nlet b;\n```', 'let a = 1;\nlet b;'],
    ['```js\na\n```\ntext\n```ts\nb\n```', 'b'],
    ['~~~\na\n~~~', 'a'],
    ['````\n```\na\n```\n````', '```\na\n```'],
    ['  ```js\n  a\n  ```', '  a'],
  ])('%j holds %j', (text, code) => {
    expect(codeAnswer()(text)).toBe(code);
  });

  test.each([['```\na'], ['```\n```'], ['```\n  \n```'], ['`a`'], ['']])('%j holds no block', (text) => {
    expect(codeAnswer()(text)).toBeUndefined();
  });

  test('takes the last block of the language', () => {
    const text = '```py\na\n```\n```js\nb\n```\n```py\nc\n```\n```js\nd\n```';
    expect(codeAnswer('PY')(text)).toBe('c');
    expect(codeAnswer('rust')(text)).toBeUndefined();
  });
});

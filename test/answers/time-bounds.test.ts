/** Every public function over text takes time in proportion to its length, and throws nothing, whatever the text. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalAnswer } from '../../src/answers/canonical-answer.ts';
import { equivalent } from '../../src/answers/equivalent.ts';
import {
  answerAfterHashes,
  boxedAnswer,
  choiceAnswer,
  codeAnswer,
  explicitAnswer,
  extractAnswer,
  jsonAnswer,
  lastNumber,
  statedAnswer,
} from '../../src/answers/extract-answer.ts';
import { countVotes } from '../../src/answers/vote.ts';

const FUNCTIONS: Readonly<Record<string, (text: string) => unknown>> = {
  answerAfterHashes,
  boxedAnswer,
  choiceAnswer,
  explicitAnswer,
  lastNumber,
  statedAnswer,
  canonicalAnswer,
  codeAnswer: codeAnswer(),
  jsonAnswer: jsonAnswer(),
  equivalent: (text) => equivalent(text, `${text}.`),
  countVotes: (text) => countVotes(new Map([text, `${text} `, '5'].entries())),
  'extractAnswer any': (text) => extractAnswer(text),
  'extractAnswer number': (text) => extractAnswer(text, { kind: 'number' }),
};

/** What texts are made of that some expression could go over again and again. */
const UNITS = [
  '```\n', '~~~~\n', '```js\na\n', '#', '#### Step\n', '#### 5\n', '\\boxed{', '\\boxed{5} and ', '\\boxed', '{', '}', '{"answer": ', '"', '$', '$a', '\\(', '\\[', '\\begin{align}', '\\begin{pmatrix} 1 \\\\',
  'answer ', 'answer: ', 'the answer is ', 'answer to ', '**answer**\n', '<think>', '</think>', '<answer>', ' ', '\n', '\t', '* ', '1', '1,', '1 ', '1.', '1/', '-', '1e', '1 × 10', '12 345 ', '1,23,', '٣', '½', 'A', '(A) ', 'A. x\n',
  'not A ', 'B is ', 'option ', 'x = ', '答案是', 'minus ', 'and ', 'one ', 'is ', 'a', 'é', '\\', '\\,', '_', '|', "'", '[', '.', '!', ': ',
  '<b>', '<|a|>', '<br', '? ', 'not A but ', 'réponse ', 'all except ', 'A or ', '5 is the answer ', ' — ', '3:', '10^', '((', '[THINK]', 'eliminate A, ', '$5 x ', 'answer is not 1. ', '2020-01-01', '\\cup ', 'Ann has 3, ',
] as const; // prettier-ignore

const texts = fc
  .tuple(fc.array(fc.constantFrom(...UNITS, 'x', '42', '\\frac{1}{2}'), { minLength: 1, maxLength: 10 }), fc.string({ unit: 'grapheme', maxLength: 8 }))
  .map(([parts, other]) => parts.join('') + other);

/** The least of a few runs, in milliseconds of this process's own time, which does not depend on what else the machine does. */
function leastMs(run: (text: string) => unknown, text: string): number {
  let least = Infinity;
  for (let round = 0; round < 2; round++) {
    const before = process.cpuUsage();
    run(text);
    least = Math.min(least, process.cpuUsage(before).user / 1_000);
  }
  return least;
}

/** Whether a text of eight times the length takes less than twenty times as long: 64 times is what a quadratic function takes. */
function isLinear(run: (text: string) => unknown, unit: string): boolean {
  const short = unit.repeat(Math.ceil(4_000 / unit.length));
  for (let attempt = 0; attempt < 5; attempt++) {
    const longMs = leastMs(run, short.repeat(8));
    if (longMs < 30 || longMs < 20 * leastMs(run, short)) return true;
  }
  return false;
}

describe.each(Object.entries(FUNCTIONS))('%s', (_, run) => {
  test('takes time in proportion to the text', () => {
    expect(UNITS.filter((unit) => !isLinear(run, unit))).toEqual([]);
    expect(UNITS.filter((unit) => !isLinear((text) => run(`the answer${text}x`), unit))).toEqual([]);
  });

  test('throws nothing, whatever the text', () => {
    fc.assert(
      fc.property(texts, (text) => void run(text)),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => void run(text)),
      { numRuns: 200 },
    );
  });
});

describe('laws', () => {
  test('extracted answers are not empty, and a cleaned number is clean', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const answer = extractAnswer(text);
        expect(answer?.trim()).not.toBe('');
        const number = lastNumber(text);
        if (number !== undefined) expect(lastNumber(number)).toBe(number);
      }),
      { numRuns: 2_000 },
    );
  });

  test('canonicalAnswer changes nothing the second time, and equivalent is reflexive and symmetric', () => {
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        expect(canonicalAnswer(canonicalAnswer(one))).toBe(canonicalAnswer(one));
        expect(equivalent(one, one)).toBe(true);
        expect(equivalent(one, canonicalAnswer(one))).toBe(true);
        expect(equivalent(one, other)).toBe(equivalent(other, one));
      }),
      { numRuns: 1_000 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerAsked, answerRequest, suffixAfter, type AnswerRequest } from '../../src/strategies/forced-answer.ts';

const NOTHING: { readonly answerSuffix?: string; readonly opensThought?: boolean } = {};

function requestFor(prompt: string, session = NOTHING): AnswerRequest {
  return answerRequest({}, [prompt], session)!;
}

describe('the form that a prompt asks for', () => {
  test.each([
    ['What is 2 + 2? Put your final answer within \\boxed{}.', 'boxed', '\n\nThe answer is \\(\\boxed{'],
    ['What is 2 + 2? Give the final answer in a box.', 'boxed', '\n\nThe answer is \\(\\boxed{'],
    ['What is 2 + 2?', 'boxed', '\n\nThe answer is \\(\\boxed{'],
    ['What is 2 + 2? End with "Answer: X".', 'labelled', '\n\nThe answer in short.\n\nAnswer:'],
    ['The last line should be "**Answer:** $ANSWER".', 'labelled', '\n\nThe answer in short.\n\n**Answer:**'],
    ['Finish with "Final Answer: <number>".', 'labelled', '\n\nThe answer in short.\n\nFinal Answer:'],
    ['Write the last line in the form "Result in metres: <number>".', 'labelled', '\n\nThe answer in short.\n\nResult in metres:'],
    ['What is 2 + 2? End with `The final answer is X`.', 'sentence', '\n\nThe final answer is'],
    ['Conclude with "Therefore, the answer is ...".', 'sentence', '\n\nTherefore, the answer is'],
    ['Q: 1 + 1?\nA: It is 1 + 1 = 2. The answer is 2.\n\nQ: 2 + 2?\nA:', 'sentence', '\n\nThe answer is'],
    ['What is 2 + 2? Write the answer behind ####.', 'marked', '\n\nThe answer is a single value:\n\n####'],
    ['Reply as JSON with a field "answer".', 'json', '\n\nThe answer in short.\n\n{"answer":'],
    ['Reply with {"steps": [...], "result": <number>}', 'json', '\n\nThe answer in short.\n\n{"result":'],
    ['Give the result as <answer>…</answer>.', 'tagged', '\n\nThe answer in short.\n\n<answer>'],
    ['Which is a prime?\nA) 4\nB) 7\nC) 9', 'labelled', '\n\nAnswer:'],
    ['Which is a prime?\n(A) 4\n(B) 7\nAnswer in the form \\boxed{letter}.', 'boxed', '\n\nThe answer is \\(\\boxed{'],
    ['Is 7 a prime? Answer yes or no.', 'labelled', '\n\nAnswer:'],
    ['First write "Answer: X", but in the end use \\boxed{}.', 'boxed', '\n\nThe answer is \\(\\boxed{'],
  ])('%s', (prompt, name, opening) => {
    const request = requestFor(prompt);
    expect([request.name, suffixAfter('so 4', request)]).toEqual([name, opening]);
  });

  test.each([
    ['How many apples are left?', true],
    ['What is the total cost in dollars?', true],
    ['Find the number of positive divisors of 36.', true],
    ['What is the probability that both are red?', true],
    ['How many liters must be added, in terms of $n$?', false],
    ['Find the ordered pair $(x, y)$.', false],
    ['Find all real values of $x$ such that $x^2 = 4$.', false],
    ['Enter the real roots, separated by commas.', false],
    ['In which direction is she facing, north or south?', false],
    ['Compute $\\mathbf{A}^2$.', false],
    ['What is the area of the matrix game whose name is Nim?', false],
  ])('a number is promised where one is asked for, and only there: %s', (prompt, isPromised) => {
    for (const form of ['', ' End with "Answer: X".', ' End with ####.', ' Reply as JSON.', ' Give it as <answer>…</answer>.'])
      expect(suffixAfter('so', requestFor(prompt + form)).includes('a number')).toBe(isPromised);
  });

  test.each(['Write a Python function that adds two numbers.', 'Complete this:\n```js\nfunction add(a, b) {\n```', 'Implement a class for stacks in Java.'])(
    'code cannot be short, and is not asked for: %s',
    (prompt) => {
      expect(answerRequest({}, [prompt], NOTHING)).toBeUndefined();
    },
  );

  test('what the model’s files declare comes first, and what the caller says before that', () => {
    const prompt = 'Put the answer in \\boxed{}.';
    expect(suffixAfter('so', requestFor(prompt, { answerSuffix: '\n#### ' }))).toBe('\n#### ');
    const own = answerRequest({ suffix: ' => ', maxTokens: 3, stop: [';'] }, [prompt], { answerSuffix: '\n#### ' })!;
    expect([suffixAfter('so', own), own.maxTokens, own.stop, own.reserveSteps]).toEqual([' => ', 3, [';'], 5]);
  });

  test('no opening ends in a space, and none stands in the middle of a line', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), fc.string({ maxLength: 40 }), (prompt, text) => {
        const request = answerRequest({}, [prompt], NOTHING);
        if (!request) return;
        const suffix = suffixAfter(text, request);
        if (request.name !== 'marked') expect(suffix).not.toMatch(/ $/);
        if (request.name !== 'json') expect(suffix.startsWith('\n') || text === '' || text.endsWith('\n')).toBe(true);
      }),
    );
  });
});

describe('what is open in a text is closed first', () => {
  test.each([
    ['<think>\nLet me see, 2', '\n</think>\n\nThe answer is \\(\\boxed{'],
    ['<think>\nLet me see.\n</think>\nIt is', '\n\nThe answer is \\(\\boxed{'],
    ['<think>a</think>b<think>c', '\n</think>\n\nThe answer is \\(\\boxed{'],
    ['<thinking>hm\n', '</thinking>\n\nThe answer is \\(\\boxed{'],
    ['[THINK]hm', '\n[/THINK]\n\nThe answer is \\(\\boxed{'],
    ['```python\nx = 4', '\n```\nThe answer is \\(\\boxed{'],
    ['```python\nx = 4\n```\nso', '\n\nThe answer is \\(\\boxed{'],
    ['', 'The answer is \\(\\boxed{'],
    ['so\n', 'The answer is \\(\\boxed{'],
  ])('%j', (text, suffix) => {
    expect(suffixAfter(text, requestFor('2 + 2?'))).toBe(suffix);
  });

  test('a thought that the template has opened is closed where the text has not', () => {
    const request = requestFor('2 + 2?', { opensThought: true });
    expect(suffixAfter('Let me see', request)).toBe('\n</think>\n\nThe answer is \\(\\boxed{');
    expect(suffixAfter('Let me see\n</think>\nIt', request)).toBe('\n\nThe answer is \\(\\boxed{');
  });
});

describe('JSON that has begun is brought to its answer', () => {
  const request = requestFor('Reply with JSON: {"reasoning": "…", "answer": "…"}');
  test.each([
    ['Sure:', '42}'],
    ['{', '42}'],
    ['{"reasoning": "first we', '42}'],
    ['{"reasoning": "first we"', '42}'],
    ['{"reasoning": "first we",', '42}'],
    ['{"reasoning": "say \\"hi\\" and', '42}'],
    ['{"reasoning":', '42}'],
    ['{"reason', '42}'],
    ['```json\n{"reasoning": "first', '"42"}'],
    ['{"reasoning": ["one", "tw', '42}'],
    ['{"reasoning": {"steps": ["one"', '42}'],
    ['{"reasoning": "uses {braces} and', '42}'],
  ])('%j', (text, said) => {
    const whole = text + suffixAfter(text, request) + ` ${said}`;
    expect(JSON.parse(whole.slice(whole.indexOf('{')).replace(/```$/, ''))).toHaveProperty('answer');
    const from = whole.length - said.length - ' '.length - suffixAfter(text, request).length;
    expect(answerAsked(whole, from, request) ?? answerAsked(whole, 0, request)).toBe('42');
  });
});

describe('an answer that was asked for is read from where it was asked', () => {
  const boxed = '\n\nThe answer is \\(\\boxed{';
  test.each([
    ['2 + 2?', `Of 7 people${boxed}`, '4}', '4'],
    ['2 + 2?', `Of 7 people${boxed}`, '\\frac{1}{2}}', '\\frac{1}{2}'],
    ['2 + 2?', `Of 7 people${boxed}`, '\\text{(B)', undefined],
    ['2 + 2?', `Of 7 people${boxed}`, '4', undefined],
    ['End with "Answer: X".', 'Of 7 people\n\nAnswer:', ' 12\n', '12'],
    ['End with ####', 'Of 7 people\n#### ', '12\n', '12'],
    ['End with ####', 'Of 7 people\n#### ', 'of the product of numbers in a product, that is, of', undefined],
    ['End with "Answer: X".', 'Of 7 people\n\nAnswer:', '\n12\n', '12'],
    ['Finish with "The final answer is X".', 'Of 7 people\n\nThe final answer is', ' 12.\n', '12'],
    ['Which?\nA) 1\nB) 2', 'Of 7 people\n\nAnswer:', ' B)', 'B'],
    ['Yes or no?', 'Of 7 people\n\nAnswer:', ' Yes.', 'Yes'],
    // What asks for the answer is none, though it reads like a statement.
    ['End with "Answer: X".', 'Of 7 people\n\nThe answer is a number.\n\nAnswer:', '\nThe answer is \n', undefined],
    ['End with "Answer: X".', 'Of 7 people\n\nThe answer in short.\n\nAnswer:', ' (3, \\frac{\\pi}{2})\n', '(3, \\frac{\\pi}{2})'],
    ['End with "Answer: X".', 'Of 7 people\n\nThe answer in short.\n\nAnswer:', ' 900 * 2 = 1800\n', '900 * 2 = 1800'],
    ['End with "Answer: X".', 'Of 7 people\n\nThe answer in short.\n\nAnswer:', ' east\n', 'east'],
    ['Give <answer>…</answer>', 'Of 7 people\n\n<answer>', '12 km</answer>', '12 km'],
    ['As JSON: {"answer": …}', 'Of 7 people\n\n{"answer":', ' "twelve"}', 'twelve'],
    ['As JSON: {"answer": …}', 'Of 7 people\n\n{"answer":', ' "twelve",\n', 'twelve'],
  ])('%s: %s%s', (prompt, asked, said, answer) => {
    expect(answerAsked(asked + said, 'Of 7 people'.length, requestFor(prompt))).toBe(answer);
  });

  test.each([
    ['2 + 2?', ['\\frac{1}', '{2}', '}'], '\\frac{1}{2}}'],
    ['2 + 2?', ['4}'], '4}'],
    ['End with "Answer: X".', [' \n', '12\n'], ' \n12\n'],
    ['End with ####', ['\n', '12\n'], '\n12\n'],
    ['As JSON: {"answer": …}', [' {"x": 1}', '}'], ' {"x": 1}}'],
    ['As JSON: {"answer": …}', [' "a } in a string', '"}'], ' "a } in a string"}'],
  ])('its end is where the form ends: %s %j', (prompt, pieces, whole) => {
    const { isClosed } = requestFor(prompt);
    const standing = pieces.map((_, index) => isClosed(pieces.slice(0, index + 1).join('')));
    expect(standing).toEqual(pieces.map((_, index) => index === pieces.length - 1));
    expect(pieces.join('')).toBe(whole);
  });
});

describe('an answer that has begun goes on', () => {
  test.each([
    ['2 + 2?', 'so it is \\boxed{4', '4'],
    ['2 + 2?', 'so it is \\boxed{4}', undefined],
    ['2 + 2?', 'so it is', undefined],
    ['End with "Answer: X".', 'so\n**Answer:** 4', ' 4'],
    ['End with "Answer: X".', 'Answer: 4\nas', undefined],
    // Models repeat what they were told of the form.
    ['End with "Answer: X".', 'My last line should be of the form "Answer: X", where', undefined],
    ['End with "Answer: X".', 'It ends with `Answer: ', undefined],
    ['End with ####', 'so\n#### 4', ' 4'],
    ['Give <answer>…</answer>', 'so <answer>4', '4'],
  ])('%s %j', (prompt, text, begun) => {
    expect(requestFor(prompt).begun(text)).toBe(begun);
  });
});

import { expect, test } from 'vitest';
import { wholeSteps } from '../../src/maths/whole-steps.ts';

test.each([
  ['', ''],
  ['a', ''],
  ['a\n\nb', 'a\n\n'],
  ['a\n\nb\n\n', 'a\n\nb\n\n'],
  ['a\n\nb\n', 'a\n\n'],
])('of %j the whole steps are %j', (text, expected) => {
  expect(wholeSteps(text, '\n\n')).toBe(expected);
});

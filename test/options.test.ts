import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../src/errors.ts';
import { requireNumber, requireWholeNumber } from '../src/options.ts';

describe('requireWholeNumber', () => {
  test.each([
    [0, 0],
    [1, 1],
    [7, 1],
    [-3, -5],
    [Number.MAX_SAFE_INTEGER, 0],
  ])('accepts %s where the least is %s', (value, least) => {
    expect(() => requireWholeNumber('count', value, least)).not.toThrow();
  });

  test.each([
    [-1, 0],
    [0, 1],
    [1.5, 0],
    [2 ** 53, 0],
    [NaN, 0],
    [Infinity, 0],
    ['3', 0],
    [3n, 0],
    [null, 0],
    [undefined, 0],
    [[3], 0],
  ])('refuses %o where the least is %s', (value, least) => {
    expect(() => requireWholeNumber('count', value, least)).toThrow(InvalidOptionError);
  });

  test('says what it wanted and what it got', () => {
    expect(() => requireWholeNumber('count', 0.5, 1)).toThrow('Expected `count` to be a whole number of at least 1, got `0.5` (number).');
  });

  test('takes 0 for the least unless told otherwise', () => {
    expect(() => requireWholeNumber('count', 0)).not.toThrow();
    expect(() => requireWholeNumber('count', -1)).toThrow('at least 0');
  });
});

describe('requireNumber', () => {
  test.each([
    [0, 0, 1],
    [1, 0, 1],
    [0.5, 0, 1],
    [1e300, 0, Infinity],
    [Number.MIN_VALUE, Number.MIN_VALUE, 1],
  ])('accepts %s in [%s, %s]', (value, low, high) => {
    expect(() => requireNumber('share', value, low, high)).not.toThrow();
  });

  test.each([
    [-0.001, 0, 1],
    [1.001, 0, 1],
    [0, Number.MIN_VALUE, 1],
    [NaN, 0, 1],
    [Infinity, 0, Infinity],
    [-Infinity, -Infinity, 1],
    ['0.5', 0, 1],
    [null, 0, 1],
    [undefined, 0, 1],
  ])('refuses %o in [%s, %s]', (value, low, high) => {
    expect(() => requireNumber('share', value, low, high)).toThrow(InvalidOptionError);
  });

  test.each([
    [() => requireNumber('share', 2, 0, 1), 'Expected `share` to be a number from 0 to 1, got `2` (number).'],
    [() => requireNumber('share', 0, Number.MIN_VALUE, 1), 'Expected `share` to be a number above 0 and at most 1, got `0` (number).'],
    [() => requireNumber('share', -1, 0), 'Expected `share` to be a finite number of at least 0, got `-1` (number).'],
    [() => requireNumber('share', 0, Number.MIN_VALUE), 'Expected `share` to be a finite number above 0, got `0` (number).'],
  ])('says what it wanted and what it got (%#)', (check, message) => {
    expect(check).toThrow(message);
  });
});

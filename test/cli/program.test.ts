/** What the command does with a terminal, which a child process of a test does not have. */
import { describe, expect, test } from 'vitest';
import { parseCount, parseDuration, parseFormats, parseNumber } from '../../src/cli/parse-options.ts';
import { runCli } from '../../src/cli/program.ts';
import { holdHost } from '../support/cli-host.ts';

describe('runCli', () => {
  test('can be interrupted while it waits for the problem', async () => {
    const { host, interrupt, written } = holdHost(false);
    const running = runCli(['solve'], host);
    interrupt();
    expect(await running).toBe(130);
    expect(await written()).toEqual({ stdout: '', stderr: 'Interrupted.\n' });
  });

  test('does not wait for a problem at a terminal', async () => {
    const { host, written } = holdHost(true);
    expect(await runCli(['solve'], host)).toBe(2);
    expect((await written()).stderr).toMatch(/the problem/);
  });
});

describe('option values', () => {
  test.each([
    ['500ms', 500],
    ['2s', 2_000],
    ['1.5s', 1_500],
    ['1m', 60_000],
    [' 2 s', 2_000],
  ])('%j is a duration', (words, milliseconds) => {
    expect(parseDuration(words)).toBe(milliseconds);
  });

  test.each(['', ' ', '0', '0s', '-1s', 'soon', 'NaN', 'Infinity', '2 parsecs', '1s 2s'])('%j is no duration', (words) => {
    expect(() => parseDuration(words)).toThrow('Give a positive time such as 500ms, 2s or 1m.');
  });

  test.each(['2', ' 2 ', '500', '1.5', '.5'])('%j has no unit and is refused with what to write instead', (words) => {
    const number = words.trim();
    expect(() => parseDuration(words)).toThrow(`${number} has no unit; write ${number}s or ${number}ms.`);
  });

  test.each(['', '0', '-1', '1.5', 'one', 'Infinity', '1e400'])('%j is no count', (words) => {
    expect(() => parseCount(words)).toThrow('Give a whole number of at least 1.');
  });

  test('a count may be written in any way a number can', () => {
    expect([parseCount('8'), parseCount(' 8 '), parseCount('1e3')]).toEqual([8, 8, 1_000]);
  });

  test.each(['', ' ', 'x', 'NaN', 'Infinity', '1,5'])('%j is no number', (words) => {
    expect(() => parseNumber(words)).toThrow('Give a number.');
  });

  test('a number may be negative or broken', () => {
    expect([parseNumber('-1.5'), parseNumber('0')]).toEqual([-1.5, 0]);
  });

  test.each([
    ['q4', ['q4']],
    ['q4,q8', ['q4', 'q8']],
    [' q4 , fp32 ', ['q4', 'fp32']],
    ['auto', ['auto']],
  ])('%j is a list of weight formats', (words, formats) => {
    expect(parseFormats(words)).toEqual(formats);
  });

  test.each(['', 'q3', 'q4,', 'q4,q4', 'auto,q4', 'Q4'])('%j is no list of weight formats', (words) => {
    expect(() => parseFormats(words)).toThrow(/^Give /);
  });
});

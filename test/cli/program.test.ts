/** What the command does with a terminal, which a child process of a test does not have. */
import { describe, expect, test } from 'vitest';
import { parseCount, parseDuration, parseNumber } from '../../src/cli/parse-options.ts';
import { runCli } from '../../src/cli/program.ts';
import { showProgress } from '../../src/cli/progress.ts';
import { RunEvents } from '../../src/runtime/run-events.ts';
import type { BranchReport } from '../../src/contracts/result.ts';
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
    expect((await written()).stderr).toMatch(/`problem`/);
  });
});

describe('showProgress', () => {
  const report: BranchReport = {
    branch: 1,
    text: '12+30=42\n#### 42',
    answer: '42',
    tokenCount: 12,
    forcedTokenCount: 0,
    meanLogprob: -0.1,
    finish: 'end',
    isForced: false,
    startMs: 1,
    endMs: 90,
  };

  async function shown(isTerminal: boolean): Promise<string> {
    const { host, written } = holdHost(isTerminal);
    const events = new RunEvents();
    const hide = showProgress(events, host);
    events.emit('branch-delta', { atMs: 40, branch: 0, tokenCount: 7, text: '12+30=42\n####' });
    events.emit('branch-end', { atMs: 90.4, report });
    events.emit('vote-change', { atMs: 91, answer: '42', votes: 1, of: 2 });
    events.emit('branch-end', { atMs: 95, report: { ...report, branch: 0, answer: undefined, finish: 'aborted' } });
    hide();
    return (await written()).stderr;
  }

  test('writes a line for each branch that ends where nobody watches', async () => {
    expect(await shown(false)).toBe('90 ms: branch  1 answers 42\n95 ms: branch  0 aborted\n');
  });

  test('draws branches, votes and time on a terminal and clears them in the end', async () => {
    const drawn = await shown(true);
    expect(drawn).toContain('branch  0    7 tokens  …12+30=42 ####');
    expect(drawn).toContain('branch  1   12 tokens  42');
    expect(drawn).toContain('leading: 42 (1 of 2)');
    // The last thing written erases: log-update ends with lines erased and no text behind.
    expect(drawn.slice(drawn.lastIndexOf('\u001b[2K'))).not.toMatch(/branch|leading/);
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
});

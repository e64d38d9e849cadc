/** Runs the built command on the bundled models. Nothing here depends on what the models answer. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runCommand, startCommand } from '../support/command.ts';

const PROBLEM = 'Mia has 34 apples. She buys 7 boxes with 12 apples in each. How many apples does Mia have now?';
const ANSI = /\u001b/;

interface PrintedResult {
  readonly model: string;
  readonly loadMs: number;
  readonly tokensPerSecond: number;
  readonly text: string;
  readonly answer?: string;
  readonly confidence: number;
  readonly votes: readonly { readonly answer: string; readonly votes: number; readonly voters: readonly number[] }[];
  readonly stopReason: string;
  readonly branches: readonly {
    readonly branch: number;
    readonly text: string;
    readonly tokenCount: number;
    readonly finish: string;
    readonly startMs: number;
    readonly endMs: number;
  }[];
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number };
  readonly timing: { readonly totalMs: number; readonly openMs: number; readonly deadlineMs: number | null };
  readonly listenerErrors: readonly unknown[];
}

async function solveAsJson(...words: readonly string[]): Promise<PrintedResult> {
  const { code, stdout, stderr } = await runCommand(['solve', ...words, '--json']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as PrintedResult;
}

describe('latency-tts', () => {
  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
    expect(await runCommand(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test.each([[['--help']], [['help']]])('%j names the commands', async (words) => {
    const { code, stdout, stderr } = await runCommand(words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: latency-tts .*\n[\s\S]*\n {2}solve /);
  });

  test('solve --help describes every option', async () => {
    const { code, stdout } = await runCommand(['solve', '--help']);
    expect(code).toBe(0);
    for (const option of ['--deadline', '--branches', '--model', '--tokenizer', '--temperature', '--max-tokens', '--seed', '--threads', '--json']) {
      expect(stdout).toMatch(new RegExp(`${option}( <\\w+>)? {2,}\\w`));
    }
  });

  test('without a command shows the help and counts as bad input', async () => {
    const { code, stdout, stderr } = await runCommand([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: latency-tts/);
    expect(stderr).not.toContain('outputHelp');
  });
});

describe('latency-tts solve --json', () => {
  test('prints the whole result as one JSON value, and nothing else', async () => {
    const result = await solveAsJson(PROBLEM, '--branches', '3', '--deadline', '1m', '--max-tokens', '60');
    expect(result.model).toBe('bundled target');
    expect(result.loadMs).toBeGreaterThan(0);
    expect(['completed', 'consensus', 'deadline']).toContain(result.stopReason);
    expect(result.branches.map(({ branch }) => branch)).toEqual([0, 1, 2]);
    for (const { startMs, endMs, tokenCount, finish } of result.branches) {
      expect(endMs).toBeGreaterThanOrEqual(startMs);
      expect(tokenCount).toBeGreaterThanOrEqual(0);
      expect(['end', 'stop', 'length', 'context', 'deadline', 'aborted']).toContain(finish);
    }
    expect(result.usage.promptTokens).toBeGreaterThan(10);
    expect(result.usage.completionTokens).toBeGreaterThan(0);
    expect(result.tokensPerSecond).toBeGreaterThan(0);
    expect(result.timing.deadlineMs).toBe(60_000);
    expect(result.timing.totalMs).toBeGreaterThanOrEqual(result.timing.openMs);
    expect(result.listenerErrors).toEqual([]);
  });

  test('says how the answer came about: the winner of the votes, its share, and a branch that gave it', async () => {
    const { answer, confidence, votes, text, branches } = await solveAsJson(PROBLEM, '--branches', '4', '--max-tokens', '60');
    expect(answer).toBe(votes[0]?.answer);
    const cast = votes.reduce((sum, group) => sum + group.votes, 0);
    expect(confidence).toBeCloseTo(cast === 0 ? 0 : votes[0]!.votes / cast, 10);
    expect(branches.map((branch) => branch.text)).toContain(text);
  });

  test('prints no deadline as null', async () => {
    expect((await solveAsJson(PROBLEM, '-b', '1', '--max-tokens', '4')).timing.deadlineMs).toBeNull();
  });

  test('writes the same for the same seed and something else for another', async () => {
    const options = [PROBLEM, '-b', '1', '--max-tokens', '40', '--temperature', '3', '--threads', '1'];
    const [first, second, other] = [
      await solveAsJson(...options, '-s', '5'),
      await solveAsJson(...options, '-s', '5'),
      await solveAsJson(...options, '-s', '6'),
    ];
    expect(second.text).toBe(first.text);
    expect(other.text).not.toBe(first.text);
  });

  test('at temperature 0 writes the same in every branch', async () => {
    const { branches } = await solveAsJson(PROBLEM, '-b', '3', '--max-tokens', '5', '-t', '0', '--threads', '1');
    // Where a branch was when it was no longer needed is a matter of timing.
    const texts = branches.filter(({ finish }) => finish !== 'aborted').map(({ text }) => text);
    expect(texts.length).toBeGreaterThan(1);
    expect(new Set(texts).size).toBe(1);
  });

  test('takes a model directory and its tokenizer', async () => {
    const { model } = await solveAsJson(PROBLEM, '-b', '1', '--max-tokens', '4', '--model', 'models/draft', '--tokenizer', 'models/tokenizer');
    expect(model).toBe('draft');
  });
});

describe('latency-tts solve into a pipe', () => {
  test('prints a report on stdout and a line for every branch on stderr, without escape codes', async () => {
    const { code, stdout, stderr } = await runCommand(['solve', PROBLEM, '--branches', '3', '--deadline', '1m', '--max-tokens', '60']);
    expect(code).toBe(0);
    for (const line of [/^answer: /m, /^confidence: \d+ % of the votes/m, /^stopped: /m, /tokens in \d+ model steps/, /bundled target loaded in \d+ ms/])
      expect(stdout).toMatch(line);
    for (const branch of [0, 1, 2]) {
      expect(stdout).toMatch(new RegExp(`│ +${branch} │`));
      expect(stderr).toMatch(new RegExp(`^\\d+ ms: branch +${branch} `, 'm'));
    }
    expect(stderr.trimEnd().split('\n')).toHaveLength(3);
    expect(stdout + stderr).not.toMatch(ANSI);
  });

  test('writes no warnings, however many branches share one signal', async () => {
    const { code, stderr } = await runCommand(['solve', PROBLEM, '--branches', '32', '--max-tokens', '4']);
    expect(code).toBe(0);
    expect(stderr.split('\n').filter((line) => line !== '' && !/^\d+ ms: branch +\d+ /.test(line))).toEqual([]);
  });

  test.each([[['solve']], [['solve', '-']]])('%j reads the problem from standard input', async (words) => {
    const { code, stdout, stderr } = await runCommand([...words, '-b', '1', '--max-tokens', '4', '--json'], `  ${PROBLEM}\n`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const given = await solveAsJson(PROBLEM, '-b', '1', '--max-tokens', '4');
    const piped = JSON.parse(stdout) as PrintedResult;
    expect(piped.usage.promptTokens).toBe(given.usage.promptTokens);
    expect(piped.text).toBe(given.text);
  });

  test('ends quietly when its reader has gone', async () => {
    const { process: child, result } = startCommand(['solve', PROBLEM, '-b', '1', '--max-tokens', '4']);
    child.stdin.end();
    child.stdout.destroy();
    const { code, stderr } = await result;
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/EPIPE|Error|\n {4}at /);
  });
});

describe('latency-tts solve, interrupted', () => {
  test('says so and exits with 130 while branches are decoded', async () => {
    // Far more to write than there is time for, so that the interrupt always comes before the end. Hot sampling makes
    // some branches end early, whose lines on stderr show that decoding is under way.
    const command = startCommand(['solve', PROBLEM, '--branches', '2000', '--temperature', '5', '--deadline', '10m']);
    await new Promise((resolve) => command.process.stderr.once('data', resolve));
    command.process.kill('SIGINT');
    const { code, stdout, stderr } = await command.result;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toMatch(/\nInterrupted\.\n$/);
    expect(stderr).not.toMatch(/\n {4}at /);
  });
});

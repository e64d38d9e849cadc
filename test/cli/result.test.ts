/** What is printed of a run: for people, on terminals and elsewhere. */
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { bundledHint } from '../../src/cli/bundled-hint.ts';
import { coloursFor } from '../../src/cli/colours.ts';
import type { CliOutput } from '../../src/cli/host.ts';
import { formatResult } from '../../src/cli/result.ts';
import { generateProblems, TIERS } from '../../src/problems/index.ts';
import type { SelfConsistencyResult } from '../../src/strategies/self-consistency.ts';
import { FINISHED_BRANCH } from '../support/branch-report.ts';

const branch = FINISHED_BRANCH;
const RESULT: SelfConsistencyResult = {
  text: branch.text,
  answer: '42',
  confidence: 1,
  votes: [{ answer: '42', votes: 1, weight: 1, voters: [0] }],
  weightedBy: 'votes',
  stopReason: 'completed',
  branches: [branch],
  usage: { promptTokens: 1, completionTokens: 1, forwardCount: 1, wastedTokens: 0 } as unknown as SelfConsistencyResult['usage'],
  timing: { totalMs: 90, openMs: 10, deadlineMs: Infinity },
  warnings: [],
  scoringErrors: [],
  listenerErrors: [],
};
const FACTS = { model: 'target', loadMs: 5, hint: undefined };
const PLAIN = coloursFor(new PassThrough(), {});

describe('a result', () => {
  test('has the solution before the answer, and one of a thing in the singular', () => {
    const text = formatResult(RESULT, FACTS, PLAIN);
    expect(text).toMatch(/^12\+30=42\n#### 42\n\nanswer: 42\nconfidence: 100 % of the votes \(42 × 1\)\n/);
    expect(text).toContain('1 token in 1 model step,');
    expect(text).toContain('prompt of 1 token read');
  });

  test('tells of everything that went wrong', () => {
    const result = {
      ...RESULT,
      warnings: ['1 of 2 branches failed: boom.', 'Only a part was scored. The scorer failed: no memory.'],
      listenerErrors: [new Error('screen')],
      stopReason: 'deadline' as const,
      timing: { totalMs: 130, openMs: 10, deadlineMs: 100 },
    };
    expect(formatResult(result, FACTS, PLAIN).match(/^WARNING: .*$/gm)).toEqual([
      'WARNING: 1 of 2 branches failed: boom.',
      'WARNING: Only a part was scored. The scorer failed: no memory.',
      'WARNING: The view of the run failed: screen',
      'WARNING: The deadline was overrun by 30 ms.',
    ]);
  });

  test('has a table of 80 columns, whatever the answers, and of no more rows than are read', () => {
    const answer = `a long answer\u001b[2J over\nlines ${'and on '.repeat(40)}`;
    const branches = Array.from({ length: 64 }, (_, index) => ({ ...branch, branch: index, answer, finish: 'deadline' as const, isForced: true }));
    const text = formatResult({ ...RESULT, branches }, FACTS, PLAIN);
    const rows = text.split('\n').filter((line) => /^[│┌└├]/.test(line));
    expect(rows).toHaveLength(32 + 4);
    for (const row of rows) expect([...row]).toHaveLength(80);
    expect(rows[3]).toContain('deadline, forced');
    expect(text).toContain('… and 32 branches more');
    expect(text).not.toContain('\u001b');
  });

  test.each([
    [true, {}, true],
    [false, {}, false],
    [undefined, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('with isTTY %j and %j is coloured: %j', (isTTY, env, isColoured) => {
    const stream = Object.assign(new PassThrough(), isTTY === undefined ? {} : { isTTY }) as CliOutput;
    expect(formatResult(RESULT, FACTS, coloursFor(stream, env)).includes('\u001b[')).toBe(isColoured);
  });
});

describe('the hint about the bundled model', () => {
  test.each([
    'What is the capital of France?',
    'What is 12 times 7?',
    'How many moons do Jupiter and 2 other planets with 5 rings have?',
    'Write a function that sorts 10 numbers.',
    'Ben has 12 coins. He finds 30000 coins. How many coins does Ben have now?',
    'Who won?',
    'Wie viele Äpfel haben Anna und Ben, wenn Anna 3 und Ben 4 hat?',
  ])('is given for %j', (question) => {
    expect(bundledHint(question)).toMatch(/^The bundled demonstration model knows nothing but arithmetic word problems.*--model/);
  });

  test.each([
    'Ben has 12 coins. He finds 30 coins. How many coins does Ben have now?',
    'Mia has 34 apples. She buys 7 boxes with 12 apples in each. How many apples does Mia have now?',
  ])('is not given for %j', (question) => {
    expect(bundledHint(question)).toBeUndefined();
  });

  test('is not given for the problems that the model was trained on', () => {
    const problems = TIERS.flatMap((tier) => generateProblems({ seed: 3, tier, count: 40, split: 'test' }));
    expect(problems.map(({ question }) => question).filter((question) => bundledHint(question) !== undefined)).toEqual([]);
  });
});

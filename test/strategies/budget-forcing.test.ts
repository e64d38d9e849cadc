import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StrategyRequest } from '../../src/contracts/strategy.ts';
import { BudgetForcing, type BudgetForcingOptions } from '../../src/strategies/budget-forcing.ts';
import { openThinker, type Script, type ThinkerOptions } from './thinker.ts';
import { runOn } from './strategy-laws.ts';

const THOUGHT_TOKENS = 20;

/** Thinks this many dots after the start and after every wait, then says how often it was told to wait. */
const thinkerOf =
  (thoughtTokens: number): Script =>
  (text) => {
    const [thoughts = '', answer] = text.split('</think>');
    if (answer !== undefined) {
      const waits = String(thoughts.split('Wait').length);
      const [opening = '', said] = answer.split('#### ');
      return said === undefined ? '\n#### '.slice(opening.length) : waits.slice(said.length);
    }
    const thought = thoughts.split('Wait').at(-1)!;
    const dots = thought.match(/^\.*/)![0].length;
    return dots < thoughtTokens ? '.' : '</think>'.slice(thought.length - dots);
  };

/** Never comes to an end by itself; answers when its thoughts are ended for it. */
const brooder = thinkerOf(Infinity);

async function think(script: Script, options: BudgetForcingOptions, fields: Partial<StrategyRequest> = {}, thinker: ThinkerOptions = {}) {
  const { engine, clock, model } = await openThinker(script, thinker);
  const startedAt = clock.now();
  const result = await new BudgetForcing(options).run({ engine, clock, prompt: 'why?', ...fields });
  await new Promise((resolve) => setImmediate(resolve));
  expect(model.openSequences).toBe(0);
  expect(result.timing.totalMs).toBe(clock.now() - startedAt);
  return result;
}

describe('the cap', () => {
  test('thoughts that end in time are left alone', async () => {
    const result = await think(thinkerOf(THOUGHT_TOKENS), { thinkMs: 1000 }, { deadlineMs: 2000 });
    expect(result).toMatchObject({ answer: '1', stopReason: 'completed', confidence: 1 });
    expect(result.text).toBe(`${'.'.repeat(THOUGHT_TOKENS)}</think>\n#### 1`);
    expect(result.thinking).toEqual([{ branches: [0], thoughtMs: 10 * (THOUGHT_TOKENS + 8 - 1), endedBy: 'model' }]);
  });

  test('thoughts that take longer are ended at that time, and the answer is asked for behind their end', async () => {
    for (const thinkMs of [15, 100, 333, 500]) {
      const { text, answer, thinking, stopReason, branches } = await think(brooder, { thinkMs });
      expect(text).toMatch(/^\.+<\/think>\n#### 1$/);
      expect([answer, stopReason, branches[0]!.isForced]).toEqual(['1', 'completed', true]);
      expect(thinking[0]).toMatchObject({ endedBy: 'budget' });
      // One step to find out how long a step takes; then never longer than asked.
      expect(thinking[0]!.thoughtMs).toBeLessThanOrEqual(Math.max(thinkMs, 20));
      expect(thinking[0]!.thoughtMs).toBeGreaterThan(thinkMs - 20);
    }
  });

  test('a limit of tokens caps thoughts as well', async () => {
    const { text, thinking } = await think(brooder, { maxTokens: 12 });
    expect(text).toBe(`${'.'.repeat(12)}</think>\n#### 1`);
    expect(thinking[0]!.endedBy).toBe('budget');
  });

  test('thoughts that overrun the deadline end in an answer before it, whatever the speed (s1#127)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 20, max: 200 }),
        fc.option(fc.integer({ min: 1, max: 3000 })),
        async (stepMs, steps, cap) => {
          const deadlineMs = stepMs * steps;
          const { answer, timing, thinking } = await think(brooder, cap === null ? {} : { thinkMs: cap }, { deadlineMs }, { stepMs });
          expect(answer).toBe('1');
          expect(timing.totalMs).toBeLessThanOrEqual(deadlineMs);
          expect(thinking[0]!.thoughtMs).toBeLessThanOrEqual(Math.max(cap ?? Infinity, 2 * stepMs));
        },
      ),
      { seed: 7, numRuns: 80 },
    );
  });

  test('the deadline is told as such, a cap is not', async () => {
    expect(await think(brooder, {}, { deadlineMs: 600 })).toMatchObject({ stopReason: 'deadline', thinking: [{ endedBy: 'deadline' }] });
    expect(await think(brooder, { thinkMs: 300 }, { deadlineMs: 600 })).toMatchObject({ stopReason: 'completed', thinking: [{ endedBy: 'budget' }] });
    expect(await think(brooder, { thinkMs: 599 }, { deadlineMs: 600 })).toMatchObject({ stopReason: 'deadline', thinking: [{ endedBy: 'deadline' }] });
  });

  test('no budget is too short to answer (s1#53)', async () => {
    expect((await think(brooder, { thinkMs: 0.001 })).answer).toBe('1');
    expect((await think(brooder, { maxTokens: 1 })).answer).toBe('1');
  });

  test('an answer within the thoughts is not the last word', async () => {
    const doubter: Script = (text) => (text.includes('</think>') ? (text.endsWith('#### ') ? '9' : '') : '#### 5. but '[text.length % 12]!);
    const { answer } = await think(doubter, { thinkMs: 200 });
    expect(answer).toBe('9');
  });

  test('an answer that has begun behind the thoughts goes on to its end', async () => {
    const slow: Script = (text) => {
      const answer = text.split('</think>')[1];
      if (answer === undefined) return '</think>'.slice(text.length);
      const whole = `${'.'.repeat(30)}\n#### 4256`;
      return whole.startsWith(answer) ? whole.slice(answer.length) : '';
    };
    for (let deadlineMs = 380; deadlineMs < 560; deadlineMs += 10) {
      const { answer } = await think(slow, { forcedAnswer: { maxTokens: 4 } }, { deadlineMs });
      // Announced too early the script says nothing; never a beginning of the answer.
      expect([undefined, '4256']).toContain(answer);
      if (deadlineMs > 530) expect(answer).toBe('4256');
    }
  });
});

describe('the wait', () => {
  test('thoughts that end too soon go on behind it, as often as is allowed', async () => {
    for (const [minThinkMs, maxWaits, waits] of [
      [0, 3, 0],
      [5_000, 0, 0],
      [5_000, 1, 1],
      [5_000, 3, 3],
      [300, 3, 1],
    ] as const) {
      const { text, answer, thinking } = await think(thinkerOf(THOUGHT_TOKENS), { minThinkMs, maxWaits, wait: 'Wait' });
      const thought = '.'.repeat(THOUGHT_TOKENS);
      expect(text).toBe(`${[thought, ...Array.from({ length: waits }, () => thought)].join('Wait')}</think>\n#### ${waits + 1}`);
      expect(answer).toBe(String(waits + 1));
      expect(thinking[0]!.branches).toHaveLength(waits + 1);
    }
  });

  test('replaces the end of the text where thoughts have no end of their own', async () => {
    const counter: Script = (text) => {
      const stretch = text.split('Wait').at(-1)!;
      const whole = `..#### ${text.split('Wait').length}`;
      return whole.slice(stretch.length);
    };
    const { text, answer, branches } = await think(counter, { thinkingEnd: false, minThinkMs: 1000, maxWaits: 2 });
    expect([text, answer]).toEqual(['..#### 1Wait..#### 2Wait..#### 3', '3']);
    expect(branches.map((report) => [report.answer, report.finish])).toEqual([
      ['1', 'end'],
      ['2', 'end'],
      ['3', 'end'],
    ]);
  });

  test('the answer before it stands where none comes after it', async () => {
    const tired: Script = (text) => (text.includes('Wait') ? (text.endsWith('Wait') ? '.' : '') : '..#### 1'.slice(text.length));
    const extract = (text: string): string | undefined => (text.includes('Wait') ? undefined : text.at(-1));
    const result = await think(tired, { thinkingEnd: false, minThinkMs: 1000, extract });
    expect(result).toMatchObject({ text: '..#### 1', answer: '1' });
  });

  test('is not written where no time is left for what would follow', async () => {
    for (let deadlineMs = 300; deadlineMs <= 1500; deadlineMs += 30) {
      const { answer, timing, thinking } = await think(thinkerOf(THOUGHT_TOKENS), { minThinkMs: 10_000, maxWaits: 99 }, { deadlineMs });
      expect(timing.totalMs).toBeLessThanOrEqual(deadlineMs);
      expect([deadlineMs, answer]).toEqual([deadlineMs, String(thinking[0]!.branches.length)]);
    }
  });

  test('costs what it costs: every token is counted once', async () => {
    const { branches, usage } = await think(thinkerOf(THOUGHT_TOKENS), { minThinkMs: 5_000, maxWaits: 2, branches: 2 });
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    expect(usage.forcedTokens).toBe(sum(branches.map(({ forcedTokenCount }) => forcedTokenCount)));
    const sampled = branches.map(({ tokenCount, forcedTokenCount, inheritedTokenCount = 0 }) => tokenCount - forcedTokenCount - inheritedTokenCount);
    expect(usage.completionTokens).toBe(sum(sampled));
  });

  test('a branch that fails behind it leaves the answer before it', async () => {
    const fault = new Error('out of memory');
    const { engine, clock } = await openThinker((text) => {
      if (text.includes('Wait')) throw fault;
      return '..#### 1'.slice(text.length);
    });
    const result = await new BudgetForcing({ thinkingEnd: false, minThinkMs: 1000 }).run({ engine, clock, prompt: 'why?' });
    expect(result).toMatchObject({ answer: '1', branches: [{ finish: 'end' }, { finish: 'failed', error: fault }] });
  });
});

test('lines of thought vote, each once whatever its waits', async () => {
  const { votes, thinking, confidence } = await runOn({}, new BudgetForcing({ branches: 5, thinkingEnd: false, minThinkMs: 150, maxWaits: 1, wait: '.' }), {
    seed: 2,
  });
  expect(thinking).toHaveLength(5);
  expect(thinking.some(({ branches }) => branches.length > 1)).toBe(true);
  expect(votes.reduce((total, group) => total + group.votes, 0)).toBe(5);
  expect(confidence).toBe(votes[0]!.votes / 5);
});

describe('options', () => {
  test.each<[string, BudgetForcingOptions]>([
    ['branches', { branches: 0 }],
    ['thinkMs', { thinkMs: 0 }],
    ['thinkMs', { thinkMs: Number.NaN }],
    ['minThinkMs', { minThinkMs: -1 }],
    ['minThinkMs', { minThinkMs: 2, thinkMs: 1 }],
    ['maxWaits', { maxWaits: 0.5 }],
    ['wait', { wait: '' }],
    ['thinkingEnd', { thinkingEnd: '' }],
    ['forcedAnswer.maxTokens', { forcedAnswer: { maxTokens: 0 } }],
    ['maxTokens', { maxTokens: 0 }],
  ])('a wrong %s is refused where it was written', (option, options) => {
    expect(() => new BudgetForcing(options)).toThrow(expect.objectContaining({ option }));
  });
});

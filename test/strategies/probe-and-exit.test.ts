import { describe, expect, test } from 'vitest';
import type { StrategyRequest } from '../../src/contracts/strategy.ts';
import { ProbeAndExit, type ProbeAndExitOptions } from '../../src/strategies/probe-and-exit.ts';
import { openThinker, type ThinkerOptions } from './thinker.ts';

const ANSWERED_AT = 200;

/**
 * Thinks a dot a token for long, then answers. Made to answer earlier it says what it believes after so many tokens.
 *
 * @param beliefs - From which token on it believes what; an empty belief is silence.
 */
const thinkerOf =
  (beliefs: readonly (readonly [from: number, belief: string])[]) =>
  (text: string): string => {
    const [thoughts = '', said] = text.split('\n#### ');
    if (said === undefined) return thoughts.length < ANSWERED_AT ? '.' : '\n';
    const belief = beliefs.filter(([from]) => thoughts.replace(/\s/g, '').length >= from).at(-1)?.[1] ?? '';
    return belief.startsWith(said) ? belief.slice(said.length) : '';
  };

/** The script with its own announcement: a thought of full length is followed by it. */
const scriptOf =
  (beliefs: readonly (readonly [from: number, belief: string])[]) =>
  (text: string): string => {
    const thinker = thinkerOf(beliefs);
    const opening = /\n(#{0,4} ?)$/.exec(text);
    return opening && !text.endsWith('#### ') ? '#### '.slice(opening[1]!.length) : thinker(text);
  };

async function probe(
  beliefs: readonly (readonly [from: number, belief: string])[],
  options: ProbeAndExitOptions,
  fields: Partial<StrategyRequest> = {},
  thinker: ThinkerOptions = {},
) {
  const { engine, clock, model } = await openThinker(scriptOf(beliefs), thinker);
  const result = await new ProbeAndExit({ interval: 20, ...options }).run({ engine, clock, prompt: 'why?', ...fields });
  await new Promise((resolve) => setImmediate(resolve));
  expect(model.openSequences).toBe(0);
  return result;
}

describe('the exit', () => {
  test('comes when as many probes in a row as asked for agree', async () => {
    for (const agreements of [1, 2, 3, 5]) {
      const { answer, lines, text, stopReason } = await probe([[0, '7']], { agreements });
      expect([answer, stopReason]).toEqual(['7', 'completed']);
      expect(lines[0]).toMatchObject({ hasExited: true });
      expect(lines[0]!.probes.map((report) => report.answer)).toEqual(Array.from({ length: agreements }, () => '7'));
      expect(text).toBe(`${'.'.repeat(20 * agreements)}\n#### 7`);
    }
  });

  test('does not come while the last probes disagree, whatever the last one says', async () => {
    // Beliefs change with every probe.
    const restless = Array.from({ length: 11 }, (_, index) => [index * 20, String(index % 8)] as const);
    const { answer, lines } = await probe(restless, { agreements: 2 });
    expect(lines[0]).toMatchObject({ hasExited: false });
    expect(lines[0]!.probes).toHaveLength(10);
    expect(answer).toBe('2');
  });

  test('starts its count again at a probe that hedges, is empty, or changes its mind', async () => {
    const counted = async (second: string): Promise<number> => {
      const { lines, answer } = await probe(
        [
          [0, '7'],
          [30, second],
          [50, '7'],
        ],
        { agreements: 3, hedges: ['wait'] },
      );
      expect(answer).toBe('7');
      return lines[0]!.probes.length;
    };
    expect(await counted('7')).toBe(3);
    for (const second of ['', '8', 'Wait, 7', '7 no. WAIT']) expect(await counted(second)).toBe(5);
  });

  test('takes words for hedging, not parts of words', async () => {
    const { lines } = await probe([[0, 'butter']], { agreements: 2 });
    expect(lines[0]).toMatchObject({ hasExited: true, probes: [{ answer: 'butter' }, { answer: 'butter' }] });
    expect((await probe([[0, 'but 7']], { agreements: 2 })).lines[0]!.hasExited).toBe(false);
    expect((await probe([[0, 'but 7']], { agreements: 2, hedges: [] })).lines[0]!.hasExited).toBe(true);
  });

  test('goes by one’s own rule of what is the same', async () => {
    const beliefs = [
      [0, '0.5'],
      [30, '1/2'],
    ] as const;
    const half = (answer: string): boolean => answer === '0.5' || answer === '1/2';
    const isSame = (left: string, right: string): boolean => left === right || (half(left) && half(right));
    expect((await probe(beliefs, { agreements: 2, isSame })).lines[0]!.probes).toHaveLength(2);
    expect((await probe(beliefs, { agreements: 2, isSame: Object.is })).lines[0]!.probes).toHaveLength(3);
  });

  test('a line that finishes before has its own answer', async () => {
    const { answer, text, lines } = await probe([[0, '7']], { agreements: 99 });
    expect([answer, lines[0]!.hasExited]).toEqual(['7', false]);
    expect(text).toBe(`${'.'.repeat(ANSWERED_AT)}\n#### 7`);
  });

  test('a number in the thoughts is no answer of a silent probe', async () => {
    const { lines } = await probe([[0, '']], { agreements: 1, extract: () => '5' });
    expect(lines[0]!.probes.every(({ answer }) => answer === undefined)).toBe(true);
  });
});

describe('cost', () => {
  test('probes decode beside their line: a run takes no more passes than without them', async () => {
    const [plain, probed] = await Promise.all([Infinity, 20].map((interval) => probe([[0, '7']], { agreements: 99, interval: Math.min(interval, 1e6) })));
    expect(probed!.timing.totalMs).toBeLessThanOrEqual(plain!.timing.totalMs + 20);
    expect(probed!.lines[0]!.probes.length).toBeGreaterThan(8);
  });

  test('the line stops within the probe that settles it', async () => {
    const { branches, timing } = await probe([[0, '7']], { agreements: 2 });
    // Two intervals, then the announcement and one digit with its end.
    expect(branches[0]!.tokenCount).toBeLessThanOrEqual(40 + 4);
    expect(timing.totalMs).toBeLessThanOrEqual(10 * (1 + 40 + 4));
  });

  test('every token is counted once', async () => {
    const { branches, usage } = await probe([[0, '7']], { branches: 3, agreements: 4 });
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const sampled = branches.map(({ tokenCount, forcedTokenCount, inheritedTokenCount = 0 }) => tokenCount - forcedTokenCount - inheritedTokenCount);
    expect(usage.completionTokens).toBe(sum(sampled));
    expect(usage.forcedTokens).toBe(sum(branches.map(({ forcedTokenCount }) => forcedTokenCount)));
  });
});

describe('several lines', () => {
  test('each has one vote, whatever its probes', async () => {
    const { votes, lines, confidence } = await probe([[0, '7']], { branches: 3, agreements: 2 });
    expect(lines).toHaveLength(3);
    expect(votes[0]!.votes).toBeGreaterThanOrEqual(2);
    expect(votes[0]!.votes).toBeLessThanOrEqual(3);
    expect(confidence).toBe(1);
  });

  test('a limit of tokens or the deadline asks the lines that are left', async () => {
    expect(await probe([[0, '7']], { agreements: 99, maxTokens: 50 })).toMatchObject({ answer: '7', stopReason: 'completed' });
    const late = await probe([[0, '7']], { agreements: 99 }, { deadlineMs: 700 });
    expect(late).toMatchObject({ answer: '7', stopReason: 'deadline' });
    expect(late.timing.totalMs).toBeLessThanOrEqual(700);
  });

  test('a probe that fails is no answer and sinks nothing', async () => {
    const fault = new Error('out of memory');
    const { engine, clock } = await openThinker((text) => {
      if (text.endsWith('#### ') && text.length < 100) throw fault;
      return scriptOf([[0, '7']])(text);
    });
    const { answer, lines, branches } = await new ProbeAndExit({ interval: 20, agreements: 2 }).run({ engine, clock, prompt: 'why?' });
    expect(answer).toBe('7');
    expect(lines[0]!.probes.slice(0, 4).every((report) => report.answer === undefined)).toBe(true);
    expect(branches.filter((report) => report.error === fault)).toHaveLength(4);
  });
});

describe('options', () => {
  test.each<[string, ProbeAndExitOptions]>([
    ['branches', { branches: 0 }],
    ['interval', { interval: 0 }],
    ['agreements', { agreements: 0 }],
    ['hedges', { hedges: ['not sure'] }],
    ['hedges', { hedges: [''] }],
    ['probe.maxTokens', { probe: { maxTokens: 0 } }],
  ])('a wrong %s is refused where it was written', (option, options) => {
    expect(() => new ProbeAndExit(options)).toThrow(expect.objectContaining({ option }));
  });
});

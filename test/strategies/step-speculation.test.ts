import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/contracts/engine.ts';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import type { StrategyRequest } from '../../src/contracts/strategy.ts';
import { StepSpeculation, type StepSpeculationOptions } from '../../src/strategies/step-speculation.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { scriptedScorer } from './text-scorers.ts';
import { openThinker, type Thinker } from './thinker.ts';

const LINES = 4;

/** Writes numbered lines in its own letter, then an answer that counts the lines of each writer. */
const writer =
  (letter: string) =>
  (text: string): string => {
    const lines = text.split('\n');
    const open = lines.at(-1)!;
    const done = lines.length - 1;
    const whole = done < LINES ? `${letter}${done}\n` : `#### ${(text.match(/d/g) ?? []).length}${(text.match(/t/g) ?? []).length}`;
    const begun = done < LINES && /^[dt]/.test(open) ? `${open[0]}${done}\n` : whole;
    return begun.startsWith(open) ? begun.slice(open.length) : '';
  };

interface Setting extends Partial<StepSpeculationOptions> {
  /** Score of a text. @default 1 */
  readonly scoreOf?: (text: ScoredText) => number | undefined;
  readonly draftScript?: (text: string) => string | readonly string[];
}

async function openPair(draftScript: Setting['draftScript'] = writer('d')): Promise<{ readonly target: Thinker; readonly drafter: Thinker }> {
  const clock = new ManualClock();
  return { target: await openThinker(writer('t'), { clock }), drafter: await openThinker(draftScript, { clock, stepMs: 1 }) };
}

async function write(setting: Setting, fields: Partial<StrategyRequest> = {}, wrap: (engine: Engine) => Engine = (same) => same) {
  const { scoreOf = () => 1, draftScript, ...options } = setting;
  const { target, drafter } = await openPair(draftScript);
  const strategy = new StepSpeculation({ draft: wrap(drafter.engine), scorer: scriptedScorer({ scoreOf }), ...options });
  const startedAt = target.clock.now();
  const result = await strategy.run({ engine: target.engine, clock: target.clock, prompt: 'go?', ...fields });
  await new Promise((resolve) => setImmediate(resolve));
  expect([target.model.openSequences, drafter.model.openSequences]).toEqual([0, 0]);
  return { result, tookMs: target.clock.now() - startedAt, target, drafter };
}

describe('a drafted step', () => {
  test('that scores at least the threshold is accepted, any other is written by the target', async () => {
    // Lines 1 and 2 of the draft are bad.
    const scoreOf = ({ text }: ScoredText): number => (/d[12]\n$/.test(text) ? 0.699 : 0.7);
    const { result } = await write({ scoreOf });
    expect(result.text).toBe('d0\nt1\nt2\nd3\n#### 22');
    expect(result.answer).toBe('22');
    expect(result.steps[0]!.map(({ by, text, score }) => [by, text, score])).toEqual([
      ['draft', 'd0\n', 0.7],
      ['target', 't1\n', 0.699],
      ['target', 't2\n', 0.699],
      ['draft', 'd3\n', 0.7],
      ['draft', '#### 22', 0.7],
    ]);
  });

  test('is judged with everything before it, and as finished where the draft ends the text', async () => {
    const seen: ScoredText[] = [];
    await write({ scoreOf: (text) => (seen.push(text), 1) });
    expect(seen.map(({ text }) => text)).toEqual(['d0\n', 'd0\nd1\n', 'd0\nd1\nd2\n', 'd0\nd1\nd2\nd3\n', 'd0\nd1\nd2\nd3\n#### 40']);
    expect(seen.map(({ isFinished }) => isFinished)).toEqual([false, false, false, false, true]);
  });

  test('that is not done within its tokens, or has no score, is left to the target', async () => {
    const long = await write({ draftScript: () => 'd', maxStepTokens: 20 });
    expect(long.result.text).toBe('t0\nt1\nt2\nt3\n#### 04');
    expect((await write({ scoreOf: () => undefined })).result.text).toBe('t0\nt1\nt2\nt3\n#### 04');
    expect((await write({ scoreOf: () => Number.NaN })).result.text).toBe('t0\nt1\nt2\nt3\n#### 04');
  });

  test('costs the target one pass however long it is', async () => {
    const { target, result } = await write({});
    // The target has read the prompt and written nothing.
    expect(target.passes()).toBe(1);
    expect(result.usage).toMatchObject({ completionTokens: 0, forcedTokens: result.text.length });
    expect(result.draftUsage!.completionTokens).toBe(result.text.length + 1);
  });
});

describe('several candidates', () => {
  /** The first token of a line is drawn among three. */
  const draftScript = (text: string): string | readonly string[] => {
    const open = text.split('\n').at(-1)!;
    if (text.includes('\n')) return '#### 1'.slice(open.length);
    return open === '' ? ['a', 'b', 'c'] : '\n';
  };
  const scores: Readonly<Record<string, number>> = { a: 0.75, b: 0.8, c: 0.9 };
  const scoreOf = ({ text }: ScoredText): number => scores[text[0]!]!;
  const seeds = Array.from({ length: 60 }, (_, seed) => seed);
  const firsts = (tilt: number): Promise<string[]> =>
    Promise.all(seeds.map(async (seed) => (await write({ draftScript, scoreOf, candidates: 4, tilt }, { seed })).result.text[0]!));

  test('are drawn by the exponential of their scores', async () => {
    const share = (letters: readonly string[], letter: string): number => letters.filter((each) => each === letter).length / letters.length;
    const [even, some, best] = await Promise.all([0, 20, 1e4].map(firsts));
    expect(share(even!, 'c')).toBeGreaterThan(0.2);
    expect(share(even!, 'c')).toBeLessThan(0.47);
    expect(share(some!, 'c')).toBeGreaterThan(0.6);
    expect(share(some!, 'c')).toBeLessThan(share(best!, 'c'));
    // With four candidates of three kinds, c is missing in (2/3)⁴ of the cases.
    expect(share(best!, 'c')).toBeGreaterThan(0.7);
  });

  test('that are all too bad are left to the target', async () => {
    const { result } = await write({ draftScript, scoreOf, candidates: 4, threshold: 0.95 });
    expect(result.text[0]).toBe('t');
  });
});

describe('guided speculative inference', () => {
  /** The draft writes a, b or c alike; the target prefers c: three quarters of its first letters are c. */
  const draftScript = (text: string): string | readonly string[] => {
    const open = text.split('\n').at(-1)!;
    if (text.includes('\n')) return '#### 1'.slice(open.length);
    return open === '' ? ['a', 'b', 'c'] : '\n';
  };
  const targetScript = (text: string): string | readonly string[] => {
    const open = text.split('\n').at(-1)!;
    if (text.includes('\n')) return '#### 2'.slice(open.length);
    return open === '' ? ['a', 'c'] : '\n';
  };
  const scores: Readonly<Record<string, number>> = { a: 0.8, b: 0.9, c: 0.7 };
  const scorer = scriptedScorer({ scoreOf: ({ text }) => (text.includes('####') ? 1 : scores[text[0]!]!) });

  async function guide(options: Partial<StepSpeculationOptions>, seed: number) {
    const clock = new ManualClock();
    const target = await openThinker(targetScript, { clock });
    const drafter = await openThinker(draftScript, { clock, stepMs: 1 });
    const strategy = new StepSpeculation({ draft: drafter.engine, scorer, candidates: 4, threshold: -100, tilt: 2, logRatio: true, ...options });
    const result = await strategy.run({ engine: target.engine, clock, prompt: 'go?', seed });
    await new Promise((resolve) => setImmediate(resolve));
    expect([target.model.openSequences, drafter.model.openSequences]).toEqual([0, 0]);
    return result;
  }

  test('adds the log-ratio over the tilt to the score of a step', async () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 40; seed++) {
      const [first] = (await guide({ candidates: 1 }, seed)).steps[0]!;
      if (first!.by === 'draft') seen.set(first!.text, first!.score!);
    }
    // π_B is 1/2 for a and c, and next to nothing for b; π_S is 1/3 for each.
    const ratio = Math.log(1 / 2) - Math.log(1 / 3);
    expect(seen.get('a\n')).toBeCloseTo(0.8 + ratio / 2, 3);
    expect(seen.get('c\n')).toBeCloseTo(0.7 + ratio / 2, 3);
    expect(seen.get('b\n')!).toBeLessThan(-3);
  });

  test('leaves out what the large model would not write, however well it scores', async () => {
    const firsts = async (options: Partial<StepSpeculationOptions>): Promise<string> => {
      const results = await Promise.all(Array.from({ length: 30 }, (_, seed) => guide(options, seed)));
      return results.map(({ text }) => text[0]).join('');
    };
    expect(await firsts({ tilt: 20, logRatio: false })).toContain('b');
    expect((await firsts({ threshold: 0 })).match(/b/g)).toBeNull();
  });

  test('the threshold is of the tilted score', async () => {
    const { steps } = await guide({ threshold: 1.2 }, 1);
    expect(steps[0]![0]!.by).toBe('target');
  });

  test('an engine that cannot tell is refused, and a tilt of nothing', async () => {
    expect(() => new StepSpeculation({ draft: { open: () => undefined } as unknown as Engine, scorer, logRatio: true, tilt: 0 })).toThrow(
      expect.objectContaining({ option: 'tilt' }),
    );
    const { target, drafter } = await openPair();
    const mute: Engine = {
      name: 'mute',
      contextTokens: undefined,
      ready: () => target.engine.ready(),
      async open(...call) {
        const session = await target.engine.open(...call);
        const branch = session.branch.bind(session);
        session.branch = (count) => branch(count).map((each) => Object.assign(each, { logprobsOf: undefined }));
        return session;
      },
      dispose: () => target.engine.dispose(),
    };
    const run = new StepSpeculation({ draft: drafter.engine, scorer, logRatio: true }).run({ engine: mute, clock: target.clock, prompt: 'go?' });
    await expect(run).rejects.toThrow(expect.objectContaining({ option: 'logRatio' }));
  });
});

describe('failures', () => {
  const fault = new Error('no memory for a draft');

  test('a draft that cannot be opened leaves the target alone with it', async () => {
    const { result } = await write({}, {}, (engine) => Object.assign(Object.create(engine) as Engine, { open: () => Promise.reject(fault) }));
    expect(result).toMatchObject({ answer: '4', draftUsage: undefined, speculationErrors: [fault] });
  });

  test('a draft that fails in the middle leaves the rest to the target', async () => {
    const { result } = await write({
      draftScript: (text) => {
        if (text.startsWith('d0\nd1\n')) throw fault;
        return writer('d')(text);
      },
    });
    expect(result).toMatchObject({ text: 'd0\nd1\nt2\nt3\n#### 22', speculationErrors: [fault] });
  });

  test('a scorer that fails leaves the step to the target', async () => {
    const { result } = await write({
      scoreOf: () => {
        throw fault;
      },
    });
    expect(result.text).toBe('t0\nt1\nt2\nt3\n#### 04');
    expect(result.speculationErrors.length).toBeGreaterThan(0);
  });
});

describe('time', () => {
  test('the target writes the first step of a run with a deadline, to learn how long it takes', async () => {
    const { result } = await write({}, { deadlineMs: 10_000 });
    expect(result.steps[0]!.map(({ by }) => by)).toEqual(['target', 'draft', 'draft', 'draft', 'draft']);
  });

  test('what is unfinished at the deadline is asked for its answer before it', async () => {
    for (let deadlineMs = 130; deadlineMs < 400; deadlineMs += 7) {
      const { result, tookMs } = await write({ scoreOf: () => 0.1, forcedAnswer: { maxTokens: 4 } }, { deadlineMs });
      expect(tookMs).toBeLessThanOrEqual(deadlineMs + 10);
      // One that was asked and says nothing has no answer.
      expect(result.answer === undefined).toBe(result.text.endsWith('#### '));
    }
  });

  test('drafts that are accepted save time', async () => {
    const [fast, slow] = [await write({}), await write({ scoreOf: () => 0 })];
    expect(fast.tookMs).toBeLessThan(slow.tookMs / 2);
  });
});

test('several solutions vote', async () => {
  const { result } = await write({ branches: 3 });
  expect(result.votes).toEqual([{ answer: '40', votes: 3, voters: [0, 1, 2] }]);
  expect(result.steps).toHaveLength(3);
});

describe('options', () => {
  test.each<[string, Partial<StepSpeculationOptions>]>([
    ['draft', { draft: {} as Engine }],
    ['branches', { branches: 0 }],
    ['candidates', { candidates: 0 }],
    ['threshold', { threshold: Number.NaN }],
    ['tilt', { tilt: -1 }],
    ['stepStop', { stepStop: [] }],
    ['stepStop', { stepStop: [''] }],
    ['maxStepTokens', { maxStepTokens: 0 }],
    ['aggregation', { aggregation: 'first' as 'last' }],
  ])('a wrong %s is refused where it was written', async (option, options) => {
    const { drafter } = await openPair();
    expect(() => new StepSpeculation({ draft: drafter.engine, scorer: scriptedScorer(), ...options })).toThrow(expect.objectContaining({ option }));
  });
});

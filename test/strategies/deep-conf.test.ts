import { describe, expect, test } from 'vitest';
import type { Engine, Segment } from '../../src/contracts/engine.ts';
import type { StrategyRequest } from '../../src/contracts/strategy.ts';
import { DeepConf, type DeepConfOptions } from '../../src/strategies/deep-conf.ts';
import { openThinker, type Thinker } from './thinker.ts';

/** One way to solve: so many words of a given margin each, then the answer. The margin of a token's logit is its confidence, nearly. */
interface Trace {
  readonly margins: readonly number[];
  readonly answer: string;
}

const WORD = 4;
const LETTERS = 'abcdefgh';

/** The first token draws a trace by chance, at the same confidence for all; then the trace is written. */
function openTraces(traces: readonly Trace[]): Promise<Thinker> {
  const traceOf = (text: string): Trace => traces[LETTERS.indexOf(text[0]!)]!;
  return openThinker(
    (text) => {
      if (text === '') return [...LETTERS].slice(0, traces.length);
      const { margins, answer } = traceOf(text);
      const whole = `${text[0]}${'.'.repeat(WORD * margins.length)}\n#### ${answer}`;
      return whole.startsWith(text) ? whole.slice(text.length) : '';
    },
    { margin: (text) => (text === '' ? 60 : (traceOf(text).margins[Math.floor((text.length - 1) / WORD)] ?? 60)) },
  );
}

async function solve(
  traces: readonly Trace[],
  options: DeepConfOptions,
  fields: Partial<StrategyRequest> = {},
  wrap: (engine: Engine) => Engine = (same) => same,
) {
  const { engine, clock, model } = await openTraces(traces);
  // Of a doubtful token only the likeliest is taken, of the first any.
  const result = await new DeepConf({ sampling: { minP: 0.5 }, ...options }).run({ engine: wrap(engine), clock, prompt: 'why?', ...fields });
  await new Promise((resolve) => setImmediate(resolve));
  expect(model.openSequences).toBe(0);
  return result;
}

const sure = (answer: string, words = 6): Trace => ({ margins: Array.from({ length: words }, () => 50), answer });
/** Sure but for one word in its middle. */
const doubtful = (answer: string, doubt = 2): Trace => ({ margins: [50, 50, 50, doubt, 50, 50, 50, 50], answer });

const seeds = Array.from({ length: 12 }, (_, seed) => seed);

describe('offline', () => {
  test('the weighted vote is the answer, not the plain majority', async () => {
    let differs = 0;
    for (const seed of seeds) {
      const { answer, votes, traces, branches } = await solve([doubtful('1', 1), sure('2')], { mode: 'offline', branches: 5, window: WORD, keep: 1 }, { seed });
      const weights = new Map<string, number>();
      for (const { branch, confidence } of traces) {
        const voted = branches[branch]!.answer!;
        weights.set(voted, (weights.get(voted) ?? 0) + confidence!);
      }
      for (const vote of votes) expect(vote.weight).toBeCloseTo(weights.get(vote.answer)!, 6);
      const [first, second] = votes;
      expect(answer).toBe(first!.answer);
      if (second && second.votes > first!.votes) differs++;
    }
    expect(differs).toBeGreaterThan(0);
  });

  test('the confidence of a trace is that of its least sure window of top log-probabilities', async () => {
    const { traces, branches } = await solve([doubtful('1', 2)], { mode: 'offline', branches: 1, window: WORD, topLogprobs: 3 });
    expect(branches[0]!.answer).toBe('1');
    // Of 83 logits one is larger by the margin: with log Z = log(e² + 82), three top ones have −(2 + 0 + 0)/3 + log Z.
    expect(traces[0]!.confidence).toBeCloseTo(Math.log(Math.exp(2) + 82) - 2 / 3, 1);
  });

  test('the least sure share does not vote', async () => {
    for (const seed of seeds) {
      const result = await solve([doubtful('1', 1), doubtful('1', 2), sure('2')], { mode: 'offline', branches: 8, window: WORD, keep: 0.25 }, { seed });
      const confidences = result.traces.map(({ confidence }) => confidence!);
      const sorted = [...confidences].sort((left, right) => left - right);
      expect(result.bar).toBeGreaterThanOrEqual(sorted[5]!);
      for (const { confidence, fate } of result.traces) expect(fate).toBe(confidence! < result.bar! ? 'filtered' : 'voted');
      expect(result.votes.reduce((sum, { votes }) => sum + votes, 0)).toBe(confidences.filter((confidence) => confidence >= result.bar!).length);
      expect(result.stoppedCount).toBe(0);
    }
  });

  test('a filter keeps somebody', async () => {
    const { votes } = await solve([sure('2')], { mode: 'offline', branches: 3, window: WORD, keep: 0.001 });
    expect(votes).toHaveLength(1);
  });
});

describe('on-line', () => {
  const options = { branches: 24, warmUp: 8, window: WORD, keep: 0.5, consensus: 1 } as const;
  /** Long enough to be worth stopping. */
  const long = (answer: string): Trace => ({ margins: [50, 1, ...Array.from({ length: 20 }, () => 50)], answer });

  test('traces of the warm-up are decoded to their end, later ones are stopped as soon as a window is below the bar', async () => {
    let stops = 0;
    for (const seed of seeds) {
      const result = await solve([sure('1', 22), sure('1', 22), long('2')], options, { seed });
      for (const { branch, text } of result.branches) {
        const isBelow = text.startsWith('c') && 4.5 < result.bar!;
        const { fate } = result.traces[branch]!;
        expect(fate).toBe(branch >= 8 && isBelow ? 'stopped' : 'voted');
        if (fate !== 'stopped') continue;
        stops++;
        expect(result.branches[branch]).toMatchObject({ finish: 'aborted', answer: undefined });
        // The doubt ends at token 9; a quarter of a window later at most it is seen.
        expect(text.length).toBeLessThanOrEqual(1 + 2 * WORD + 1);
      }
      expect(result.stoppedCount).toBe(result.traces.filter(({ fate }) => fate === 'stopped').length);
      expect(result.stopReason).toBe('completed');
    }
    expect(stops).toBeGreaterThan(20);
  });

  test('a bar set by windows is not held against means of whole traces, nor the other way round', async () => {
    // All traces alike: each has its doubt, none is below what all of them have.
    for (const keep of [0.1, 0.5, 0.9]) expect((await solve([long('1')], { ...options, keep })).stoppedCount).toBe(0);
  });

  test('a trace shorter than a window is never stopped', async () => {
    const poor: Trace = { margins: Array.from({ length: 30 }, () => 1), answer: '2' };
    for (const seed of seeds) {
      // More than a quarter of a window, where traces are looked at.
      const { bar, traces, stoppedCount } = await solve([sure('1', 30), sure('1', 30), poor], { ...options, keep: 0.3, window: 200 }, { seed });
      expect(stoppedCount).toBe(0);
      expect(traces.some(({ confidence }) => confidence! < bar! / 2)).toBe(true);
    }
  });

  test('a lenient bar stops fewer than a strict one', async () => {
    const some = [sure('1', 12), doubtful('2', 10), doubtful('3', 5), doubtful('4', 1)];
    const stopped = await Promise.all([0.95, 0.6, 0.1].map(async (keep) => (await solve(some, { ...options, keep }, { seed: 3 })).stoppedCount));
    expect([...stopped].sort((left, right) => left - right)).toEqual(stopped);
    expect(stopped[2]).toBeGreaterThan(stopped[0]!);
  });

  test('stopping saves tokens', async () => {
    const mixed = [sure('1', 22), long('2')];
    const all = await solve(mixed, { ...options, keep: 1 }, { seed: 1 });
    const some = await solve(mixed, { ...options, keep: 0.25 }, { seed: 1 });
    expect(some.usage.completionTokens).toBeLessThan(all.usage.completionTokens * 0.9);
  });

  test('the run ends once the leader has the share of the weight that is asked for', async () => {
    const unanimous = await solve([sure('1')], { ...options, consensus: 0.95 });
    expect([unanimous.answer, unanimous.branches.length, unanimous.stopReason]).toEqual(['1', 8, 'consensus']);
    const cut = await solve([sure('1', 3), sure('1', 3), sure('1', 3), sure('2', 30)], { ...options, warmUp: 2, consensus: 0.8 }, { seed: 8 });
    expect(cut.stopReason).toBe('consensus');
    expect(cut.confidence).toBeGreaterThanOrEqual(0.8);
  });

  test('no further traces are launched at the deadline, and unfinished ones are asked for their answer', async () => {
    const { branches, stopReason, answer } = await solve([sure('1', 30)], options, { deadlineMs: 600 });
    expect([branches.length, stopReason]).toEqual([8, 'deadline']);
    expect(branches.every(({ isForced }) => isForced)).toBe(true);
    expect(answer).toBeUndefined();
  });
});

describe('what the engine tells', () => {
  /** An engine that gives only so many top log-probabilities, or none. */
  const giving =
    (count: number) =>
    (engine: Engine): Engine => ({
      ...engine,
      name: 'frugal',
      contextTokens: engine.contextTokens,
      ready: () => engine.ready(),
      dispose: () => engine.dispose(),
      async open(prompt, sessionOptions) {
        const session = await engine.open(prompt, sessionOptions);
        const branch = session.branch.bind(session);
        session.branch = (branches) =>
          branch(branches).map((each) => {
            const advance = each.advance.bind(each);
            each.advance = async (advanceOptions) => {
              const { topLogprobs, ...segment }: Segment = await advance(advanceOptions);
              return count === 0 ? segment : { ...segment, topLogprobs: topLogprobs!.map((list) => list.slice(0, count)) };
            };
            return each;
          });
        return session;
      },
    });

  test('the result has the number of log-probabilities and the window that were used', async () => {
    const options = { mode: 'offline', branches: 3, window: WORD } as const;
    expect(await solve([sure('1')], options)).toMatchObject({ topLogprobs: 20, window: WORD });
    expect(await solve([sure('1')], options, {}, giving(5))).toMatchObject({ topLogprobs: 5, window: WORD });
    expect(await solve([sure('1')], { ...options, topLogprobs: 2 }, {}, giving(5))).toMatchObject({ topLogprobs: 2 });
  });

  test('without any log-probabilities it is a plain vote, and nobody is stopped', async () => {
    for (const mode of ['online', 'offline'] as const) {
      const result = await solve([doubtful('1', 1), sure('2')], { mode, branches: 6, warmUp: 3, window: WORD, consensus: 1 }, { seed: 2 }, giving(0));
      expect(result).toMatchObject({ topLogprobs: 0, stoppedCount: 0, bar: undefined });
      expect(result.votes.reduce((sum, { weight }) => sum + weight, 0)).toBe(6);
      expect(result.traces.every(({ fate, confidence }) => fate === 'voted' && confidence === undefined)).toBe(true);
    }
  });
});

describe('options', () => {
  test.each<[string, DeepConfOptions]>([
    ['mode', { mode: 'on' as 'online' }],
    ['branches', { branches: 0 }],
    ['warmUp', { warmUp: 0 }],
    ['warmUp', { branches: 4, warmUp: 5 }],
    ['keep', { keep: 0 }],
    ['keep', { keep: 1.1 }],
    ['window', { window: 0 }],
    ['topLogprobs', { topLogprobs: 0 }],
    ['consensus', { consensus: 0 }],
    ['aggregation', { mode: 'offline', aggregation: 'least' as 'mean' }],
    ['aggregation', { mode: 'online', aggregation: 'tail' }],
  ])('a wrong %s is refused where it was written', (option, options) => {
    expect(() => new DeepConf(options)).toThrow(expect.objectContaining({ option }));
  });
});

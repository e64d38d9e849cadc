import { describe, expect, test } from 'vitest';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { verifierScorer } from '../../src/scoring/verifier-scorer.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { scorerLaws, type ScorerSubject } from './scorer-laws.ts';

const finished = (text: string): ScoredText => ({ text, isFinished: true });
const never = new Promise<never>(() => undefined);

const subject = (isAsync: boolean): ScorerSubject => ({
  open: (clock, onError, onScoring) =>
    verifierScorer(
      ({ text }) => {
        onScoring?.();
        clock.advance(10);
        if (text === 'broken') throw new Error('a broken verifier');
        return isAsync ? Promise.resolve(text.length) : text.length;
      },
      { concurrency: 2, ...(onError && { onError }) },
    ),
  prompt: 'a problem',
  texts: ['a', 'bbb', 'cc', 'ddddd', 'eeee'].map((text) => finished(text)),
  broken: finished('broken'),
});

for (const [name, isAsync] of [
  ['a function', false],
  ['an asynchronous function', true],
] as const) {
  describe(`verifierScorer of ${name}`, () => {
    for (const law of scorerLaws) test(law.name, () => law.check(subject(isAsync)));
  });
}

describe('verifierScorer', () => {
  test('gives 1 for true, 0 for false, and a number as it is', async () => {
    const verdicts: Record<string, unknown> = { a: true, b: false, c: -2.5, d: Infinity, e: NaN, f: 'yes' };
    const scorer = verifierScorer(({ text }) => verdicts[text] as boolean);
    expect(await scorer.score('p', Object.keys(verdicts).map(finished))).toEqual([1, 0, -2.5, undefined, undefined, undefined]);
  });

  test('hands on the prompt, the text and whether it is finished', async () => {
    const seen: unknown[] = [];
    const scorer = verifierScorer(({ prompt, text, isFinished, signal }) => {
      seen.push([prompt, text, isFinished, signal.aborted]);
      return true;
    });
    await scorer.score('p', [{ text: 'a', isFinished: false }]);
    expect(seen).toEqual([['p', 'a', false, false]]);
  });

  test('runs no more than the concurrency at a time, over all calls', async () => {
    let running = 0;
    let most = 0;
    const scorer = verifierScorer(
      async () => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
        return true;
      },
      { concurrency: 3 },
    );
    const texts = Array.from({ length: 8 }, (_, index) => finished(`text ${index}`));
    await Promise.all([scorer.score('p', texts), scorer.score('q', texts)]);
    expect(most).toBe(3);
  });

  test('gives up a verdict that does not come by the deadline, and tells its function', async () => {
    const signals: AbortSignal[] = [];
    const scorer = verifierScorer(({ text, signal }) => {
      signals.push(signal);
      return text === 'slow' ? never : true;
    });
    const scores = await scorer.score('p', [finished('slow'), finished('fast')], { deadlineAt: systemClock.now() + 5 });
    expect(scores).toEqual([undefined, 1]);
    expect(signals[0]!.aborted).toBe(true);
  });

  test('gives up at once when its caller leaves, whatever the function does', async () => {
    const controller = new AbortController();
    const scorer = verifierScorer(() => never);
    const scoring = scorer.score('p', [finished('a')], { signal: controller.signal });
    controller.abort('gone');
    await expect(scoring).rejects.toBe('gone');
  });

  test('ends open calls when it is disposed', async () => {
    const scorer = verifierScorer(() => never);
    const scoring = scorer.score('p', [finished('a')]);
    await scorer.dispose();
    await expect(scoring).rejects.toMatchObject({ code: 'LTTS_DISPOSED' });
  });

  test('does not tell of failures behind an abort', async () => {
    const errors: unknown[] = [];
    const controller = new AbortController();
    const scorer = verifierScorer(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))), {
      onError: (error) => errors.push(error),
    });
    const scoring = scorer.score('p', [finished('a')], { signal: controller.signal });
    controller.abort('gone');
    await expect(scoring).rejects.toBe('gone');
    expect(errors).toEqual([]);
  });

  test('refuses what is no function, and a concurrency below 1', () => {
    expect(() => verifierScorer('yes' as never)).toThrow('`verify`');
    expect(() => verifierScorer(() => true, { concurrency: 0 })).toThrow('`concurrency`');
  });
});

test('goes by what it was told to expect until calls have told', async () => {
  const clock = new ManualClock();
  const scorer = verifierScorer(() => (clock.advance(30), true), { concurrency: 2, expectedMs: 100 });
  expect([1, 2, 5].map((texts) => scorer.estimateMs!(texts))).toEqual([100, 100, 300]);
  await scorer.score('1+1', [{ text: '2', isFinished: true }], { clock });
  expect(scorer.estimateMs!(1)).toBe(30);
  expect(() => verifierScorer(() => true, { expectedMs: 0 })).toThrow(expect.objectContaining({ option: 'expectedMs' }));
});

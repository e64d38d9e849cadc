import { describe, expect, test } from 'vitest';
import type { ScoredText, ScoreOptions } from '../../src/contracts/scorer.ts';
import { RunScope } from '../../src/runtime/run-scope.ts';
import { ScoreQueue } from '../../src/runtime/score-queue.ts';
import { withinDeadline } from '../../src/runtime/within-deadline.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

interface Call {
  readonly texts: readonly string[];
  readonly options: ScoreOptions;
  answer(scores: readonly (number | undefined)[]): void;
  fail(error: Error): void;
}

/** A scorer whose calls are answered by hand. */
function openQueue({ deadlineMs = Infinity, signal }: { readonly deadlineMs?: number; readonly signal?: AbortSignal } = {}) {
  const clock = new ManualClock();
  const calls: Call[] = [];
  const scope = new RunScope({
    engine: { open: () => Promise.reject(new Error('not touched')) } as never,
    prompt: 'why?',
    clock,
    deadlineMs,
    ...(signal && { signal }),
  });
  const queue = new ScoreQueue<number>(scope, 'why?', {
    name: 'by hand',
    score: (_, texts, options = {}) =>
      new Promise((resolve, reject) => calls.push({ texts: texts.map(({ text }) => text), options, answer: resolve, fail: reject })),
  });
  return { clock, calls, queue, scope };
}

const finished = (text: string): ScoredText => ({ text, isFinished: true });
/** Lets everything happen that needs no time. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a score queue', () => {
  test('has one call under way, and the next takes all that has come since', async () => {
    const { queue, calls } = openQueue();
    const scores = ['a', 'b'].map((text) => queue.add(finished(text)));
    await turn();
    expect(calls.map(({ texts }) => texts)).toEqual([['a', 'b']]);
    scores.push(...['c', 'd', 'e'].map((text) => queue.add(finished(text))));
    await turn();
    expect(calls).toHaveLength(1);
    calls[0]!.answer([1, 2]);
    await turn();
    expect(calls[1]!.texts).toEqual(['c', 'd', 'e']);
    calls[1]!.answer([3, undefined, 5]);
    expect(await Promise.all(scores)).toEqual([1, 2, 3, undefined, 5]);
    await queue.settle();
    expect(calls).toHaveLength(2);
  });

  test('scores equal texts once, whenever they come', async () => {
    const { queue, calls } = openQueue();
    const scores = [queue.add(finished('a')), queue.add(finished('a')), queue.add({ text: 'a', isFinished: false })];
    await turn();
    expect(calls[0]!.texts).toEqual(['a', 'a']);
    calls[0]!.answer([1, 2]);
    await turn();
    scores.push(queue.add(finished('a')));
    expect(await Promise.all(scores)).toEqual([1, 1, 2, 1]);
    expect(calls).toHaveLength(1);
  });

  test('outlives a call that fails, also by the wrong number of scores', async () => {
    const { queue, calls } = openQueue();
    const fault = new Error('no memory');
    for (const [index, text] of ['a', 'b', 'c'].entries()) {
      const score = queue.add(finished(text));
      await turn();
      if (index === 0) calls[0]!.fail(fault);
      else calls[index]!.answer(index === 1 ? [] : [7]);
      expect(await score).toBe(index < 2 ? undefined : 7);
    }
    expect(queue.errors).toEqual([fault, expect.objectContaining({ code: 'LTTS_MODEL', message: 'The scorer by hand gave 0 scores for 1 texts.' })]);
  });

  test('gives every call the deadline and the clock of the run', async () => {
    const { queue, calls, clock, scope } = openQueue({ deadlineMs: 50 });
    void queue.add(finished('a'));
    await turn();
    expect(calls[0]!.options).toMatchObject({ clock, deadlineAt: scope.deadlineAt });
  });

  test('waits for a call that hangs until the deadline only, tells it to stop and drops what it says later', async () => {
    const { queue, calls, clock } = openQueue({ deadlineMs: 50 });
    const scores = [queue.add(finished('a')), queue.add(finished('b'))];
    await turn();
    const settled = queue.settle();
    let isSettled = false;
    void settled.then(() => (isSettled = true));
    clock.advance(49);
    await turn();
    expect([isSettled, calls[0]!.options.signal!.aborted]).toEqual([false, false]);
    clock.advance(1);
    await settled;
    expect(calls[0]!.options.signal!.aborted).toBe(true);
    calls[0]!.answer([1, 2]);
    expect(await Promise.all([...scores, queue.add(finished('c'))])).toEqual([undefined, undefined, undefined]);
    await turn();
    expect(calls).toHaveLength(1);
    expect(queue.errors).toEqual([]);
  });

  test('starts no call behind the deadline', async () => {
    const { queue, calls, clock } = openQueue({ deadlineMs: 50 });
    const first = queue.add(finished('a'));
    await turn();
    const second = queue.add(finished('b'));
    clock.advance(60);
    calls[0]!.answer([1]);
    await turn();
    await queue.settle();
    expect(await Promise.all([first, second])).toEqual([1, undefined]);
    expect(calls).toHaveLength(1);
  });

  test('rejects its wait with the reason of an abort', async () => {
    const controller = new AbortController();
    const { queue, calls } = openQueue({ signal: controller.signal });
    void queue.add(finished('a'));
    await turn();
    const settled = queue.settle();
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(settled).rejects.toBe(reason);
    queue.close();
    expect(calls[0]!.options.signal!.aborted).toBe(true);
  });
});

describe('a wait within the deadline', () => {
  test('ends with what comes first: the work, the deadline or an abort', async () => {
    const { scope, clock } = openQueue({ deadlineMs: 50 });
    expect(await withinDeadline(scope, Promise.resolve(4))).toBe(4);
    const fault = new Error('broken');
    await expect(withinDeadline(scope, Promise.reject(fault))).rejects.toBe(fault);
    const late = withinDeadline(scope, new Promise(() => undefined));
    clock.advance(50);
    expect(await late).toBeUndefined();
  });
});

/**
 * What every scorer keeps, as checks that throw; a test file runs each law by name.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Prompt } from '../../src/contracts/prompt.ts';
import type { OutcomeScorer, ScoredText, StepScorer } from '../../src/contracts/scorer.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

export type AnyScorer = OutcomeScorer | StepScorer;

export interface ScorerSubject {
  /**
   * A scorer of its own; the law disposes it. Takes at most two texts at once, and each time moves the clock on by 10 ms.
   *
   * @param onScoring - Called whenever scoring of some texts begins.
   */
  open(clock: ManualClock, onError?: (error: unknown, text: ScoredText) => void, onScoring?: () => void): AnyScorer;
  readonly prompt: Prompt;
  /** At least five different texts that can be scored. */
  readonly texts: readonly ScoredText[];
  /** A text whose scoring fails. */
  readonly broken: ScoredText;
  /** Checks that nothing is held any more; called after the scorer was disposed. */
  requireFreed?(): void;
}

export interface ScorerLaw {
  readonly name: string;
  check(subject: ScorerSubject): Promise<void>;
}

type Score = number | readonly number[] | undefined;

function law(name: string, check: (scorer: AnyScorer, subject: ScorerSubject, clock: ManualClock) => Promise<void>): ScorerLaw {
  return {
    name,
    async check(subject) {
      const clock = new ManualClock();
      const scorer = subject.open(clock);
      try {
        await check(scorer, subject, clock);
      } finally {
        await scorer.dispose();
      }
      subject.requireFreed?.();
    },
  };
}

export const scorerLaws: readonly ScorerLaw[] = [
  law('a batch gives what its texts give alone, in order', async (scorer, subject) => {
    const { texts } = subject;
    const together = await scoresOf(scorer, subject, texts);
    assert.equal(together.length, texts.length);
    assert.ok(
      together.every((score) => score !== undefined),
      'a text has no score',
    );
    assert.ok(new Set(together.map((score) => JSON.stringify(score))).size > 1, 'all scores are the same: this law shows nothing');
    assertAlike(await scoresOf(scorer, subject, [...texts].reverse()), [...together].reverse(), 'backwards');
    const alone = subject.open(new ManualClock());
    try {
      for (const [index, text] of texts.entries()) assertAlike(await scoresOf(alone, subject, [text]), [together[index]], `text ${index}`);
    } finally {
      await alone.dispose();
    }
  }),
  law('a repeated text has one score at each of its places', async (scorer, subject) => {
    const [first, second] = subject.texts as [ScoredText, ScoredText];
    const scores = await scoresOf(scorer, subject, [first, second, { ...first }, second, first]);
    assert.deepEqual(scores, [scores[0], scores[1], scores[0], scores[1], scores[0]]);
    assert.notEqual(scores[0], undefined);
  }),
  law('no texts have no scores', async (scorer, subject) => {
    assert.deepEqual(await scoresOf(scorer, subject, []), []);
  }),
  law('after the deadline nothing is scored and nothing thrown', async (scorer, subject, clock) => {
    const options = { clock, deadlineAt: clock.now() };
    assert.deepEqual(
      await scorer.score(subject.prompt, subject.texts, options),
      subject.texts.map(() => undefined),
    );
    assert.equal(clock.now(), 0);
  }),
  law('a deadline on the way leaves the first texts scored and the last without', async (scorer, subject, clock) => {
    const whole = await scoresOf(scorer, subject, subject.texts);
    const slow = subject.open(clock);
    try {
      const scores = await slow.score(subject.prompt, subject.texts, { clock, deadlineAt: clock.now() + 15 });
      const count = scores.filter((score) => score !== undefined).length;
      assert.ok(count > 0 && count < scores.length, `${count} of ${scores.length} texts were scored`);
      assertAlike(scores, [...whole.slice(0, count), ...whole.slice(count).map(() => undefined)], 'the scored ones');
    } finally {
      await slow.dispose();
    }
  }),
  law('tells what scoring is likely to take once it has measured it', async (scorer, subject, clock) => {
    assert.equal(scorer.estimateMs?.(1), undefined);
    await scorer.score(subject.prompt, subject.texts.slice(0, 2), { clock });
    const [two, many] = [scorer.estimateMs!(2)!, scorer.estimateMs!(20)!];
    assert.ok(two > 0 && two <= clock.now(), `${two} ms for two texts`);
    assert.ok(many > two, `${many} ms for twenty texts, ${two} for two`);
  }),
  law('once ready it can tell too, and then goes by what real texts take', async (scorer, subject, clock) => {
    if (!scorer.ready) return;
    await Promise.all([scorer.ready({ clock }), scorer.ready({ clock })]);
    const [one, many] = [scorer.estimateMs!(1)!, scorer.estimateMs!(20)!];
    assert.ok(one > 0 && many > one, `${one} ms for one text, ${many} for twenty`);
    const before = clock.now();
    await scorer.ready({ clock });
    assert.equal(clock.now(), before, 'it was measured twice');
    await scorer.score(subject.prompt, subject.texts.slice(0, 1), { clock });
    const took = clock.now() - before;
    assert.ok(Math.abs(scorer.estimateMs!(1)! - took) < 1e-9, `${scorer.estimateMs!(1)} ms expected behind ${took}`);
    await rejectsWithReason(scorer.ready({ signal: AbortSignal.abort(one) }), one);
  }),
  law('an option that there is not is refused', async (scorer, subject) => {
    for (const options of [{ deadlineMs: 5 }, { signals: 1 }, { onErorr: () => 1 }, null])
      await assert.rejects(async () => scorer.score(subject.prompt, subject.texts, options as never), { code: 'LTTS_INVALID_OPTION' });
  }),
  law('an aborted signal rejects with its reason', async (scorer, subject) => {
    const reason = { why: 'the caller has left' };
    await rejectsWithReason(scorer.score(subject.prompt, subject.texts, { signal: AbortSignal.abort(reason) }), reason);
    assertAlike(await scoresOf(scorer, subject, subject.texts.slice(0, 1)), await scoresOf(scorer, subject, subject.texts.slice(0, 1)), 'afterwards');
  }),
  {
    name: 'an abort on the way rejects with its reason, and the next call goes on',
    async check(subject) {
      const controller = new AbortController();
      const reason = new Error('enough');
      let begun = 0;
      const scorer = subject.open(new ManualClock(), undefined, () => ++begun === 2 && controller.abort(reason));
      try {
        await rejectsWithReason(scorer.score(subject.prompt, subject.texts, { signal: controller.signal }), reason);
        assert.ok(begun >= 2);
        const scores = await scoresOf(scorer, subject, subject.texts);
        assert.ok(scores.every((score) => score !== undefined));
      } finally {
        await scorer.dispose();
      }
      subject.requireFreed?.();
    },
  },
  {
    name: 'a text whose scoring fails has no score, the others have theirs, and the reason is told',
    async check(subject) {
      const failures: [unknown, ScoredText][] = [];
      const scorer = subject.open(new ManualClock(), (error, text) => {
        failures.push([error, text]);
        throw new Error('a listener that throws');
      });
      try {
        const whole = await scoresOf(scorer, subject, subject.texts);
        const { broken, texts } = subject;
        const scores = await scoresOf(scorer, subject, [texts[0]!, broken, ...texts.slice(1)]);
        assertAlike(scores, [whole[0], undefined, ...whole.slice(1)], 'beside the broken one');
        assert.equal(failures.length, 1);
        assert.ok(failures[0]![0] instanceof Error);
        assert.deepEqual(failures[0]![1], broken);
        assert.deepEqual(await scoresOf(scorer, subject, [broken]), [undefined]);
      } finally {
        await scorer.dispose();
      }
      subject.requireFreed?.();
    },
  },
  law('calls at once give what they give one after another', async (scorer, subject) => {
    const { texts } = subject;
    const expected = await scoresOf(scorer, subject, texts);
    const calls = await Promise.all([
      scoresOf(scorer, subject, texts),
      scoresOf(scorer, subject, texts.slice(2)),
      scoresOf(scorer, subject, texts.slice(0, 1)),
    ]);
    assertAlike(calls[0]!, expected, 'the first call');
    assertAlike(calls[1]!, expected.slice(2), 'the second');
    assertAlike(calls[2]!, expected.slice(0, 1), 'the third');
  }),
  law('can be disposed twice, and refuses work then', async (scorer, subject) => {
    await scoresOf(scorer, subject, subject.texts.slice(0, 1));
    await Promise.all([scorer.dispose(), scorer.dispose()]);
    await scorer.dispose();
    await assert.rejects(scorer.score(subject.prompt, subject.texts), { code: 'LTTS_DISPOSED' });
  }),
  law('can be disposed before anything was scored', async (scorer) => scorer.dispose()),
];

function scoresOf(scorer: AnyScorer, { prompt }: ScorerSubject, texts: readonly ScoredText[]): Promise<readonly Score[]> {
  return scorer.score(prompt, texts);
}

/** Equal up to what the order of additions in a model's pass may change. */
function assertAlike(actual: readonly Score[], expected: readonly Score[], what: string): void {
  assert.equal(actual.length, expected.length, what);
  for (const [index, score] of actual.entries()) {
    const [left, right] = [score, expected[index]].map((value) => (value === undefined ? value : [value].flat()));
    assert.equal(left?.length, right?.length, `${what}: score ${index} is ${JSON.stringify(score)}, not ${JSON.stringify(expected[index])}`);
    for (const [step, value] of (left ?? []).entries()) {
      assert.ok(Math.abs(value - right![step]!) <= 1e-4, `${what}: score ${index} is ${JSON.stringify(score)}, not ${JSON.stringify(expected[index])}`);
    }
  }
}

async function rejectsWithReason(promise: Promise<unknown>, reason: unknown): Promise<void> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  assert.ok(outcome, 'it did not reject');
  assert.equal(outcome.error, reason);
}

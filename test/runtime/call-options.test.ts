import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/contracts/engine.ts';
import type { OutcomeScorer } from '../../src/contracts/scorer.ts';
import { InvalidOptionError } from '../../src/errors.ts';
import { requireCallOptions } from '../../src/runtime/call-options.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { verifierScorer } from '../../src/scoring/verifier-scorer.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { mainDecoder, scriptedModel } from '../engines/scripted-engines.ts';

/** Times that programs take for a time on the system clock, and are another clock's. */
const OTHER_TIMES: readonly (readonly [string, unknown])[] = [
  ['time since the page or process began', performance.now() + 2_000],
  ['seconds since 1970', Date.now() / 1_000 + 2],
  ['microseconds since 1970', Date.now() * 1_000 + 2_000],
  ['nanoseconds of a monotonic clock', Number(process.hrtime.bigint())],
  ['a duration', 2_000],
  ['nothing', 0],
  ['NaN', NaN],
  ['a date', new Date()],
  ['text', '2026-11-30'],
  ['null', null],
];

/** Signals that are none. */
const OTHER_SIGNALS: readonly (readonly [string, unknown])[] = [
  ['a controller', new AbortController()],
  ['a flag', true],
  ['null', null],
  ['a number of milliseconds', 2_000],
  ['an object', {}],
];

describe('times of another clock', () => {
  test.each(OTHER_TIMES)('%s is refused as a deadline', (_, deadlineAt) => {
    expect(() => requireCallOptions({ deadlineAt: deadlineAt as number })).toThrow(InvalidOptionError);
  });

  test.each([
    ['in two seconds', () => systemClock.now() + 2_000],
    ['in a week', () => systemClock.now() + 7 * 86_400_000],
    ['past', () => systemClock.now() - 60_000],
    ['by the date', () => Date.now() + 2_000],
    ['never', () => Infinity],
    ['at once', () => -Infinity],
  ])('%s is taken', (_, time) => {
    expect(() => requireCallOptions({ deadlineAt: time() })).not.toThrow();
  });

  test('on a clock of its own a time is compared with that clock', () => {
    const clock = new ManualClock();
    expect(() => requireCallOptions({ clock, deadlineAt: 2_000 })).not.toThrow();
    expect(() => requireCallOptions({ clock, deadlineAt: Date.now() + 2_000 })).toThrow(/which says 0/);
  });

  test('the message says which clock and how to read it', () => {
    expect(() => requireCallOptions({ deadlineAt: 2_000 })).toThrow(/systemClock\.now\(\) \+ 2_000.*from 1970/);
  });

  test.each([
    ['an engine', async (engine: Engine, deadlineAt: number) => engine.open('ab', { deadlineAt })],
    ['a branch', async (engine: Engine, deadlineAt: number) => (await engine.open('ab', {})).branch(1)[0]!.advance({ deadlineAt })],
    ['a scorer', async (_: Engine, deadlineAt: number) => scorer().score('ab', [{ text: 'c', isFinished: true }], { deadlineAt })],
  ])('%s refuses one before any work', async (_, call) => {
    const engine = mainDecoder(scriptedModel());
    await expect(call(engine, 2_000)).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION', option: 'deadlineAt' });
    await engine.dispose();
  });

  test('a time in place of a duration is refused', async () => {
    const engine = mainDecoder(scriptedModel());
    const run = new SelfConsistency({ branches: 1 }).run({ engine, prompt: 'ab', deadlineMs: Date.now() + 2_000 });
    await expect(run).rejects.toThrow(/It looks like a time/);
    await engine.dispose();
  });
});

describe('what is no signal', () => {
  test.each(OTHER_SIGNALS)('%s is refused', async (_, signal) => {
    const given = { signal: signal as AbortSignal };
    const engine = mainDecoder(scriptedModel());
    const refusal = { code: 'LTTS_INVALID_OPTION', option: 'signal' };
    await expect(new SelfConsistency({ branches: 1 }).run({ engine, prompt: 'ab', ...given })).rejects.toMatchObject(refusal);
    await expect(engine.ready(given)).rejects.toMatchObject(refusal);
    await expect(engine.open('ab', given)).rejects.toMatchObject(refusal);
    const [branch] = (await engine.open('ab', {})).branch(1);
    await expect(branch!.advance(given)).rejects.toMatchObject(refusal);
    await expect(scorer().score('ab', [{ text: 'c', isFinished: true }], given)).rejects.toMatchObject(refusal);
    await engine.dispose();
  });

  test('a controller is told apart', () => {
    expect(() => requireCallOptions({ signal: new AbortController() as unknown as AbortSignal })).toThrow(/Pass the `signal` of the AbortController/);
  });
});

function scorer(): OutcomeScorer {
  return verifierScorer(() => true);
}

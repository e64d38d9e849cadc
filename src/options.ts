import { InvalidOptionError } from './errors.ts';

/** No run takes longer, and no clock of a program goes further back: about three years. */
const LONGEST_MS = 1e11;

/** @throws {InvalidOptionError} unless `value` is a safe integer of at least `least`. */
export function requireWholeNumber(option: string, value: unknown, least = 0): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < least) throw new InvalidOptionError(option, `a whole number of at least ${least}`, value);
}

/** @throws {InvalidOptionError} unless `value` is a finite number in `[low, high]`; `Number.MIN_VALUE` as `low` stands for above 0. */
export function requireNumber(option: string, value: unknown, low: number, high = Infinity): asserts value is number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return;
  const isOpen = low === Number.MIN_VALUE;
  if (high === Infinity) throw new InvalidOptionError(option, `a finite number ${isOpen ? 'above 0' : `of at least ${low}`}`, value);
  throw new InvalidOptionError(option, isOpen ? `a number above 0 and at most ${high}` : `a number from ${low} to ${high}`, value);
}

/**
 * @param now - On the clock that the time is meant on.
 * @throws {InvalidOptionError} for a time that must be another clock's: years away in either direction.
 */
export function requireTime(option: string, value: unknown, now: number): asserts value is number {
  if (typeof value === 'number' && (Math.abs(value) === Infinity || Math.abs(value - now) < LONGEST_MS)) return;
  const advice = 'Times are absolute, on the clock of the call: `systemClock.now() + 2_000` is in two seconds. The system clock counts milliseconds from 1970.';
  throw new InvalidOptionError(option, `a time on the clock, which says ${now}`, value, advice);
}

/** @throws {InvalidOptionError} for what is no positive number of milliseconds, or for a time in place of one. */
export function requireDeadlineMs(value: unknown): asserts value is number {
  if (typeof value !== 'number' || !(value > 0)) throw new InvalidOptionError('deadlineMs', 'a positive number of milliseconds', value);
  if (value === Infinity || value < LONGEST_MS) return;
  throw new InvalidOptionError(
    'deadlineMs',
    'a number of milliseconds from now',
    value,
    'It looks like a time. Pass how long the run may take, such as 2_000.',
  );
}

/** @throws {InvalidOptionError} for what is no signal. */
export function requireSignal(signal: unknown, option = 'signal'): asserts signal is AbortSignal | undefined {
  if (signal === undefined || (typeof signal === 'object' && signal !== null && 'aborted' in signal && 'addEventListener' in signal)) return;
  const isController = typeof signal === 'object' && signal !== null && 'signal' in signal;
  throw new InvalidOptionError(option, 'an AbortSignal', signal, isController ? 'Pass the `signal` of the AbortController.' : '');
}

/** @throws {InvalidOptionError} for what is no clock. */
export function requireClock(clock: unknown): void {
  if (clock === undefined || (typeof clock === 'object' && clock !== null && 'now' in clock && typeof clock.now === 'function')) return;
  throw new InvalidOptionError('clock', 'a clock, with `now()`', clock, 'Leave it out for the system clock.');
}

/** @returns the texts of a prompt. @throws {InvalidOptionError} for what is none. */
export function requirePrompt(prompt: unknown, option = 'prompt'): string[] {
  const texts: unknown[] = Array.isArray(prompt) ? prompt.map((turn: { readonly content?: unknown } | null) => turn?.content) : [textOf(prompt)];
  if (texts.length === 0 || !texts.every((text) => typeof text === 'string')) {
    throw new InvalidOptionError(option, 'a question, messages with a role and a text as content, or `{ text }`', prompt);
  }
  return texts;
}

function textOf(prompt: unknown): unknown {
  return typeof prompt === 'object' && prompt !== null && 'text' in prompt ? prompt.text : prompt;
}

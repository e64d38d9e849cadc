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
  if (Array.isArray(prompt)) for (const [index, turn] of prompt.entries()) requireRole(`prompt[${index}].role`, (turn as { readonly role?: unknown }).role);
  return texts;
}

function requireRole(option: string, role: unknown): void {
  if (role === 'system' || role === 'user' || role === 'assistant') return;
  const advice = role === 'human' ? 'Did you mean `user`?' : role === 'ai' || role === 'model' || role === 'bot' ? 'Did you mean `assistant`?' : '';
  throw new InvalidOptionError(option, "'system', 'user' or 'assistant'", role, advice);
}

function textOf(prompt: unknown): unknown {
  return typeof prompt === 'object' && prompt !== null && 'text' in prompt ? prompt.text : prompt;
}

/** Names of options; of an option that holds options of its own, theirs. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true | Readonly<Record<string, true>> };

/**
 * @param what - Names the options in messages where the whole is none. @param path - Of the object, with a dot at its end.
 * @throws {InvalidOptionError} for what is no object, and for an option that there is not: what is misspelt would do nothing.
 */
export function requireKnownOptions<Options>(what: string, options: unknown, names: OptionNames<Options>, path = ''): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw new InvalidOptionError(what, 'an object', options);
  const known = names as Readonly<Record<string, true | Readonly<Record<string, true>>>>;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(known, name)) throw new InvalidOptionError(path + name, 'an option that there is', value, adviceFor(name, Object.keys(known)));
    const inner = known[name]!;
    if (inner !== true && typeof value === 'object' && value !== null) requireKnownOptions(path + name, value, inner, `${path}${name}.`);
  }
}

function adviceFor(name: string, known: readonly string[]): string {
  const distances = known.map((other) => [other, editDistance(name.toLowerCase(), other.toLowerCase())] as const);
  const nearest = distances.sort(([, left], [, right]) => left - right)[0];
  if (nearest && nearest[1] <= Math.max(2, Math.floor(name.length / 3))) return `Did you mean \`${nearest[0]}\`?`;
  return `There is: ${known.map((other) => `\`${other}\``).join(', ')}.`;
}

/** Letters to insert, delete or replace (Levenshtein). */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[right.length]!;
}

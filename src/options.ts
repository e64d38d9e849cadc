/** Checks of option values, for what needs no schema. `option-schemas.ts` has the schemas. */
import { InvalidOptionError } from './errors.ts';

/** No run takes longer, and no clock of a program goes further back: about three years. */
export const LONGEST_MS = 1e11;
export const UNKNOWN = 'a known option';

/** @throws {InvalidOptionError} unless `value` is a safe integer of at least `least`. */
export function requireWholeNumber(option: string, given: unknown, least = 0): asserts given is number {
  if (!isWhole(given, least)) throw new InvalidOptionError(option, describeWhole(least), given);
}

export function isWhole(given: unknown, least: number): boolean {
  return Number.isSafeInteger(given) && (given as number) >= least;
}

export function describeWhole(least: number): string {
  return `a whole number of at least ${least}`;
}

/** @throws {InvalidOptionError} unless `value` is a finite number in `[low, high]`; `Number.MIN_VALUE` as `low` stands for above 0. */
export function requireNumber(option: string, given: unknown, low: number, high = Infinity): asserts given is number {
  if (!isWithin(given, low, high)) throw new InvalidOptionError(option, describeRange(low, high), given);
}

export function isWithin(given: unknown, low: number, high: number): boolean {
  return typeof given === 'number' && Number.isFinite(given) && given >= low && given <= high;
}

export function describeRange(low: number, high: number): string {
  const least = low === Number.MIN_VALUE ? 'above 0' : low === -Number.MAX_VALUE ? '' : high === Infinity ? `of at least ${low}` : `from ${low}`;
  if (high === Infinity) return `a finite number ${least}`.trimEnd();
  if (high === 1 - Number.EPSILON) return `a number ${least} and below 1`;
  return `a number ${least}${low === Number.MIN_VALUE ? ' and at most' : ' to'} ${high}`;
}

export function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

/**
 * @param what - Names the object where it is none. @param path - Of the object, in messages.
 * @throws {InvalidOptionError} unless it is an object, and for an option that is not among `names`.
 */
export function requireKnownNames(given: unknown, names: readonly string[], what = 'options', path = ''): void {
  if (!isObject(given)) throw new InvalidOptionError(what, 'an object', given);
  const unknown = unknownName(given, names);
  if (unknown === undefined) return;
  throw new InvalidOptionError(path === '' ? unknown : `${path}.${unknown}`, UNKNOWN, InvalidOptionError.NOT_SHOWN, nearestName(unknown, names));
}

/** The first name of an option that is not among `names`. */
export function unknownName(given: object, names: readonly string[]): string | undefined {
  return Object.keys(given).find((name) => !names.includes(name) && (given as Readonly<Record<string, unknown>>)[name] !== undefined);
}

/** A sentence that names the known name nearest to one that is unknown, or all of them. */
export function nearestName(name: string, known: readonly string[]): string {
  const distances = known.map((other) => [other, editDistance(name.toLowerCase(), other.toLowerCase())] as const);
  const nearest = distances.sort(([, left], [, right]) => left - right)[0];
  if (nearest && nearest[1] <= Math.max(2, Math.floor(name.length / 3))) return `Did you mean \`${nearest[0]}\`?`;
  return known.length === 0 ? 'There are none.' : `There is: ${known.map((other) => `\`${other}\``).join(', ')}.`;
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

/**
 * @param now - On the clock that the time is meant on.
 * @throws {InvalidOptionError} for a time that must be another clock's: years away in either direction.
 */
export function requireTime(option: string, given: unknown, now: number): asserts given is number {
  if (typeof given === 'number' && (Math.abs(given) === Infinity || Math.abs(given - now) < LONGEST_MS)) return;
  const advice = 'Times are absolute, on the clock of the call: `systemClock.now() + 2_000` is in two seconds. The system clock counts milliseconds from 1970.';
  throw new InvalidOptionError(option, `a time on the clock, which says ${now}`, given, advice);
}

/** @returns the texts of a prompt. @throws {InvalidOptionError} for what is none. */
export function requirePrompt(prompt: unknown, option = 'prompt'): string[] {
  const parts: unknown[] = Array.isArray(prompt) ? prompt.map((turn: { readonly content?: unknown } | null) => turn?.content) : [textOf(prompt)];
  if (parts.length === 0 || !parts.every((part) => typeof part === 'string')) {
    throw new InvalidOptionError(option, 'a question, messages with a role and a text as content, or `{ text }`', prompt);
  }
  if (Array.isArray(prompt)) for (const [index, turn] of prompt.entries()) requireRole(`${option}[${index}].role`, (turn as { readonly role?: unknown }).role);
  return parts;
}

function requireRole(option: string, role: unknown): void {
  if (role === 'system' || role === 'user' || role === 'assistant') return;
  const advice = role === 'human' ? 'Did you mean `user`?' : role === 'ai' || role === 'model' || role === 'bot' ? 'Did you mean `assistant`?' : '';
  throw new InvalidOptionError(option, "'system', 'user' or 'assistant'", role, advice);
}

function textOf(prompt: unknown): unknown {
  return typeof prompt === 'object' && prompt !== null && 'text' in prompt ? prompt.text : prompt;
}

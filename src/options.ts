/**
 * Options: what each may be, its default and its description are written once, as a valibot schema with a docstring.
 *
 * Types of options come from the schemas (`OptionsOf`), and editors show the docstrings of the entries. Checks, the options that
 * clients of `serve` may set and the tables in docs/strategies come from them as well.
 *
 * @module
 */
import * as v from 'valibot';
import { InvalidOptionError } from './errors.ts';

/** No run takes longer, and no clock of a program goes further back: about three years. */
const LONGEST_MS = 1e11;

type OptionalNames<Entries extends v.ObjectEntries> = {
  [Name in keyof Entries]: undefined extends v.InferInput<Entries[Name]> ? Name : never;
}[keyof Entries];

/** The options that a caller passes, with the docstrings of the entries. */
export type OptionsOf<Entries extends v.ObjectEntries> = {
  readonly [Name in keyof Pick<Entries, OptionalNames<Entries>>]?: Exclude<v.InferInput<Entries[Name]>, undefined>;
} & {
  readonly [Name in keyof Omit<Entries, OptionalNames<Entries>>]: v.InferInput<Entries[Name]>;
};

type AbsentNames<Entries extends v.ObjectEntries> = {
  [Name in keyof Entries]: undefined extends v.InferOutput<Entries[Name]> ? Name : never;
}[keyof Entries];

/** Options that have been checked, with defaults filled in. */
export type SettingsOf<Entries extends v.ObjectEntries> = {
  readonly [Name in keyof Pick<Entries, AbsentNames<Entries>>]?: Exclude<v.InferOutput<Entries[Name]>, undefined>;
} & {
  readonly [Name in keyof Omit<Entries, AbsentNames<Entries>>]: v.InferOutput<Entries[Name]>;
};

/** Entries for options whose type is declared elsewhere: one for each, of its type. To be used with `satisfies`. */
export type EntriesFor<Options> = { readonly [Name in keyof Options]-?: v.GenericSchema<Options[Name] | undefined> };

/** A value that satisfies `check`. @param expected - Follows "to be". @param advice - A sentence that says what to do. */
/* @__NO_SIDE_EFFECTS__ */
export function value<Value>(expected: string, check: (value: unknown) => boolean, advice = ''): v.GenericSchema<Value> {
  return v.custom<Value>(check, advice ? `${expected}\n${advice}` : expected);
}

/** As `value`, for what only code can pass: an engine, a function. */
/* @__NO_SIDE_EFFECTS__ */
export function codeValue<Value>(expected: string, check: (value: unknown) => boolean, advice = ''): v.GenericSchema<Value> {
  return Object.assign(value<Value>(expected, check, advice), { isCodeOnly: true });
}

/** An object of which `method` is a function, for what only code can pass. */
/* @__NO_SIDE_EFFECTS__ */
export function objectWith<Value>(method: keyof Value & string, expected: string, advice = ''): v.GenericSchema<Value> {
  return codeValue<Value>(expected, (given) => typeof (given as Readonly<Record<string, unknown>> | null | undefined)?.[method] === 'function', advice);
}

/* @__NO_SIDE_EFFECTS__ */
export function func<Value>(expected = 'a function'): v.GenericSchema<Value> {
  return codeValue<Value>(expected, (given) => typeof given === 'function');
}

/** A safe integer of at least `least`. */
/* @__NO_SIDE_EFFECTS__ */
export function wholeNumber(least = 0): v.GenericSchema<number> {
  return value(`a whole number of at least ${least}`, (given) => isWhole(given, least));
}

function isWhole(given: unknown, least: number): boolean {
  return Number.isSafeInteger(given) && (given as number) >= least;
}

/** A finite number in `[low, high]`; `Number.MIN_VALUE` as `low` stands for above 0, `1 - Number.EPSILON` as `high` for below 1. */
/* @__NO_SIDE_EFFECTS__ */
export function number(low = -Number.MAX_VALUE, high = Infinity): v.GenericSchema<number> {
  return value(describeRange(low, high), (given) => isWithin(given, low, high));
}

function isWithin(given: unknown, low: number, high: number): boolean {
  return typeof given === 'number' && Number.isFinite(given) && given >= low && given <= high;
}

/** A number in `[low, Infinity]`. */
/* @__NO_SIDE_EFFECTS__ */
export function numberOrInfinity(low: number): v.GenericSchema<number> {
  return value(`${describeRange(low, Infinity)}, or Infinity`, (given) => typeof given === 'number' && given >= low);
}

function describeRange(low: number, high: number): string {
  const least = low === Number.MIN_VALUE ? 'above 0' : low === -Number.MAX_VALUE ? '' : high === Infinity ? `of at least ${low}` : `from ${low}`;
  if (high === Infinity) return `a finite number ${least}`.trimEnd();
  if (high === 1 - Number.EPSILON) return `a number ${least} and below 1`;
  return `a number ${least}${low === Number.MIN_VALUE ? ' and at most' : ' to'} ${high}`;
}

/** One of `names`. @param others - What else is right, to follow "or". */
/* @__NO_SIDE_EFFECTS__ */
export function oneOf<const Names extends readonly string[]>(names: Names, others?: string): v.PicklistSchema<Names, string> {
  return v.picklist(names, list([...names.map((name) => `'${name}'`), ...(others ? [others] : [])]));
}

/** One of `names`, or what only code can pass. */
/* @__NO_SIDE_EFFECTS__ */
export function oneOfOr<const Name extends string, Value>(names: readonly Name[], other: v.GenericSchema<Value>, what: string): v.GenericSchema<Name | Value> {
  return v.union([oneOf(names), other], list([...names.map((name) => `'${name}'`), what]));
}

export const flag: v.GenericSchema<boolean> = /* @__PURE__ */ value('true or false', (given) => typeof given === 'boolean');
export const text: v.GenericSchema<string> = /* @__PURE__ */ value('text that is not empty', (given) => typeof given === 'string' && given !== '');

/** Strings that are not empty. */
/* @__NO_SIDE_EFFECTS__ */
export function texts(least = 0): v.GenericSchema<readonly string[]> {
  const expected = least === 0 ? 'a list of strings that are not empty' : 'a list of at least one string, none of them empty';
  return value(expected, (given) => Array.isArray(given) && given.length >= least && given.every((entry) => typeof entry === 'string' && entry !== ''));
}

/** A list of at least one. @param what - One of them. */
/* @__NO_SIDE_EFFECTS__ */
export function listOf<Input, Output>(schema: v.GenericSchema<Input, Output>, what: string): v.GenericSchema<readonly Input[], readonly Output[]> {
  const expected = `a list of at least one ${what}`;
  return v.pipe(v.array(schema, expected), v.minLength(1, expected)) as unknown as v.GenericSchema<readonly Input[], readonly Output[]>;
}

function list(choices: readonly string[]): string {
  return choices.length === 1 ? choices[0]! : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}

/** An object of options: one that is not among `entries` is refused by name, one that is `undefined` counts as left out. */
/* @__NO_SIDE_EFFECTS__ */
export function optionsSchema<const Entries extends v.ObjectEntries>(
  entries: Entries,
): v.GenericSchema<OptionsOf<Entries>, SettingsOf<Entries>> & { readonly entries: Entries } {
  const schema = v.pipe(
    v.custom<object>((given) => typeof given === 'object' && given !== null && !Array.isArray(given), 'an object'),
    v.rawTransform(({ dataset: { value: given }, addIssue, NEVER }) => {
      const names = Object.keys(entries);
      const unknown = unknownName(given, names);
      if (unknown !== undefined) {
        const option = (given as Readonly<Record<string, unknown>>)[unknown];
        addIssue({ message: `a known option\n${nearestName(unknown, names)}`, input: option, path: [pathItem(given, unknown, option)] });
        return NEVER;
      }
      const missing = names.filter((name) => entries[name]!.type !== 'optional').map((name) => [name, undefined] as const);
      return Object.fromEntries([...missing, ...Object.entries(given).filter(([, option]) => option !== undefined)]);
    }),
    v.object(entries),
  );
  return Object.assign(schema as unknown as v.GenericSchema<OptionsOf<Entries>, SettingsOf<Entries>>, { entries });
}

/** The first name of an option that is not among `names`. */
function unknownName(given: object, names: readonly string[]): string | undefined {
  return Object.entries(given).find(([name, option]) => option !== undefined && !names.includes(name))?.[0];
}

/** @throws {InvalidOptionError} for what is no object, and for an option that is not among `names`. */
export function requireKnownNames(given: unknown, names: readonly string[], what = 'options'): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new InvalidOptionError(what, 'an object', given);
  const unknown = unknownName(given, names);
  if (unknown === undefined) return;
  throw new InvalidOptionError(unknown, 'a known option', (given as Readonly<Record<string, unknown>>)[unknown], nearestName(unknown, names));
}

function pathItem(input: object, key: string, option: unknown): v.UnknownPathItem {
  return { type: 'unknown', origin: 'value', input, key, value: option };
}

/**
 * Checks options and fills defaults in.
 *
 * @param path - Of the object, in messages. @param what - Names the object where it is not even one.
 * @throws {InvalidOptionError} with the path of the first option that is unknown or wrong.
 */
export function readOptions<Entries extends v.ObjectEntries>(entries: Entries, given: unknown, path = '', what = path || 'options'): SettingsOf<Entries> {
  return readValue(optionsSchema(entries), given, path, what);
}

/** Checks one value. @throws {InvalidOptionError} */
export function readValue<Output>(
  schema: v.GenericSchema<never, Output> | v.GenericSchema<unknown, Output>,
  given: unknown,
  path: string,
  what = path,
): Output {
  const parsed = v.safeParse(schema as v.GenericSchema<unknown, Output>, given);
  if (parsed.success) return parsed.output;
  throw wrongValue(parsed.issues[0], path, undefined, '', what);
}

/** @param expected - Where no schema says it. @param advice - Likewise. */
export function wrongValue(outer: v.BaseIssue<unknown>, path: string, expected?: string, advice?: string, what = path): InvalidOptionError {
  const { issue, keys } = innermost(outer, path === '' ? [] : [path]);
  const [phrase, advised] = issue.message.split('\n');
  const option = keys.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`)).join('');
  const isOurs = !phrase!.startsWith('Invalid ');
  return new InvalidOptionError(option || what, isOurs || expected === undefined ? phrase! : expected, issue.input, advised ?? advice);
}

/** Of a value that might have been several things, what is wrong with the one it resembles. */
export function innermost(
  issue: v.BaseIssue<unknown>,
  above: readonly unknown[] = [],
): { readonly issue: v.BaseIssue<unknown>; readonly keys: readonly unknown[] } {
  const keys = [...above, ...(issue.path ?? []).map(({ key }) => key)];
  const meant = issue.issues?.find((inner) => inner.path !== undefined || inner.kind === 'validation');
  return meant ? innermost(meant, keys) : { issue, keys };
}

/** Whether plain data can set an option. */
export function isPlain(schema: object): boolean {
  if ('wrapped' in schema) return isPlain(schema.wrapped as object);
  if ('options' in schema && Array.isArray(schema.options))
    return (schema.options as unknown[]).some((one) => typeof one !== 'object' || isPlain(one as object));
  return !('isCodeOnly' in schema);
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

/** @throws {InvalidOptionError} unless `value` is a safe integer of at least `least`. */
export function requireWholeNumber(option: string, given: unknown, least = 0): asserts given is number {
  if (!isWhole(given, least)) readValue(wholeNumber(least), given, option);
}

/** @throws {InvalidOptionError} unless `value` is a finite number in `[low, high]`, as `number` has it. */
export function requireNumber(option: string, given: unknown, low: number, high = Infinity): asserts given is number {
  if (!isWithin(given, low, high)) readValue(number(low, high), given, option);
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

/** @throws {InvalidOptionError} for what is no positive number of milliseconds, or for a time in place of one. */
export function requireDeadlineMs(given: unknown): asserts given is number {
  if (typeof given !== 'number' || !(given > 0)) throw new InvalidOptionError('deadlineMs', 'a positive number of milliseconds', given);
  if (given === Infinity || given < LONGEST_MS) return;
  throw new InvalidOptionError(
    'deadlineMs',
    'a number of milliseconds from now',
    given,
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

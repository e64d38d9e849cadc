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
import { LONGEST_MS, UNKNOWN, describeRange, describeWhole, isObject, isWhole, isWithin, nearestName, unknownName } from './options.ts';

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
  return value(describeWhole(least), (given) => isWhole(given, least));
}

/** A finite number in `[low, high]`; `Number.MIN_VALUE` as `low` stands for above 0, `1 - Number.EPSILON` as `high` for below 1. */
/* @__NO_SIDE_EFFECTS__ */
export function number(low = -Number.MAX_VALUE, high = Infinity): v.GenericSchema<number> {
  return value(describeRange(low, high), (given) => isWithin(given, low, high));
}

/** A number in `[low, Infinity]`. */
/* @__NO_SIDE_EFFECTS__ */
export function numberOrInfinity(low: number): v.GenericSchema<number> {
  return value(`${describeRange(low, Infinity)}, or Infinity`, (given) => typeof given === 'number' && given >= low);
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

export const anyText: v.GenericSchema<string> = /* @__PURE__ */ value('text', (given) => typeof given === 'string');

/** An object, not a list. */
/* @__NO_SIDE_EFFECTS__ */
export function plainObject<Value>(): v.GenericSchema<Value> {
  return value('an object', isObject);
}

/** Strings that are not empty. */
/* @__NO_SIDE_EFFECTS__ */
export function texts(least = 0): v.GenericSchema<readonly string[]> {
  const expected = least === 0 ? 'a list of strings that are not empty' : 'a list of at least one string, none of them empty';
  return value(expected, (given) => Array.isArray(given) && given.length >= least && given.every((entry) => typeof entry === 'string' && entry !== ''));
}

/** Options that `kind` tells apart. */
/* @__NO_SIDE_EFFECTS__ */
export function byKind<Input, Output>(kinds: Readonly<Record<string, v.ObjectEntries>>): v.GenericSchema<Input, Output> {
  const kindSchema = oneOf(Object.keys(kinds));
  return v.lazy((given) => {
    const kind = typeof given === 'object' && given !== null && 'kind' in given ? given.kind : undefined;
    const known = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    return known
      ? optionsSchema(known)
      : v.pipe(
          plainObject<{ readonly kind?: unknown }>(),
          v.transform(({ kind }) => ({ kind })),
          v.object({ kind: kindSchema }),
        );
  }) as unknown as v.GenericSchema<Input, Output>;
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
    plainObject<object>(),
    v.rawTransform(({ dataset: { value: given }, addIssue, NEVER }) => {
      const names = Object.keys(entries);
      const unknown = unknownName(given, names);
      if (unknown !== undefined) {
        const option = (given as Readonly<Record<string, unknown>>)[unknown];
        addIssue({ message: `${UNKNOWN}\n${nearestName(unknown, names)}`, input: option, path: [pathItem(given, unknown, option)] });
        return NEVER;
      }
      const missing = names.filter((name) => entries[name]!.type !== 'optional').map((name) => [name, undefined] as const);
      return Object.fromEntries([...missing, ...Object.entries(given).filter(([, option]) => option !== undefined)]);
    }),
    v.object(entries),
  );
  return Object.assign(schema as unknown as v.GenericSchema<OptionsOf<Entries>, SettingsOf<Entries>>, { entries });
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
  return new InvalidOptionError(
    option || what,
    isOurs || expected === undefined ? phrase! : expected,
    phrase === UNKNOWN ? InvalidOptionError.NOT_SHOWN : issue.input,
    advised ?? advice,
  );
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

/** The options that are among `entries`. */
export function pickOptions<Entries extends v.ObjectEntries>(entries: Entries, options: OptionsOf<Entries>): OptionsOf<Entries> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(entries, name))) as unknown as OptionsOf<Entries>;
}

/** Whether plain data can set an option. */
export function isPlain(schema: object): boolean {
  if ('wrapped' in schema) return isPlain(schema.wrapped as object);
  if ('options' in schema && Array.isArray(schema.options))
    return (schema.options as unknown[]).some((one) => typeof one !== 'object' || isPlain(one as object));
  return !('isCodeOnly' in schema);
}

/** Milliseconds that a run may take, not a time. */
export const deadlineSchema: v.GenericSchema<number> = /* @__PURE__ */ v.pipe(
  /* @__PURE__ */ value<number>('a positive number of milliseconds', (given) => typeof given === 'number' && given > 0),
  /* @__PURE__ */ v.check(
    (given) => given === Infinity || given < LONGEST_MS,
    'a number of milliseconds from now\nIt looks like a time. Pass how long the run may take, such as 2_000.',
  ),
);

/** @throws {InvalidOptionError} unless it is a positive number of milliseconds; a point in time is refused. */
export function requireDeadlineMs(given: unknown): asserts given is number {
  readValue(deadlineSchema, given, 'deadlineMs');
}

export const signalSchema: v.GenericSchema<AbortSignal> = /* @__PURE__ */ codeValue<AbortSignal>(
  'an AbortSignal',
  (given) => typeof given === 'object' && given !== null && 'aborted' in given && 'addEventListener' in given,
  'Pass the `signal` of the AbortController.',
);

/** @throws {InvalidOptionError} unless it is an `AbortSignal`. */
export function requireSignal(given: unknown): asserts given is AbortSignal | undefined {
  if (given !== undefined) readValue(signalSchema, given, 'signal');
}

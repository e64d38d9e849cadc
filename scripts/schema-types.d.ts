/* eslint-disable @typescript-eslint/no-unused-vars, @typescript-eslint/no-explicit-any -- the parameters are valibot's */
/**
 * The types of valibot that our declarations name. It is bundled, so whoever compiles against us has none of its declarations, which are
 * long and ask for the DOM. `finish-declarations.js` puts this file in their place; what is missing here fails `npm run smoke`.
 */
interface Schema<Input, Output> {
  readonly '~types'?: { readonly input: Input; readonly output: Output } | undefined;
}
type AnySchema = Schema<any, any>;
type Flatten<Type> = { [Key in keyof Type]: Type[Key] } & {};

export type GenericSchema<Input = unknown, Output = Input> = Schema<Input, Output>;
export type InferInput<Item extends AnySchema> = NonNullable<Item['~types']>['input'];
export type InferOutput<Item extends AnySchema> = NonNullable<Item['~types']>['output'];

export type StringSchema<_Message> = Schema<string, string>;
export type NumberSchema<_Message> = Schema<number, number>;
export type BooleanSchema<_Message> = Schema<boolean, boolean>;
export type LiteralSchema<Value, _Message> = Schema<Value, Value>;
export type PicklistSchema<Names extends readonly unknown[], _Message> = Schema<Names[number], Names[number]>;
export type NullableSchema<Wrapped extends AnySchema, _Default> = Schema<InferInput<Wrapped> | null, InferOutput<Wrapped> | null>;
export type UnionSchema<Options extends readonly AnySchema[], _Message> = Schema<InferInput<Options[number]>, InferOutput<Options[number]>>;
export type ArraySchema<Item extends AnySchema, _Message> = Schema<InferInput<Item>[], InferOutput<Item>[]>;
export type TupleSchema<Items extends readonly AnySchema[], _Message> = Schema<
  { -readonly [Place in keyof Items]: InferInput<Items[Place]> },
  { -readonly [Place in keyof Items]: InferOutput<Items[Place]> }
>;
export type RecordSchema<Key extends Schema<any, string>, Value extends AnySchema, _Message> = Schema<
  Record<InferInput<Key>, InferInput<Value>>,
  Record<InferOutput<Key>, InferOutput<Value>>
>;

/** An entry that may be left out, with its default. */
interface Optional<Input, Output, Default> extends Schema<Input, Output> {
  readonly default: Default;
}
export type OptionalSchema<Wrapped extends AnySchema, Default> = Optional<
  InferInput<Wrapped> | undefined,
  undefined extends Default ? InferOutput<Wrapped> | undefined : InferOutput<Wrapped>,
  Default
>;
export type ExactOptionalSchema<Wrapped extends AnySchema, Default> = Optional<InferInput<Wrapped>, InferOutput<Wrapped>, Default>;

export interface ObjectEntries {
  [name: string]: AnySchema;
}
type OptionalInputs<Entries> = { [Name in keyof Entries]: Entries[Name] extends Optional<any, any, any> ? Name : never }[keyof Entries];
type OptionalOutputs<Entries> = { [Name in keyof Entries]: Entries[Name] extends Optional<any, any, undefined> ? Name : never }[keyof Entries];
type ObjectInput<Entries extends ObjectEntries> = Flatten<
  { -readonly [Name in Exclude<keyof Entries, OptionalInputs<Entries>>]: InferInput<Entries[Name]> } & {
    -readonly [Name in OptionalInputs<Entries>]?: InferInput<Entries[Name]>;
  }
>;
type ObjectOutput<Entries extends ObjectEntries> = Flatten<
  { -readonly [Name in Exclude<keyof Entries, OptionalOutputs<Entries>>]: InferOutput<Entries[Name]> } & {
    -readonly [Name in OptionalOutputs<Entries>]?: InferOutput<Entries[Name]>;
  }
>;
export type ObjectSchema<Entries extends ObjectEntries, _Message> = Schema<ObjectInput<Entries>, ObjectOutput<Entries>>;
export type StrictObjectSchema<Entries extends ObjectEntries, _Message> = Schema<ObjectInput<Entries>, ObjectOutput<Entries>>;

/** Checks only: they change no type. */
export type SchemaWithPipe<Pipe extends readonly [AnySchema, ...unknown[]]> = Pipe[0];
export type FiniteAction<_Input, _Message> = unknown;
export type IntegerAction<_Input, _Message> = unknown;
export type SafeIntegerAction<_Input, _Message> = unknown;
export type IsoTimestampAction<_Input, _Message> = unknown;
export type GtValueAction<_Input, _Requirement, _Message> = unknown;
export type LtValueAction<_Input, _Requirement, _Message> = unknown;
export type MinValueAction<_Input, _Requirement, _Message> = unknown;
export type MinLengthAction<_Input, _Requirement, _Message> = unknown;

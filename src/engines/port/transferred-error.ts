import * as errors from '../../errors.ts';

/** An error as plain data: structured cloning would lose the class and the fields of ours. */
export interface TransferredError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

const CLASSES: ReadonlyMap<string, { readonly prototype: Error }> = new Map(
  [
    errors.InvalidOptionError,
    errors.ModelError,
    errors.ModelLoadError,
    errors.ContextLengthError,
    errors.NoCandidateError,
    errors.DisposedError,
    errors.VocabularyMismatchError,
  ].map((Class) => [Class.name, Class]),
);

export function transferError(error: unknown): TransferredError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, fields: {} };
  const fields = errors.isLatencyTtsError(error) ? Object.fromEntries(Object.entries(error).map(([key, value]) => [key, cloneable(value)])) : {};
  return { name: error.name, message: error.message, stack: error.stack, fields };
}

/** An error of the class it had, where the class is ours. */
export function receiveError({ name, message, stack, fields }: TransferredError): Error {
  const Class = CLASSES.get(name);
  const error = Class ? (Object.create(Class.prototype) as Error) : new Error(message);
  Object.defineProperty(error, 'message', { value: message, configurable: true, writable: true });
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  return Object.assign(error, fields, { name });
}

function cloneable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cloneable);
  return typeof value === 'object' || typeof value === 'function' ? String(value) : value;
}

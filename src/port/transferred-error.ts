import * as errors from '../errors.ts';

/** An error as plain data: structured cloning would lose the class and the fields of ours. */
export interface TransferredError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Of an error of ours; `code` tells its class. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Missing where the error has none. */
  readonly cause?: { readonly error: TransferredError } | { readonly value: unknown };
}

/** Causes of causes that are kept; also what ends a circle of them. */
const KEPT_CAUSES = 8;

/** Found by code: bundlers give classes other names, and not the same ones on both sides. */
const CLASSES = new Map<unknown, { readonly prototype: Error }>([
  ['LTTS_INVALID_OPTION', errors.InvalidOptionError],
  ['LTTS_MODEL', errors.ModelError],
  ['LTTS_DEVICE_MEMORY', errors.DeviceMemoryError],
  ['LTTS_DEVICE_LOST', errors.DeviceLostError],
  ['LTTS_SERVER', errors.ServerError],
  ['LTTS_MODEL_LOAD', errors.ModelLoadError],
  ['LTTS_LOCAL_RUNTIME_MISSING', errors.LocalRuntimeMissingError],
  ['LTTS_CHAT_TEMPLATE', errors.ChatTemplateError],
  ['LTTS_MODEL_MEMORY', errors.ModelMemoryError],
  ['LTTS_CONTEXT_LENGTH', errors.ContextLengthError],
  ['LTTS_NO_CANDIDATE', errors.NoCandidateError],
  ['LTTS_PROFILE_MISMATCH', errors.ProfileMismatchError],
  ['LTTS_INFEASIBLE_PLAN', errors.InfeasiblePlanError],
  ['LTTS_NOT_RECORDED', errors.NotRecordedError],
  ['LTTS_DISPOSED', errors.DisposedError],
  ['LTTS_VOCABULARY_MISMATCH', errors.VocabularyMismatchError],
]);

export function transferError(error: unknown, keptCauses = KEPT_CAUSES): TransferredError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, fields: {} };
  const fields = errors.isLatencyTtsError(error) ? Object.fromEntries(Object.entries(error).map(([key, value]) => [key, cloneableField(value)])) : {};
  const transferred = { name: error.name, message: error.message, stack: error.stack, fields };
  if (!('cause' in error) || keptCauses === 0) return transferred;
  const { cause } = error;
  return { ...transferred, cause: cause instanceof Error ? { error: transferError(cause, keptCauses - 1) } : { value: cloneable(cause) } };
}

/** An error of the class it had, where the class is ours. */
export function receiveError({ name, message, stack, fields, cause }: TransferredError): Error {
  const code = fields['code'];
  const error = code === undefined ? new Error(message) : (Object.create((CLASSES.get(code) ?? errors.LatencyTtsError).prototype) as Error);
  const hidden = { message, stack, ...(cause && { cause: 'error' in cause ? receiveError(cause.error) : cause.value }) };
  for (const [key, value] of Object.entries(hidden)) Object.defineProperty(error, key, { value, configurable: true, writable: true });
  return Object.assign(error, fields, { name });
}

function cloneable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cloneable);
  const isPlain = value === null || !['object', 'function', 'symbol'].includes(typeof value);
  return isPlain ? value : String(value);
}

/** Fields of our errors may be records of plain values. */
function cloneableField(value: unknown): unknown {
  const isRecord = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isRecord ? Object.fromEntries(Object.entries(value).map(([key, field]) => [key, cloneable(field)])) : cloneable(value);
}

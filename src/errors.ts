/**
 * Every error this library throws on purpose. An abort is not among them: it rethrows the caller's `signal.reason`.
 * A passed deadline is not among them either: it ends a run with the best answer so far.
 *
 * @module
 */

/** Base of all errors of this library. Each class states its name: bundlers that minify rename classes. */
export class LatencyTtsError extends Error {
  override name = 'LatencyTtsError';
  /** Stable identifier that starts with `LTTS_`; holds across two installed copies of the package. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An option or argument is outside its range. Thrown before any work starts. */
export class InvalidOptionError extends LatencyTtsError {
  override name = 'InvalidOptionError';
  /** In place of a value that a message must not show: a misspelt `apiKey` is a key all the same. */
  static readonly NOT_SHOWN = Symbol('not shown');
  /** Dotted path of the option. */
  readonly option: string;

  /**
   * @param option - Dotted path of the option.
   * @param expected - What would have been right, to follow "to be".
   * @param received - The offending value, or `NOT_SHOWN`.
   * @param advice - A sentence that says what to do.
   */
  constructor(option: string, expected: string, received: unknown, advice?: string) {
    super(
      'LTTS_INVALID_OPTION',
      `Expected \`${option}\` to be ${expected}${received === InvalidOptionError.NOT_SHOWN ? '' : `, got ${describeValue(received)}`}.${advice ? ` ${advice}` : ''}`,
    );
    this.option = option;
  }
}

/** A model, tokenizer or scorer failed while working. */
export class ModelError extends LatencyTtsError {
  override name = 'ModelError';
  constructor(message: string, options?: ErrorOptions, code = 'LTTS_MODEL') {
    super(code, message, options);
  }
}

/** A GPU has no room for what a model needs. Engines try with fewer branches before they give up. */
export class DeviceMemoryError extends ModelError {
  override name = 'DeviceMemoryError';
  /** @param what - What did not fit, as a sentence without its end. */
  constructor(what: string, options?: ErrorOptions) {
    super(`${what}. Decode fewer branches (\`maxRows\`), draft less, shorten the prompt, or choose another device.`, options, 'LTTS_DEVICE_MEMORY');
  }
}

/** The GPU is gone: its driver was reset, it was taken out, or the browser has taken it back. What was on it is lost. */
export class DeviceLostError extends ModelError {
  override name = 'DeviceLostError';
  /** @param what - What failed, as a sentence without its end. */
  constructor(what: string, options?: ErrorOptions) {
    super(`${what}. The device is lost, with the model and its caches. Dispose of the engine and make a new one.`, options, 'LTTS_DEVICE_LOST');
  }
}

/**
 * What a server did wrong. `connect`: it could not be reached. `timeout`: it did not answer in time. `status`: it answered with
 * an error. `rate-limit`: it wants fewer requests. `authentication`: it wants another key. `request`: it refused what was asked.
 * `stream`: it ended its answer early or told of a failure within it. `protocol`: its answer is not what the interface says.
 */
export type ServerErrorKind = 'connect' | 'timeout' | 'status' | 'rate-limit' | 'authentication' | 'request' | 'stream' | 'protocol';

/** A server that an engine or a scorer asks has failed. Never carries the key, nor any header of the request. */
export class ServerError extends LatencyTtsError {
  override name = 'ServerError';
  readonly kind: ServerErrorKind;
  /** HTTP status of the answer; `undefined` where there was none. */
  readonly status: number | undefined;
  /** Whether the same request may succeed a moment later. */
  readonly isRetryable: boolean;
  /** Milliseconds the server asked to wait before the next request. */
  readonly retryAfterMs: number | undefined;
  /** Field of the request that the server does not take, where it says so and the request makes sense without. */
  readonly refusedField: string | undefined;

  constructor(
    kind: ServerErrorKind,
    message: string,
    options: ErrorOptions & { readonly status?: number; readonly isRetryable?: boolean; readonly retryAfterMs?: number; readonly refusedField?: string } = {},
  ) {
    super('LTTS_SERVER', message, options);
    this.kind = kind;
    this.status = options.status;
    this.isRetryable = options.isRetryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.refusedField = options.refusedField;
  }
}

/** A model or tokenizer could not be loaded: a missing, broken or unsupported file. */
export class ModelLoadError extends LatencyTtsError {
  override name = 'ModelLoadError';
  /** The path or id that was asked for. */
  readonly source: string;

  constructor(source: string, message: string, options?: ErrorOptions, code = 'LTTS_MODEL_LOAD') {
    super(code, message, options);
    this.source = source;
  }
}

/** A model's weights are larger than the memory that is free. Thrown before they are loaded. */
export class ModelMemoryError extends ModelLoadError {
  override name = 'ModelMemoryError';
  readonly neededBytes: number;
  readonly freeBytes: number;

  constructor(source: string, neededBytes: number, freeBytes: number) {
    const [needed, free] = [neededBytes, freeBytes].map((bytes) => `${(bytes / 1e9).toFixed(2)} GB`);
    super(
      source,
      `The weights of ${source} take ${needed}, and ${free} of memory are free. Choose a smaller model or \`dtype\`, or free memory; models that are loaded already count.`,
      undefined,
      'LTTS_MODEL_MEMORY',
    );
    this.neededBytes = neededBytes;
    this.freeBytes = freeBytes;
  }
}

/** What runs models on this machine is not installed, or does not work here. */
export class LocalRuntimeMissingError extends ModelLoadError {
  override name = 'LocalRuntimeMissingError';

  /**
   * @param packageName - The package that cannot be imported.
   * @param advice - What to do, as a sentence.
   */
  constructor(packageName: string, advice: string, options: ErrorOptions) {
    const { cause } = options;
    const detail = cause instanceof Error && !isNotFound(cause) ? ` (${cause.message.split('\n')[0]})` : '';
    const state = detail ? `cannot be loaded${detail}` : 'is not installed';
    super(packageName, `Models on this machine need the optional package ${packageName}, which ${state}. ${advice}`, options, 'LTTS_LOCAL_RUNTIME_MISSING');
  }
}

function isNotFound(error: Error): boolean {
  return 'code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND');
}

/** A model's chat template refuses a conversation: two turns of the same role in a row, say, or a system message it does not know. */
export class ChatTemplateError extends LatencyTtsError {
  override name = 'ChatTemplateError';
  /** What the template says about it. */
  readonly detail: string;

  constructor(detail: string, options?: ErrorOptions) {
    super(
      'LTTS_CHAT_TEMPLATE',
      `The model's chat template refuses these messages: ${detail.replace(/\.$/, '')}. Change the messages, or pass a prompt as \`{ text }\`, which takes no template.`,
      options,
    );
    this.detail = detail;
  }
}

/** The prompt and what has to be generated do not fit the model's context. */
export class ContextLengthError extends LatencyTtsError {
  override name = 'ContextLengthError';
  /** Tokens of the prompt and of what has to follow; `undefined` where a server does not tell. */
  readonly neededTokens: number | undefined;
  /** Tokens the model holds; `undefined` where a server does not tell. */
  readonly contextTokens: number | undefined;

  constructor(neededTokens: number | undefined, contextTokens: number | undefined) {
    const needs = neededTokens === undefined ? 'more tokens' : `${neededTokens} tokens`;
    const holds = contextTokens === undefined ? `${neededTokens === undefined ? 'than' : 'but'} the model holds` : `but the model holds ${contextTokens}`;
    super(
      'LTTS_CONTEXT_LENGTH',
      `The prompt needs ${needs} of context ${holds}. Shorten the prompt, ask for fewer tokens, or choose a model with a longer context.`,
    );
    this.neededTokens = neededTokens;
    this.contextTokens = contextTokens;
  }
}

/** A draft and a target model do not speak of the same tokens. */
export class VocabularyMismatchError extends LatencyTtsError {
  override name = 'VocabularyMismatchError';
  readonly targetSize: number;
  readonly draftSize: number;

  constructor(targetName: string, targetSize: number, draftName: string, draftSize: number) {
    const sizes = targetSize === draftSize ? 'give different meanings to token ids' : `have ${targetSize} and ${draftSize} tokens`;
    super('LTTS_VOCABULARY_MISMATCH', `The models ${targetName} and ${draftName} ${sizes}. Choose a draft with the target's tokenizer.`);
    this.targetSize = targetSize;
    this.draftSize = draftSize;
  }
}

/** The run ended with nothing at all to return. */
export class NoCandidateError extends LatencyTtsError {
  override name = 'NoCandidateError';
  /** What failed, one per branch that did. */
  readonly errors: readonly unknown[];
  readonly stopReason: string;

  constructor(stopReason: string, errors: readonly unknown[]) {
    const first = errors[0] instanceof Error ? ` First failure: ${errors[0].message}` : '';
    const advice = stopReason === 'deadline' && !first ? ' Allow more time, or sample fewer branches.' : '';
    super('LTTS_NO_CANDIDATE', `The run ended (${stopReason}) before any branch produced text.${first}${advice}`, { cause: errors[0] });
    this.errors = errors;
    this.stopReason = stopReason;
  }
}

/** A replay was asked for something that no trace holds. */
export class NotRecordedError extends LatencyTtsError {
  override name = 'NotRecordedError';
  /**
   * @param needed - What was asked for, to follow "needs".
   * @param advice - A sentence that says what to do.
   */
  constructor(needed: string, advice: string) {
    super('LTTS_NOT_RECORDED', `A replay needs ${needed}. ${advice}`);
  }
}

/** Requests near an infeasible one that have a plan. */
export interface NearestFeasible {
  readonly deadlineMs: number;
  readonly minAccuracy?: number;
  /** Shortest deadline with any plan; Infinity where only one without a deadline is left. */
  readonly shortestDeadlineMs?: number;
  /** Best predicted accuracy within the deadline. */
  readonly accuracyByDeadline?: number;
  /** Shortest deadline with the accuracy asked for. */
  readonly deadlineForAccuracyMs?: number;
}

/** No plan meets the request. */
export class InfeasiblePlanError extends LatencyTtsError {
  override name = 'InfeasiblePlanError';
  readonly nearest: NearestFeasible;

  constructor(nearest: NearestFeasible) {
    super('LTTS_INFEASIBLE_PLAN', describeInfeasible(nearest));
    this.nearest = nearest;
  }
}

function describeInfeasible(nearest: NearestFeasible): string {
  const { deadlineMs, minAccuracy, shortestDeadlineMs, accuracyByDeadline, deadlineForAccuracyMs } = nearest;
  const within = deadlineMs === Infinity ? 'without a deadline' : `within ${formatMs(deadlineMs)}`;
  if (minAccuracy === undefined) {
    const advice =
      shortestDeadlineMs === undefined ? 'Allow more tokens or another parallelism.' : `The shortest deadline with a plan is ${formatMs(shortestDeadlineMs)}.`;
    return `No plan is sure enough to answer ${within}. ${advice}`;
  }
  const best = accuracyByDeadline === undefined ? 'no plan fits at all' : `the best plan reaches ${(100 * accuracyByDeadline).toFixed(1)} %`;
  const advice =
    deadlineForAccuracyMs === undefined ? 'No deadline makes up for that; ask for less.' : `Allow ${formatMs(deadlineForAccuracyMs)}, or ask for less.`;
  return `No plan is right ${(100 * minAccuracy).toFixed(1)} % of the time ${within}: ${best}. ${advice}`;
}

function formatMs(milliseconds: number): string {
  return milliseconds === Infinity ? 'none' : `${Math.ceil(milliseconds)} ms`;
}

/** A saved profile is of another model or machine than the one at hand. */
export class ProfileMismatchError extends LatencyTtsError {
  override name = 'ProfileMismatchError';
  /** A sentence for each difference. */
  readonly differences: readonly string[];

  constructor(profile: string, differences: readonly string[]) {
    super('LTTS_PROFILE_MISMATCH', `The profile of ${profile} is of something else. ${differences.join(' ')} Measure again with \`profileEngine\`.`);
    this.differences = differences;
  }
}

/** Something was used after it had been disposed. */
export class DisposedError extends LatencyTtsError {
  override name = 'DisposedError';
  constructor(what: string) {
    super('LTTS_DISPOSED', `The ${what} has been disposed. Open a new one.`);
  }
}

/** Whether a value is an error of this library, also one from another installed copy of it. */
export function isLatencyTtsError(value: unknown): value is LatencyTtsError {
  return value instanceof Error && 'code' in value && typeof value.code === 'string' && value.code.startsWith('LTTS_');
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return `\`${JSON.stringify(value)}\``;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return `\`${String(value)}\` (${typeof value})`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  return value === null ? '`null`' : `a value of type ${typeof value}`;
}

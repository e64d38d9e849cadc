import type { AdvanceOptions, Branch, BranchOptions, SessionOptions } from '../contracts/engine.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireSignal } from '../option-schemas.ts';
import { requireKnownNames, requireNumber, requireTime, requireWholeNumber } from '../options.ts';
import { requireCallOptions } from '../runtime/call-options.ts';

type NamesOf<Options> = readonly (keyof Options & string)[];

const ADVANCE = ['until', 'deadlineAt', 'reserveSteps', 'signal'] as const satisfies NamesOf<AdvanceOptions>;
const UNTIL = ['stop', 'tokens'] as const satisfies NamesOf<NonNullable<AdvanceOptions['until']>>;
const BRANCH = ['sampling'] as const satisfies NamesOf<BranchOptions>;
const SESSION = [
  'sampling',
  'seed',
  'clock',
  'deadlineAt',
  'signal',
  'onProgress',
  'progressIntervalMs',
  'topLogprobs',
  'selfCertainty',
  'draftLength',
  'format',
  'expectedBranches',
  'readsWholePrompt',
  'onDraft',
] as const satisfies NamesOf<SessionOptions>;

/** @throws {InvalidOptionError} for an option that there is not, or one that makes no sense. Sampling is checked where it is resolved. */
export function requireSessionOptions(options: SessionOptions): void {
  requireKnownNames(options, SESSION);
  const { seed, progressIntervalMs, topLogprobs, draftLength, format, expectedBranches, onProgress, onDraft } = options;
  for (const [name, count] of Object.entries({ seed, topLogprobs, draftLength })) if (count !== undefined) requireWholeNumber(name, count);
  if (expectedBranches !== undefined) requireWholeNumber('expectedBranches', expectedBranches, 1);
  if (progressIntervalMs !== undefined) requireNumber('progressIntervalMs', progressIntervalMs, 0);
  if (format !== undefined && typeof format !== 'string') throw new InvalidOptionError('format', 'the name of a weight format', format);
  for (const [name, listener] of Object.entries({ onProgress, onDraft }))
    if (listener !== undefined && typeof listener !== 'function') throw new InvalidOptionError(name, 'a function', listener);
  requireCallOptions(options);
}

/** @throws {InvalidOptionError} for a count that is none, or an option that there is not. */
export function requireBranchOptions(count: number, options: BranchOptions): void {
  requireWholeNumber('count', count, 1);
  requireKnownNames(options, BRANCH);
}

/**
 * @param now - On the session's clock, where it is known.
 * @throws {InvalidOptionError} for a boundary that cannot be met, or a time of another clock.
 */
export function requireAdvanceOptions(options: AdvanceOptions, now?: number): void {
  requireKnownNames(options, ADVANCE);
  const { until, deadlineAt, reserveSteps, signal } = options;
  if (until !== undefined) requireBoundaries(until);
  if (reserveSteps !== undefined) requireNumber('reserveSteps', reserveSteps, 0);
  if (deadlineAt !== undefined) requireTime('deadlineAt', deadlineAt, now ?? deadlineAt);
  requireSignal(signal);
}

function requireBoundaries(until: NonNullable<AdvanceOptions['until']>): void {
  requireKnownNames(until, UNTIL, 'until', 'until');
  const { tokens, stop } = until;
  if (tokens !== undefined) requireWholeNumber('until.tokens', tokens, 1);
  if (stop !== undefined && !(Array.isArray(stop) && stop.every((one) => typeof one === 'string' && one !== '')))
    throw new InvalidOptionError('until.stop', 'a list of strings that are not empty', stop);
}

/** @throws {InvalidOptionError} while a branch has an open call, and once it has ended. */
export function requireResting(verb: string, { number, ended, isAdvancing }: Pick<Branch, 'number' | 'ended'> & { readonly isAdvancing: boolean }): void {
  if (isAdvancing) throw new InvalidOptionError('branch', `at rest before \`${verb}\``, number, 'Await the open call of `advance` first.');
  if (ended) throw new InvalidOptionError('branch', `open before \`${verb}\``, ended, 'An ended branch cannot go on; take another one.');
}

import type { AdvanceOptions, Branch } from '../contracts/engine.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireSignal } from '../option-schemas.ts';
import { requireNumber, requireTime, requireWholeNumber } from '../options.ts';

/**
 * @param now - On the session's clock, where it is known.
 * @throws {InvalidOptionError} for a boundary that cannot be met, or a time of another clock.
 */
export function requireAdvanceOptions({ until, deadlineAt, reserveSteps, signal }: AdvanceOptions, now?: number): void {
  if (until?.tokens !== undefined) requireWholeNumber('until.tokens', until.tokens, 1);
  if (until?.stop?.some((stop) => stop === '')) throw new InvalidOptionError('until.stop', 'a list of strings that are not empty', until.stop);
  if (reserveSteps !== undefined) requireNumber('reserveSteps', reserveSteps, 0);
  if (deadlineAt !== undefined) requireTime('deadlineAt', deadlineAt, now ?? deadlineAt);
  requireSignal(signal);
}

/** @throws {InvalidOptionError} while a branch has an open call, and once it has ended. */
export function requireResting(verb: string, { number, ended, isAdvancing }: Pick<Branch, 'number' | 'ended'> & { readonly isAdvancing: boolean }): void {
  if (isAdvancing) throw new InvalidOptionError('branch', `at rest before \`${verb}\``, number, 'Await the open call of `advance` first.');
  if (ended) throw new InvalidOptionError('branch', `open before \`${verb}\``, ended, 'An ended branch cannot go on; take another one.');
}

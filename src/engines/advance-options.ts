import type { AdvanceOptions, Branch } from '../contracts/engine.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireNumber, requireWholeNumber } from '../options.ts';

/** @throws {InvalidOptionError} for a boundary or a time that cannot be met. */
export function requireAdvanceOptions({ until, deadlineAt, reserveSteps }: AdvanceOptions): void {
  if (until?.tokens !== undefined) requireWholeNumber('until.tokens', until.tokens, 1);
  if (until?.stop?.some((stop) => stop === '')) throw new InvalidOptionError('until.stop', 'a list of strings that are not empty', until.stop);
  if (reserveSteps !== undefined) requireNumber('reserveSteps', reserveSteps, 0);
  if (deadlineAt !== undefined && Number.isNaN(deadlineAt)) throw new InvalidOptionError('deadlineAt', 'a time', deadlineAt);
}

/** @throws {InvalidOptionError} while a branch has an open call, and once it has ended. */
export function requireResting(verb: string, { number, ended, isAdvancing }: Pick<Branch, 'number' | 'ended'> & { readonly isAdvancing: boolean }): void {
  if (isAdvancing) throw new InvalidOptionError('branch', `at rest before \`${verb}\``, number, 'Await the open call of `advance` first.');
  if (ended) throw new InvalidOptionError('branch', `open before \`${verb}\``, ended, 'An ended branch cannot go on; take another one.');
}

import { InvalidOptionError } from './errors.ts';

/** @throws {InvalidOptionError} unless `value` is a safe integer of at least `least`. */
export function requireWholeNumber(option: string, value: unknown, least = 0): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < least) throw new InvalidOptionError(option, `a whole number of at least ${least}`, value);
}

/** @throws {InvalidOptionError} unless `value` is a finite number in `[low, high]`. */
export function requireNumber(option: string, value: unknown, low: number, high = Infinity): asserts value is number {
  if (typeof value === 'number' && !Number.isNaN(value) && value >= low && value <= high && Number.isFinite(value)) return;
  throw new InvalidOptionError(option, high === Infinity ? `a number of at least ${low}` : `a number from ${low} to ${high}`, value);
}

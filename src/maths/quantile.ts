import { InvalidOptionError } from '../errors.ts';
import { requireNumber } from '../options.ts';

/**
 * The value below which the given share of the values lies, interpolated linearly between neighbours (type 7 of Hyndman and
 * Fan 1996; NumPy's and R's default).
 *
 * @param share - In [0, 1].
 * @throws {InvalidOptionError} without any value, or for a share outside its range.
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new InvalidOptionError('values', 'at least one number', values);
  requireNumber('share', share, 0, 1);
  const sorted = [...values].sort((left, right) => left - right);
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (place - below);
}

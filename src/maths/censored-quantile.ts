/** A time that something took, or, where it was cut before its end, that it took at least. */
export interface CensoredTime {
  readonly milliseconds: number;
  readonly isCut: boolean;
}

/** Shares are products of fractions: equal ones may differ in the last digits. */
const ROUNDING = 1e-9;

/**
 * The shortest time within which the given share of work ends, by the product-limit estimate (Kaplan and Meier 1958): what was
 * cut counts as work that would have gone on. Where so much was cut that no time is known to be enough, the longest seen; 0
 * for none at all.
 *
 * @param share - In [0, 1].
 */
export function censoredQuantile(times: readonly CensoredTime[], share: number): number {
  const sorted = [...times].sort((left, right) => left.milliseconds - right.milliseconds || Number(left.isCut) - Number(right.isCut));
  let goingOn = 1;
  for (const [index, { milliseconds, isCut }] of sorted.entries()) {
    if (!isCut) goingOn *= 1 - 1 / (sorted.length - index);
    if (goingOn <= 1 - share + ROUNDING) return milliseconds;
  }
  return sorted.at(-1)?.milliseconds ?? 0;
}

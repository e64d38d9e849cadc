/** z of a 95 % interval. */
const Z = 1.96;

/**
 * 95 % Wilson score interval (Wilson 1927) of a share that is known with a standard error. Where all trials came out alike, that
 * error is 0, and how many there were says how much it means.
 *
 * @param standardError - 0 where there is none, or nothing varied.
 * @param count - Trials behind it; 0 for a share that was not counted but computed, which is as it is.
 */
export function shareInterval(share: number, standardError: number, count: number): [number, number] {
  const variance = share * (1 - share);
  // As many independent trials as would have this error; what is a mean over some varies no more than they do.
  const trials = standardError > 0 ? Math.max(count, variance / standardError ** 2) : count;
  if (trials === 0) return [share, share];
  const scale = 1 + Z ** 2 / trials;
  const centre = (share + Z ** 2 / (2 * trials)) / scale;
  const half = (Z / scale) * Math.sqrt(variance / trials + Z ** 2 / (4 * trials ** 2));
  // Rounding must not put the share outside.
  return [Math.max(0, Math.min(share, centre - half)), Math.min(1, Math.max(share, centre + half))];
}

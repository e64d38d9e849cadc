/** y = intercept + slope · x. */
export interface Line {
  readonly intercept: number;
  readonly slope: number;
}

/**
 * The line with the least squared distance in y to points, neither of whose parts is negative: times neither begin below zero
 * nor fall as the load grows. Where the free line would, the nearest allowed one is taken.
 *
 * @param points - `[x, y]`, at least one, with x ≥ 0.
 */
export function lineThrough(points: readonly (readonly [number, number])[]): Line {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const variance = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const slope = variance > 0 ? covariance / variance : 0;
  if (slope <= 0) return { intercept: Math.max(0, meanY), slope: 0 };
  const intercept = meanY - slope * meanX;
  if (intercept >= 0) return { intercept, slope };
  const squares = points.reduce((sum, [x]) => sum + x * x, 0);
  return { intercept: 0, slope: Math.max(0, points.reduce((sum, [x, y]) => sum + x * y, 0) / squares) };
}

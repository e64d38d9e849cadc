/**
 * The values on a grid that nowhere fall along an axis and are nearest to the given ones in their largest ratio: at each
 * point the geometric mean of the largest value at or before it and the smallest at or behind it. Values that do not fall
 * stay as they are.
 *
 * @param values - Above 0, the last axis running fastest.
 * @param sizes - Number of grid points along each axis.
 */
export function monotoneGrid(values: readonly number[], sizes: readonly number[]): number[] {
  const before = envelope(values, sizes, Math.max, 1);
  const behind = envelope(values, sizes, Math.min, -1);
  return values.map((value, index) => (before[index] === behind[index] ? value : Math.sqrt(before[index]! * behind[index]!)));
}

/** Running extremes along every axis, which together are those over the whole box on one side of each point. */
function envelope(values: readonly number[], sizes: readonly number[], extreme: (left: number, right: number) => number, direction: 1 | -1): number[] {
  const result = [...values];
  let stride = 1;
  for (const size of sizes.toReversed()) {
    for (let step = 0; step < result.length; step++) {
      const index = direction === 1 ? step : result.length - 1 - step;
      const place = Math.floor(index / stride) % size;
      const isFirst = direction === 1 ? place === 0 : place === size - 1;
      if (!isFirst) result[index] = extreme(result[index]!, result[index - direction * stride]!);
    }
    stride *= size;
  }
  return result;
}

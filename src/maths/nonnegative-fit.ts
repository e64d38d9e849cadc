/** Below this share of a column's squares, what is left of it behind the others is rounding. */
const SINGULAR = 1e-10;

/**
 * Coefficients, none of them negative, with the least squared distance of Σ coefficient · column to the values. Of the few
 * columns it is made for, every choice of those that count is tried, which is exact.
 *
 * @param rows - `[observations][columns]`, at least one of each; at most a handful of columns.
 * @param values - `[observations]`.
 * @returns `[columns]`. A column that follows from those before it gets 0.
 */
export function nonnegativeFit(rows: readonly (readonly number[])[], values: readonly number[]): number[] {
  const columns = rows[0]!.length;
  let best = Array.from({ length: columns }, () => 0);
  let least = squaredDistance(rows, values, best);
  for (let choice = 1; choice < 2 ** columns; choice++) {
    const chosen = best.map((_, column) => column).filter((column) => (choice & (1 << column)) !== 0);
    const solved = solve(rows, values, chosen);
    if (!solved || solved.some((value) => value < 0)) continue;
    const coefficients = best.map((_, column) => (chosen.includes(column) ? solved[chosen.indexOf(column)]! : 0));
    const distance = squaredDistance(rows, values, coefficients);
    if (distance < least * (1 - SINGULAR)) [best, least] = [coefficients, distance];
  }
  return best;
}

function squaredDistance(rows: readonly (readonly number[])[], values: readonly number[], coefficients: readonly number[]): number {
  return rows.reduce((sum, row, index) => sum + (values[index]! - row.reduce((total, x, column) => total + x * coefficients[column]!, 0)) ** 2, 0);
}

/** The normal equations of the chosen columns, by Gaussian elimination; `undefined` where they do not decide. */
function solve(rows: readonly (readonly number[])[], values: readonly number[], chosen: readonly number[]): number[] | undefined {
  const size = chosen.length;
  const matrix = chosen.map((left) => [
    ...chosen.map((right) => rows.reduce((sum, row) => sum + row[left]! * row[right]!, 0)),
    rows.reduce((sum, row, index) => sum + row[left]! * values[index]!, 0),
  ]);
  const squares = matrix.map((row, index) => row[index]!);
  for (let pivot = 0; pivot < size; pivot++) {
    if (!(matrix[pivot]![pivot]! > SINGULAR * squares[pivot]!)) return undefined;
    for (let below = pivot + 1; below < size; below++) {
      const factor = matrix[below]![pivot]! / matrix[pivot]![pivot]!;
      for (let column = pivot; column <= size; column++) matrix[below]![column]! -= factor * matrix[pivot]![column]!;
    }
  }
  const solution = chosen.map(() => 0);
  for (let row = size - 1; row >= 0; row--) {
    const rest = solution.reduce((sum, value, column) => (column > row ? sum + value * matrix[row]![column]! : sum), 0);
    solution[row] = (matrix[row]![size]! - rest) / matrix[row]![row]!;
  }
  return solution;
}

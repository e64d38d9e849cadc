const FIRST_STEP = 0.5;
const MOST_STEPS = 2000;

interface Vertex {
  readonly at: readonly number[];
  readonly cost: number;
}

/**
 * A minimum of a function of few variables without derivatives, by the simplex of Nelder and Mead 1965.
 *
 * @param start - Where to begin. First steps are 0.5 in each variable, so scale variables to that order.
 * @param tolerance - Ends when the costs of the simplex differ by less.
 */
export function nelderMead(costOf: (at: readonly number[]) => number, start: readonly number[], tolerance = 1e-12): number[] {
  const vertex = (at: readonly number[]): Vertex => ({ at, cost: costOf(at) });
  let simplex = [vertex(start), ...start.map((value, index) => vertex(start.with(index, value + FIRST_STEP)))];
  for (let step = 0; step < MOST_STEPS; step++) {
    simplex.sort((left, right) => left.cost - right.cost);
    const [best, worst] = [simplex[0]!, simplex.at(-1)!];
    if (worst.cost - best.cost < tolerance) break;
    const others = simplex.slice(0, -1);
    const centre = start.map((_, index) => others.reduce((sum, { at }) => sum + at[index]!, 0) / others.length);
    /** Away from the worst vertex for a positive factor, towards it for a negative one. */
    const beyond = (factor: number): Vertex => vertex(centre.map((value, index) => value + factor * (value - worst.at[index]!)));
    const replacement = moved(beyond, best, simplex.at(-2)!, worst);
    if (replacement) simplex = [...others, replacement];
    else simplex = simplex.map(({ at, cost }, index) => (index === 0 ? { at, cost } : vertex(at.map((value, axis) => (value + best.at[axis]!) / 2))));
  }
  return [...simplex.reduce((left, right) => (right.cost < left.cost ? right : left)).at];
}

/** What takes the place of the worst vertex; `undefined` when the simplex must shrink. */
function moved(beyond: (factor: number) => Vertex, best: Vertex, second: Vertex, worst: Vertex): Vertex | undefined {
  const reflected = beyond(1);
  if (reflected.cost < best.cost) {
    const expanded = beyond(2);
    return expanded.cost < reflected.cost ? expanded : reflected;
  }
  if (reflected.cost < second.cost) return reflected;
  const contracted = beyond(reflected.cost < worst.cost ? 0.5 : -0.5);
  return contracted.cost < Math.min(reflected.cost, worst.cost) ? contracted : undefined;
}

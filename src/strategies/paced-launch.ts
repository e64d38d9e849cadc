/**
 * Launching no more branches than are likely to finish by the deadline.
 *
 * Branches decoded together slow each other down, by how much depends on the machine; a branch that is cut in the middle of its
 * reasoning is worth next to nothing. So the first branch starts alone, and while it goes on more are added, at most doubling
 * their number each time: as many as would write a solution in the time left at the pace that the measurements so far predict.
 *
 * @module
 */

/** Tokens of the first branch between two decisions. */
export const PACE_TOKENS = 4;
/** By which share of a single branch's step one more lengthens it, before that was measured. */
const FIRST_SLOPE = 0.3;

/** How steps lengthen with the number of branches, as measured in this run. */
export class Pace {
  readonly #expectedTokens: number;
  /** The latest milliseconds of a step, by the number of branches in it. */
  readonly #stepMs = new Map<number, number>();

  /** @param expectedTokens - Of one solution. */
  constructor(expectedTokens: number) {
    this.#expectedTokens = expectedTokens;
  }

  record(branches: number, stepMs: number): void {
    this.#stepMs.set(branches, stepMs);
  }

  /** Most branches, up to `most`, that would write a solution each in the time given; 1 before anything was measured. */
  fitting(leftMs: number, reservedSteps: number, most: number): number {
    if (this.#stepMs.size === 0) return Math.min(1, most);
    const budgetMs = leftMs / (this.#expectedTokens + reservedSteps);
    let count = 0;
    while (count < most && this.#predict(count + 1) <= budgetMs) count++;
    return count;
  }

  /** Milliseconds of a step: between what was measured in proportion, beyond it by the slope of the last two. */
  #predict(branches: number): number {
    const known = [...this.#stepMs].sort(([left], [right]) => left - right);
    const [fewest, leastMs] = known[0]!;
    if (branches <= fewest) return leastMs;
    if (known.length === 1) return leastMs * (1 + (FIRST_SLOPE * (branches - fewest)) / fewest);
    const above = known.findIndex(([count]) => count >= branches);
    const index = above > 0 ? above : known.length - 1;
    const [[x0, y0], [x1, y1]] = [known[index - 1]!, known[index]!];
    // More rows never make a step faster; where one did, the machine was busy before.
    return y0 + (Math.max(0, y1 - y0) * (branches - x0)) / (x1 - x0);
  }
}

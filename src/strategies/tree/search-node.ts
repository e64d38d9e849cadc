import { puctCoefficient, puctScore, uctScore } from '../../maths/tree-bandit.ts';
import type { Path } from './path.ts';

/** How a child is chosen: by upper confidence bound alone, or weighed by the probability the model gave to it. */
export type ChildRule = 'uct' | 'puct';

/** A prefix in a Monte Carlo search tree. A leaf holds the path that ends there; expanding it hands the path on. */
export class SearchNode {
  path: Path | undefined;
  readonly depth: number;
  readonly #parent: SearchNode | undefined;
  #children: readonly SearchNode[] = [];
  #visits = 0;
  #valueSum = 0;
  /** Share of the probability of its step among its siblings. */
  #prior = 1;
  #isExhausted = false;

  constructor(path: Path | undefined, parent?: SearchNode) {
    this.path = path;
    this.#parent = parent;
    this.depth = parent ? parent.depth + 1 : 0;
    this.#isExhausted = path?.report !== undefined;
  }

  /** Whether nothing below it can be expanded. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** The leaf to expand next. Not of an exhausted node. */
  descend(rule: ChildRule, exploration: number | undefined): SearchNode {
    const open = this.#children.filter(({ isExhausted }) => !isExhausted);
    if (open.length === 0) return this;
    const bounds = open.map((child) => this.#bound(child, rule, exploration));
    return open[bounds.indexOf(Math.max(...bounds))]!.descend(rule, exploration);
  }

  /** Puts children below a leaf and adds their values to every node up to the root. */
  expand(children: readonly { readonly path: Path; readonly value: number }[]): void {
    const priors = stepProbabilities(children.map(({ path }) => path));
    this.path = undefined;
    this.#children = children.map(({ path, value }, index) => {
      const child = new SearchNode(path, this);
      child.#prior = priors[index]!;
      child.#add(value);
      return child;
    });
    this.#close();
  }

  /** Paths at its leaves, first to last. */
  leaves(): Path[] {
    if (this.#children.length > 0) return this.#children.flatMap((child) => child.leaves());
    return this.path && !this.path.report ? [this.path] : [];
  }

  #bound(child: SearchNode, rule: ChildRule, exploration: number | undefined): number {
    const statistics = { meanValue: child.#valueSum / Math.max(1, child.#visits), visits: child.#visits, parentVisits: this.#visits };
    if (rule === 'uct') return uctScore(statistics, exploration ?? 1);
    return puctScore(statistics, child.#prior, exploration ?? puctCoefficient(this.#visits));
  }

  #add(value: number): void {
    this.#visits++;
    this.#valueSum += value;
    if (this.#parent) this.#parent.#add(value);
  }

  #close(): void {
    this.#isExhausted = this.#children.every(({ isExhausted }) => isExhausted);
    if (this.#isExhausted && this.#parent) this.#parent.#close();
  }
}

/** Each path's share of the geometric mean probabilities, so that long steps are not at a disadvantage. */
function stepProbabilities(paths: readonly Path[]): number[] {
  const probs = paths.map(({ recorder }) =>
    Math.exp(recorder.segments.at(-1)?.logprobs.reduce((sum, logprob, _, { length }) => sum + logprob / length, 0) ?? 0),
  );
  const total = probs.reduce((sum, prob) => sum + prob, 0);
  return probs.map((prob) => prob / total);
}

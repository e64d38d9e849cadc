/**
 * Diverse verifier tree search (Beeching, Tunstall and Rush 2024, "Scaling test-time compute with open models"): the beam
 * of a beam search split into trees that do not compete, so that one early favourite cannot take the whole beam.
 *
 * Every tree takes a step in `width` ways and goes on with the best of them, until that one is complete.
 *
 * @module
 */
import * as v from 'valibot';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { withSolutionPolicy } from './solution-policy.ts';
import { comparePaths, type Path } from './tree/path.ts';
import { treeEntries, type TreePolicy } from './tree/tree-options.ts';
import type { TreeSearchResult } from './tree/tree-result.ts';
import { searchTree } from './tree/tree-search.ts';

export const diverseTreeSearchEntries = {
  ...treeEntries,
  /** Paths that take each step, over all trees. Whole number ≥ 1. @default 16 */
  beams: v.optional(wholeNumber(1), 16),
  /** Continuations in each tree: there are `beams / width` trees, at least one. Whole number ≥ 1. @default 4 */
  width: v.optional(wholeNumber(1), 4),
};

export interface DiverseTreeSearchOptions extends OptionsOf<typeof diverseTreeSearchEntries> {}

export class DiverseTreeSearch implements Strategy<TreeSearchResult> {
  readonly name = 'diverse-tree-search';
  readonly #policy: TreePolicy;
  readonly #beams: number;
  readonly #trees: number;

  /** @throws {InvalidOptionError} */
  constructor(options: DiverseTreeSearchOptions) {
    const { beams, width, ...tree } = readOptions(diverseTreeSearchEntries, options);
    this.#policy = withSolutionPolicy(tree);
    this.#beams = beams;
    this.#trees = Math.max(1, Math.floor(beams / width));
  }

  run(request: StrategyRequest): Promise<TreeSearchResult> {
    let endedBefore = 0;
    return searchTree(this.name, request, this.#policy, {
      paths: this.#beams,
      treeOf: (index) => index % this.#trees,
      allocate: (live, ended) => {
        const kept = this.#bestOfEachTree([...live, ...ended.slice(endedBefore)]);
        endedBefore = ended.length;
        return live.map((path) => (kept.has(path) ? this.#widthOf(path.tree) : 0));
      },
    });
  }

  #bestOfEachTree(paths: readonly Path[]): ReadonlySet<Path> {
    const best = new Map<number, Path>();
    for (const path of [...paths].sort(comparePaths)) if (!best.has(path.tree)) best.set(path.tree, path);
    return new Set(best.values());
  }

  #widthOf(tree: number): number {
    return Math.floor(this.#beams / this.#trees) + (tree < this.#beams % this.#trees ? 1 : 0);
  }
}

/**
 * Reward balanced search (REBASE; Wu, Sun, Li, Welleck and Yang 2024, arXiv:2408.00724): every path that is under way goes
 * on, in as many copies as the softmax of the scores gives it of the width that complete solutions have left.
 *
 * @module
 */
import * as v from 'valibot';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { rebaseWidths } from '../maths/rebase-weights.ts';
import { number, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { withSolutionPolicy } from './solution-policy.ts';
import { effectiveScores } from './tree/path.ts';
import { treeEntries, type TreePolicy } from './tree/tree-options.ts';
import type { TreeSearchResult } from './tree/tree-result.ts';
import { searchTree } from './tree/tree-search.ts';

export const rebaseEntries = {
  ...treeEntries,
  /** Paths that take the first step; each complete solution leaves one less for the steps to come. Whole number ≥ 1. @default 16 */
  width: v.optional(wholeNumber(1), 16),
  /** Of the softmax over scores; the lower, the more goes to the best. Above 0. @default 0.2 */
  temperature: v.optional(number(Number.MIN_VALUE), 0.2),
};

export interface RebaseOptions extends OptionsOf<typeof rebaseEntries> {}

export class Rebase implements Strategy<TreeSearchResult> {
  readonly name = 'rebase';
  readonly #policy: TreePolicy;
  readonly #width: number;
  readonly #temperature: number;

  /** @throws {InvalidOptionError} */
  constructor(options: RebaseOptions) {
    const { width, temperature, ...tree } = readOptions(rebaseEntries, options);
    this.#policy = withSolutionPolicy(tree);
    this.#width = width;
    this.#temperature = temperature;
  }

  run(request: StrategyRequest): Promise<TreeSearchResult> {
    return searchTree(this.name, request, this.#policy, {
      paths: this.#width,
      allocate: (live, ended) => rebaseWidths(effectiveScores(live), Math.max(0, this.#width - ended.length), this.#temperature),
    });
  }
}

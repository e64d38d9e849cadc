/**
 * Monte Carlo tree search over steps (Kocsis and Szepesvári 2006; over steps of a language model with a process reward
 * model: Wan et al. 2024, arXiv:2309.17179; rStar, Qi et al. 2024, arXiv:2408.06195).
 *
 * Each simulation walks from the root to a leaf, at each node by the child with the highest upper confidence bound, takes
 * one step from there in several ways at once, and adds the scores of these steps to all nodes on the way. A step's score
 * by the reward model stands for the outcome of a roll-out, as in AlphaZero.
 *
 * Simulations come one after another, so that it uses parallel hardware worst of all searches here.
 *
 * @module
 */
import * as v from 'valibot';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { number, oneOf, readOptions, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { withSolutionPolicy } from './solution-policy.ts';
import { StrategyRun } from './strategy-run.ts';
import { effectiveScores, type Path } from './tree/path.ts';
import { SearchNode } from './tree/search-node.ts';
import { treeEntries, type TreePolicy } from './tree/tree-options.ts';
import { chooseSolution, concludeSearch, type TreeSearchResult } from './tree/tree-result.ts';
import { stepBoundary, treeMachine } from './tree/tree-search.ts';

export const monteCarloTreeSearchEntries = {
  ...treeEntries,
  /** Leaves that are expanded, at most; the search ends earlier when the whole tree is complete. Whole number ≥ 1. @default 32 */
  simulations: v.optional(wholeNumber(1), 32),
  /** Ways in which a step is taken from a leaf. Whole number ≥ 1. @default 4 */
  width: v.optional(wholeNumber(1), 4),
  /**
   * Which child is looked at: `uct` by its value and how seldom it was visited; `puct` weighs the latter by the probability
   * the model gave to the step among its siblings. @default 'uct'
   */
  rule: v.optional(oneOf(['uct', 'puct']), 'uct'),
  /** Weight of looking at what was seldom visited. At least 0. @default 1 with `uct`, AlphaZero's with `puct` */
  exploration: v.optional(number(0)),
};

export interface MonteCarloTreeSearchOptions extends OptionsOf<typeof monteCarloTreeSearchEntries> {}

export class MonteCarloTreeSearch implements Strategy<TreeSearchResult> {
  readonly name = 'monte-carlo-tree-search';
  readonly #policy: TreePolicy & SettingsOf<typeof monteCarloTreeSearchEntries>;

  /** @throws {InvalidOptionError} */
  constructor(options: MonteCarloTreeSearchOptions) {
    this.#policy = withSolutionPolicy(readOptions(monteCarloTreeSearchEntries, options));
  }

  run(request: StrategyRequest): Promise<TreeSearchResult> {
    return StrategyRun.conduct(this.name, request, { sampling: this.#policy.solution.sampling, scorer: this.#policy.scorer }, async (run) => {
      const machine = treeMachine(run, request.prompt, this.#policy);
      const root = new SearchNode(undefined);
      for (let simulation = 0; simulation < this.#policy.simulations && !root.isExhausted && machine.hasTime(this.#policy.width); simulation++) {
        const leaf = root.descend(this.#policy.rule, this.#policy.exploration);
        const paths = leaf.path ? machine.split(leaf.path, this.#policy.width) : machine.start(this.#policy.width);
        await machine.round(paths, stepBoundary(this.#policy, leaf.depth));
        leaf.expand(survivorsOf(paths));
      }
      await machine.finish(root.leaves());
      return concludeSearch(machine, chooseSolution(machine.ended, this.#policy.select, this.#policy.isSame));
    });
  }
}

/** What a step has come to, with the value of each. */
function survivorsOf(paths: readonly Path[]): { readonly path: Path; readonly value: number }[] {
  const survivors = paths.filter(({ report }) => report?.finish !== 'failed');
  const values = effectiveScores(survivors);
  return survivors.map((path, index) => ({ path, value: values[index]! }));
}

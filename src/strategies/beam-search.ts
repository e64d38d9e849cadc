/**
 * Beam search over steps against a process reward model (Snell et al. 2024, arXiv:2408.03314, §5.2; in the form of Beeching,
 * Tunstall and Rush 2024, "Scaling test-time compute with open models").
 *
 * All beams take one step together and are judged in one batch. Complete solutions leave the beam and are kept. Of the
 * others the best `beams / width` go on, each in as many copies as fill the beam again.
 *
 * @module
 */
import * as v from 'valibot';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { flag, readOptions, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { withSolutionPolicy } from './solution-policy.ts';
import { comparePaths, distinctPaths, type Path } from './tree/path.ts';
import { treeEntries, type TreePolicy } from './tree/tree-options.ts';
import type { TreeSearchResult } from './tree/tree-result.ts';
import { searchTree } from './tree/tree-search.ts';

export const beamSearchEntries = {
  ...treeEntries,
  /** Paths that take each step. The search is over once as many solutions are complete. Whole number ≥ 1. @default 16 */
  beams: v.optional(wholeNumber(1), 16),
  /** Continuations of each path that is kept: `beams / width` are, at least one. Whole number ≥ 1. @default 4 */
  width: v.optional(wholeNumber(1), 4),
  /** Whether paths with equal texts count as one when the best are kept. @default true */
  dropsDuplicates: v.optional(flag, true),
};

export interface BeamSearchOptions extends OptionsOf<typeof beamSearchEntries> {}

export class BeamSearch implements Strategy<TreeSearchResult> {
  readonly name = 'beam-search';
  readonly #policy: TreePolicy & SettingsOf<typeof beamSearchEntries>;

  /** @throws {InvalidOptionError} */
  constructor(options: BeamSearchOptions) {
    this.#policy = withSolutionPolicy(readOptions(beamSearchEntries, options));
  }

  run(request: StrategyRequest): Promise<TreeSearchResult> {
    const { beams } = this.#policy;
    return searchTree(this.name, request, this.#policy, {
      paths: beams,
      allocate: (live, ended) => (ended.length < beams ? this.#allocate(live) : live.map(() => 0)),
    });
  }

  #allocate(live: readonly Path[]): number[] {
    const { beams, width, dropsDuplicates } = this.#policy;
    const candidates = dropsDuplicates ? distinctPaths(live) : live;
    const kept = [...candidates].sort(comparePaths).slice(0, Math.max(1, Math.floor(beams / width)));
    return live.map((path) => {
      const rank = kept.indexOf(path);
      // The beam is filled in turns, so that the best get what does not divide.
      return rank < 0 ? 0 : Math.floor(beams / kept.length) + (rank < beams % kept.length ? 1 : 0);
    });
  }
}

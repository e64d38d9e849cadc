/**
 * Beam search over steps against a process reward model (Snell et al. 2024, arXiv:2408.03314, §5.2; in the form of Beeching,
 * Tunstall and Rush 2024, "Scaling test-time compute with open models").
 *
 * All beams take one step together and are judged in one batch. Complete solutions leave the beam and are kept. Of the
 * others the best `beams / width` go on, each in as many copies as fill the beam again.
 *
 * @module
 */
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireWholeNumber } from '../options.ts';
import { comparePaths, distinctPaths, type Path } from './tree/path.ts';
import { resolveTreeOptions, type TreeOptions, type TreePolicy } from './tree/tree-options.ts';
import type { TreeSearchResult } from './tree/tree-result.ts';
import { searchTree } from './tree/tree-search.ts';

export interface BeamSearchOptions extends TreeOptions {
  /** Paths that take each step. The search is over once as many solutions are complete. Whole number ≥ 1. @default 16 */
  readonly beams?: number;
  /** Continuations of each path that is kept: `beams / width` are, at least one. Whole number ≥ 1. @default 4 */
  readonly width?: number;
  /** Whether paths with equal texts count as one when the best are kept. @default true */
  readonly dropsDuplicates?: boolean;
}

export class BeamSearch implements Strategy<TreeSearchResult> {
  readonly name = 'beam-search';
  readonly #policy: TreePolicy;
  readonly #beams: number;
  readonly #width: number;
  readonly #dropsDuplicates: boolean;

  /** @throws {InvalidOptionError} */
  constructor(options: BeamSearchOptions) {
    const { beams = 16, width = 4, dropsDuplicates = true } = options;
    requireWholeNumber('beams', beams, 1);
    requireWholeNumber('width', width, 1);
    if (typeof dropsDuplicates !== 'boolean') throw new InvalidOptionError('dropsDuplicates', 'true or false', dropsDuplicates);
    this.#policy = resolveTreeOptions(options);
    this.#beams = beams;
    this.#width = width;
    this.#dropsDuplicates = dropsDuplicates;
  }

  run(request: StrategyRequest): Promise<TreeSearchResult> {
    return searchTree(this.name, request, this.#policy, {
      paths: this.#beams,
      allocate: (live, ended) => (ended.length < this.#beams ? this.#allocate(live) : live.map(() => 0)),
    });
  }

  #allocate(live: readonly Path[]): number[] {
    const candidates = this.#dropsDuplicates ? distinctPaths(live) : live;
    const kept = [...candidates].sort(comparePaths).slice(0, Math.max(1, Math.floor(this.#beams / this.#width)));
    return live.map((path) => {
      const rank = kept.indexOf(path);
      // The beam is filled in turns, so that the best get what does not divide.
      return rank < 0 ? 0 : Math.floor(this.#beams / kept.length) + (rank < this.#beams % kept.length ? 1 : 0);
    });
  }
}

/**
 * Speculative rejection (Sun, Haider, Zhang, Yang, Qiu, Yin, Wang, Bartlett and Zanette 2024, arXiv:2410.20290): best-of-N
 * that gives up on solutions early. All are decoded together; at checkpoints the texts so far are judged and the worst
 * share is dropped, so that those that are left go on faster.
 *
 * The paper's checkpoints are where memory runs out. Here they are where time does: with a deadline, what is left is
 * divided into phases that fit, in tokens, by the measured times of a token and of scoring, and a checkpoint at which all
 * that is left can be decoded to the end in time drops nothing.
 *
 * @module
 */
import * as v from 'valibot';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { number, readOptions, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { scorerSchema } from './branch-scores.ts';
import { withSolutionPolicy } from './solution-policy.ts';
import { StrategyRun } from './strategy-run.ts';
import { comparePaths, type Path } from './tree/path.ts';
import { StepMachine } from './tree/step-machine.ts';
import { searchEntries, type SearchPolicy } from './tree/tree-options.ts';
import { chooseSolution, concludeSearch, type TreeSearchResult } from './tree/tree-result.ts';

export const speculativeRejectionEntries = {
  ...searchEntries,
  /** Judges texts that are under way: a process reward model, or an outcome reward model that can tell early. */
  scorer: scorerSchema(['step', 'outcome']),
  /** Solutions begun. Whole number ≥ 1. @default 16 */
  branches: v.optional(wholeNumber(1), 16),
  /** Share of the solutions, complete ones counted, that a checkpoint drops. In [0, 1). @default 0.5 */
  rejectShare: v.optional(number(0, 1 - Number.EPSILON), 0.5),
  /** Checkpoints on the way. Whole number ≥ 1. @default 3 */
  checkpoints: v.optional(wholeNumber(1), 3),
  /**
   * Tokens to the first checkpoint, which measures the times that place the others; without a deadline each further phase
   * is twice as long as the one before. Whole number ≥ 1. @default 32
   */
  firstPhaseTokens: v.optional(wholeNumber(1), 32),
};

export interface SpeculativeRejectionOptions extends OptionsOf<typeof speculativeRejectionEntries> {}

export class SpeculativeRejection implements Strategy<TreeSearchResult> {
  readonly name = 'speculative-rejection';
  readonly #policy: SearchPolicy & SettingsOf<typeof speculativeRejectionEntries>;

  /** @throws {InvalidOptionError} */
  constructor(options: SpeculativeRejectionOptions) {
    this.#policy = withSolutionPolicy(readOptions(speculativeRejectionEntries, options));
  }

  run(request: StrategyRequest): Promise<TreeSearchResult> {
    return StrategyRun.conduct(this.name, request, { sampling: this.#policy.solution.sampling, scorer: this.#policy.scorer }, async (run) => {
      const machine = new StepMachine(run, request.prompt, this.#policy);
      let live = machine.start(this.#policy.branches);
      for (let phase = 0; phase < this.#policy.checkpoints && live.length > 0; phase++) {
        const tokens = this.#phaseTokens(machine, live, phase);
        if (tokens === undefined) break;
        live = await machine.round(live, { tokens });
        if (machine.isOutOfTime) break;
        if (!canFinish(machine, live, this.#policy.solution.maxTokens)) live = this.#reject(machine, live);
      }
      if (live.length > 0 && machine.decodingMs(live.length) > 0 && !machine.isOutOfTime) live = await machine.round(live, {});
      await machine.finish(live);
      return concludeSearch(machine, chooseSolution(machine.ended, this.#policy.select, this.#policy.isSame));
    });
  }

  /** Tokens of a phase; `undefined` when there is no time for a further checkpoint. */
  #phaseTokens(machine: StepMachine, live: readonly Path[], phase: number): number | undefined {
    if (machine.run.scope.deadlineAt === Infinity) return this.#policy.firstPhaseTokens * 2 ** phase;
    if (phase === 0) return this.#policy.firstPhaseTokens;
    const phasesLeft = this.#policy.checkpoints - phase + 1;
    const scoringMs = (phasesLeft - 1) * machine.scoring.estimateMs(live.length);
    const tokens = Math.floor((machine.decodingMs(live.length) - scoringMs) / phasesLeft / machine.msPerToken);
    return tokens >= 1 ? tokens : undefined;
  }

  #reject(machine: StepMachine, live: readonly Path[]): Path[] {
    const standing = [...machine.ended, ...live].sort(comparePaths);
    const kept = new Set(standing.slice(0, Math.max(1, Math.round((1 - this.#policy.rejectShare) * standing.length))));
    return live.flatMap((path) => machine.split(path, kept.has(path) ? 1 : 0));
  }
}

/** Whether, with a deadline, all that is left is likely to come to its end in time. */
function canFinish(machine: StepMachine, live: readonly Path[], maxTokens = Infinity): boolean {
  if (machine.run.scope.deadlineAt === Infinity) return false;
  const written = Math.min(...live.map(({ recorder }) => recorder.branch.tokenCount));
  const longest = Math.max(...machine.complete.map(({ recorder }) => recorder.branch.tokenCount));
  // Longer than any solution so far, it may be half-way. Without any nothing is known.
  const expected = longest > 0 ? Math.max(longest, 2 * written) : Infinity;
  return (Math.min(expected, maxTokens) - written) * machine.msPerToken <= machine.decodingMs(live.length);
}

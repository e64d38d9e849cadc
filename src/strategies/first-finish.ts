/**
 * short-m@k (Hassid et al. 2025, arXiv:2505.17813): decode k solutions, stop at the first m that finish, take the answer most
 * of them reach, of equals the shortest. With m = 1, first-finish search (Agarwal et al. 2025, arXiv:2505.18149).
 *
 * Among solutions of one question the short ones are right more often, so waiting for the long ones costs time and accuracy.
 *
 * @module
 */
import * as v from 'valibot';
import { tallyVotes } from '../answers/vote.ts';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { BranchReport, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { sameAnswerEntries, solutionEntries, solutionPolicy, type SolutionPolicy } from './solution-policy.ts';
import { conductSolutions } from './solutions.ts';
import { longestReport } from './strategy-run.ts';

export const firstFinishEntries = {
  ...solutionEntries,
  /** k: how many solutions are decoded. Whole number ≥ 1. @default 8 */
  branches: v.optional(wholeNumber(1), 8),
  /** m: how many have to finish with an answer: at most `branches`. Whole number ≥ 1. @default 1 */
  finishers: v.optional(wholeNumber(1), 1),
  ...sameAnswerEntries,
};

export interface FirstFinishOptions extends OptionsOf<typeof firstFinishEntries> {}

export interface FirstFinishResult extends StrategyResult {
  /** The branches that voted, in the order they finished. `confidence` is the winner's share of them. */
  readonly finishers: readonly number[];
}

export class FirstFinish implements Strategy<FirstFinishResult> {
  readonly name = 'first-finish';
  readonly #branches: number;
  readonly #finishers: number;
  readonly #policy: SolutionPolicy;
  readonly #isSame: AnswerEquivalence;

  /** @throws {InvalidOptionError} */
  constructor(options: FirstFinishOptions = {}) {
    const { branches, finishers, isSame, ...solution } = readOptions(firstFinishEntries, options);
    if (finishers > branches) throw new InvalidOptionError('finishers', `at most \`branches\` (${branches})`, finishers);
    this.#branches = branches;
    this.#finishers = finishers;
    this.#policy = solutionPolicy(solution);
    this.#isSame = isSame;
  }

  get isSingleBranch(): boolean {
    return this.#branches === 1;
  }

  run(request: StrategyRequest): Promise<FirstFinishResult> {
    const source = { source: undefined, branches: this.#branches, expectedTokens: undefined, policy: this.#policy };
    return conductSolutions(this.name, request, source, {}, async (solutions) => {
      await solutions.decode((report) => {
        if (!report) return this.#branches;
        if (this.#finishersOf(solutions.reports()).length === this.#finishers) solutions.stop();
        return 0;
      });
      const reports = solutions.reports();
      const voters = this.#finishersOf(reports);
      const winners = this.#winners(voters);
      const chosen = shortestOf(winners) ?? longestReport(reports);
      const result = solutions.conclude({
        chosen,
        answer: chosen?.answer,
        confidence: winners.length / Math.max(1, voters.length),
        stopReason: voters.length === this.#finishers && voters.every(isFinisher) ? 'completed' : solutions.stopReason(false),
      });
      return { ...result, finishers: voters.map(({ branch }) => branch) };
    });
  }

  /** The first to finish, in order; of those that did so at once the shorter ones first. Where none has, those asked for an answer. */
  #finishersOf(reports: readonly BranchReport[]): BranchReport[] {
    const finished = reports.filter(isFinisher).sort((left, right) => left.endMs - right.endMs || bySize(left, right));
    return finished.length > 0 ? finished.slice(0, this.#finishers) : reports.filter(({ answer }) => answer !== undefined);
  }

  /** Those with the answer of the most voters; of equally many, the answer with the shortest solution. */
  #winners(voters: readonly BranchReport[]): BranchReport[] {
    const groups = tallyVotes(new Map(voters.map(({ branch, answer }) => [branch, answer])), this.#isSame);
    const leading = groups.filter(({ votes }) => votes === groups[0]!.votes).map((group) => voters.filter(({ branch }) => group.voters.includes(branch)));
    const shortest = shortestOf(leading.flat());
    return leading.find((group) => group.includes(shortest!)) ?? [];
  }
}

/** Finished by itself, with an answer. */
function isFinisher({ finish, isForced, answer }: BranchReport): boolean {
  return finish === 'end' && !isForced && answer !== undefined;
}

function bySize(left: BranchReport, right: BranchReport): number {
  return left.tokenCount - right.tokenCount || left.branch - right.branch;
}

function shortestOf(reports: readonly BranchReport[]): BranchReport | undefined {
  return [...reports].sort(bySize)[0];
}

/**
 * Self-consistency (Wang et al. 2022, arXiv:2203.11171): sample many solutions, take the answer most of them reach.
 *
 * All branches are decoded together. The run ends as soon as pending branches cannot change the winner, which gives the
 * same answer as waiting for them; at the deadline unfinished branches are asked for their answer at once.
 *
 * @module
 */
import { countVotes, isDecided, type AnswerVotes } from '../answers/vote.ts';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireWholeNumber } from '../options.ts';
import { resolveSolutionPolicy, type SolutionOptions, type SolutionPolicy } from './solution-policy.ts';
import { longestReport, StrategyRun } from './strategy-run.ts';

export interface SelfConsistencyOptions extends SolutionOptions {
  /** How many solutions are sampled. Whole number ≥ 1. @default 8 */
  readonly branches?: number;
  /** Whether two answers count as one. @default equal text */
  readonly isSame?: AnswerEquivalence;
  /** `exact` ends the run once pending branches cannot change the winner; `none` waits for all. @default 'exact' */
  readonly earlyDecision?: 'exact' | 'none';
}

export interface SelfConsistencyResult extends StrategyResult {
  /** Most votes first; ties in the order of the first voter. `confidence` is the winner's share of them. */
  readonly votes: readonly AnswerVotes[];
}

export class SelfConsistency implements Strategy<SelfConsistencyResult> {
  readonly name = 'self-consistency';
  readonly #branches: number;
  readonly #policy: SolutionPolicy;
  readonly #isSame: AnswerEquivalence;
  readonly #earlyDecision: 'exact' | 'none';

  /** @throws {InvalidOptionError} */
  constructor(options: SelfConsistencyOptions = {}) {
    const { branches = 8, earlyDecision = 'exact', isSame = Object.is } = options;
    requireWholeNumber('branches', branches, 1);
    if (earlyDecision !== 'exact' && earlyDecision !== 'none') throw new InvalidOptionError('earlyDecision', "'exact' or 'none'", earlyDecision);
    this.#branches = branches;
    this.#policy = resolveSolutionPolicy(options);
    this.#isSame = isSame;
    this.#earlyDecision = earlyDecision;
  }

  run(request: StrategyRequest): Promise<SelfConsistencyResult> {
    return StrategyRun.conduct(this.name, request, { sampling: this.#policy.sampling }, async (run) => {
      const recorders = run.branch(this.#branches);
      const tally = new Tally(run, this.#branches, this.#isSame);
      run.onReport = () => {
        tally.update();
        if (this.#earlyDecision === 'exact' && tally.isDecided()) for (const other of recorders) if (!run.isDone(other)) other.branch.abort();
      };
      await Promise.all(recorders.map((recorder) => run.solve(recorder, this.#policy)));
      return this.#conclude(run, tally.ranked());
    });
  }

  #conclude(run: StrategyRun, votes: readonly AnswerVotes[]): SelfConsistencyResult {
    const reports = run.reports();
    const [winner] = votes;
    const voterCount = votes.reduce((sum, group) => sum + group.votes, 0);
    const result = run.conclude({
      chosen: winner ? reports[winner.voters[0]!] : longestReport(reports),
      answer: winner?.answer,
      confidence: winner ? winner.votes / voterCount : 0,
      stopReason: run.stopReason(),
    });
    return { ...result, votes };
  }
}

/** The votes of one run as they come in. */
class Tally {
  readonly #run: StrategyRun;
  readonly #branchCount: number;
  readonly #isSame: AnswerEquivalence;
  #leader = '';

  constructor(run: StrategyRun, branchCount: number, isSame: AnswerEquivalence) {
    this.#run = run;
    this.#branchCount = branchCount;
    this.#isSame = isSame;
  }

  /** Tells of a new leader. */
  update(): void {
    const [first] = this.ranked();
    const leader = first ? `${first.votes} ${first.answer}` : '';
    if (!first || leader === this.#leader) return;
    this.#leader = leader;
    this.#run.scope.emit('vote-change', { answer: first.answer, votes: first.votes, of: this.#branchCount });
  }

  ranked(): AnswerVotes[] {
    return countVotes(new Map(this.#run.reports().map(({ branch, answer }) => [branch, answer])), this.#isSame);
  }

  isDecided(): boolean {
    const ranked = this.ranked();
    const pending = this.#run.recorders.filter((recorder) => !this.#run.isDone(recorder)).map(({ branch }) => branch.number);
    return ranked.length > 0 && isDecided(ranked, pending);
  }
}

/**
 * Self-consistency (Wang et al. 2022, arXiv:2203.11171): sample many solutions, take the answer most of them reach.
 *
 * All branches are decoded together. The run ends as soon as pending branches cannot change the winner, which gives the
 * same answer as waiting for them; at the deadline unfinished branches are asked for their answer at once.
 *
 * @module
 */
import { explicitAnswer, extractAnswer } from '../answers/extract-answer.ts';
import { countVotes, isDecided, type AnswerVotes } from '../answers/vote.ts';
import type { AnswerEquivalence, AnswerExtractor } from '../contracts/answer.ts';
import type { Branch, SamplingOptions, Session } from '../contracts/engine.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import type { BranchReport, StopReason, StrategyResult } from '../contracts/result.ts';
import { InvalidOptionError, NoCandidateError } from '../errors.ts';
import { resolveSampling } from '../maths/sampling.ts';
import { requireWholeNumber } from '../options.ts';
import { BranchRecorder } from '../runtime/branch-recorder.ts';
import { RunScope } from '../runtime/run-scope.ts';
import { forceAnswer, isAnswerOpen, reservedSteps, resolveForcedAnswer, type ForcedAnswer, type ForcedAnswerOptions } from './forced-answer.ts';

export interface SelfConsistencyOptions {
  /** How many solutions are sampled. Whole number ≥ 1. @default 8 */
  readonly branches?: number;
  /** Most tokens of one solution. Whole number ≥ 1. @default what the context holds */
  readonly maxTokens?: number;
  /** @default the engine's */
  readonly sampling?: SamplingOptions;
  /** Finds the answer of a finished branch. @default after `####`, in `\boxed{}`, or the last number */
  readonly extract?: AnswerExtractor;
  /** Finds an answer that an unfinished branch has written out already. @default after `####` or in `\boxed{}` */
  readonly extractUnfinished?: AnswerExtractor;
  /** Whether two answers count as one. @default equal text */
  readonly isSame?: AnswerEquivalence;
  /** `exact` ends the run once pending branches cannot change the winner; `none` waits for all. @default 'exact' */
  readonly earlyDecision?: 'exact' | 'none';
  /** How an unfinished branch is asked for its answer; `false` lets it abstain. @default `{}` */
  readonly forcedAnswer?: ForcedAnswerOptions | false;
}

/**
 * After an early decision the answer is the one all branches together would have given, but `votes` and `confidence` count
 * only the branches that had answered by then. Which those are is a matter of time, so they, and the texts of aborted
 * branches, may differ between runs of one seed; with `earlyDecision: 'none'` and without a deadline they do not.
 */
export interface SelfConsistencyResult extends StrategyResult {
  /** Most votes first; ties in the order of the first voter. `confidence` is the winner's share of them. */
  readonly votes: readonly AnswerVotes[];
}

export class SelfConsistency implements Strategy<SelfConsistencyResult> {
  readonly name = 'self-consistency';
  readonly #branches: number;
  readonly #maxTokens: number | undefined;
  readonly #sampling: SamplingOptions;
  readonly #extract: AnswerExtractor;
  readonly #extractUnfinished: AnswerExtractor;
  readonly #isSame: AnswerEquivalence;
  readonly #earlyDecision: 'exact' | 'none';
  readonly #forced: ForcedAnswer | undefined;

  /** @throws {InvalidOptionError} */
  constructor(options: SelfConsistencyOptions = {}) {
    const { branches = 8, maxTokens, sampling = {}, earlyDecision = 'exact', forcedAnswer = {} } = options;
    requireWholeNumber('branches', branches, 1);
    if (maxTokens !== undefined) requireWholeNumber('maxTokens', maxTokens, 1);
    if (earlyDecision !== 'exact' && earlyDecision !== 'none') throw new InvalidOptionError('earlyDecision', "'exact' or 'none'", earlyDecision);
    resolveSampling(sampling);
    this.#branches = branches;
    this.#maxTokens = maxTokens;
    this.#sampling = sampling;
    this.#extract = options.extract ?? extractAnswer;
    this.#extractUnfinished = options.extractUnfinished ?? explicitAnswer;
    this.#isSame = options.isSame ?? Object.is;
    this.#earlyDecision = earlyDecision;
    this.#forced = forcedAnswer === false ? undefined : resolveForcedAnswer(forcedAnswer);
  }

  async run(request: StrategyRequest): Promise<SelfConsistencyResult> {
    const scope = new RunScope(request);
    scope.emit('run-start', { strategy: this.name, deadlineMs: scope.deadlineMs });
    const session = await this.#open(request, scope);
    try {
      const openMs = scope.elapsedMs();
      const tally = new Tally(scope, this.#branches, this.#isSame);
      const recorders = session.branch(this.#branches).map((branch) => new BranchRecorder(scope, branch, () => tally.reachDeadline()));
      const pending = new Set(recorders.map(({ branch }) => branch));
      await Promise.all(
        recorders.map(async (recorder) => {
          const report = await this.#solve(recorder, scope);
          pending.delete(recorder.branch);
          tally.add(report);
          if (this.#earlyDecision === 'exact' && tally.isDecided()) for (const branch of pending) branch.abort();
        }),
      );
      return this.#conclude({ scope, session, tally, recorders, openMs });
    } finally {
      await session.dispose();
    }
  }

  #open({ engine, prompt }: StrategyRequest, scope: RunScope): Promise<Session> {
    return engine.open(prompt, {
      sampling: this.#sampling,
      seed: scope.seed,
      clock: scope.clock,
      deadlineAt: scope.deadlineAt,
      ...(scope.signal && { signal: scope.signal }),
      ...(scope.hasListeners('branch-delta') && {
        onProgress: (progress) => {
          for (const delta of progress) scope.emit('branch-delta', delta);
        },
      }),
      ...(scope.hasListeners('draft-verify') && {
        onDraft: (branch, outcome) => scope.emit('draft-verify', { branch, ...outcome }),
      }),
    });
  }

  /** Decodes one branch to its answer. Only an abort by the caller rejects; a failure is reported. */
  async #solve(recorder: BranchRecorder, scope: RunScope): Promise<BranchReport> {
    const { branch } = recorder;
    try {
      const { finish } = recorder.add(await this.#decode(branch, scope));
      const isCut = finish === 'deadline' || finish === 'length';
      if (isCut && this.#forced && !scope.isPastDeadline()) await forceAnswer(recorder, this.#forced, this.#extractUnfinished, scope);
      return recorder.report(this.#answerOf(recorder));
    } catch (error) {
      scope.signal?.throwIfAborted();
      recorder.fail(error);
      return recorder.report(undefined);
    }
  }

  #decode(branch: Branch, scope: RunScope): ReturnType<Branch['advance']> {
    return branch.advance({
      ...(this.#maxTokens !== undefined && { until: { tokens: this.#maxTokens } }),
      deadlineAt: scope.deadlineAt,
      reserveSteps: reservedSteps(this.#forced),
      ...(scope.signal && { signal: scope.signal }),
    });
  }

  #answerOf(recorder: BranchRecorder): string | undefined {
    const { branch, finish, isForced } = recorder;
    if (finish === 'aborted' || finish === 'failed') return undefined;
    if (finish === 'end') return this.#extract(branch.text);
    const isWhole = finish === 'stop' || (isForced && finish === 'length') || !isAnswerOpen(branch.text, this.#extractUnfinished);
    return isWhole ? this.#extractUnfinished(branch.text) : undefined;
  }

  #conclude({ scope, session, tally, recorders, openMs }: FinishedRun): SelfConsistencyResult {
    const reports = tally.reports();
    const votes = tally.ranked();
    const chosen = votes[0] ? reports[votes[0].voters[0]!]! : longest(reports);
    const stopReason = stopReasonOf(recorders);
    // A listener or the last step may have been the caller's moment to leave.
    scope.signal?.throwIfAborted();
    if (!chosen)
      throw new NoCandidateError(
        stopReason,
        reports.flatMap((report) => report.error ?? []),
      );
    const voterCount = votes.reduce((sum, group) => sum + group.votes, 0);
    const usage = session.usage();
    const timing = { totalMs: scope.elapsedMs(), openMs, deadlineMs: scope.deadlineMs };
    scope.emit('run-end', { stopReason, usage, timing });
    return {
      text: chosen.text,
      answer: votes[0]?.answer,
      confidence: votes[0] ? votes[0].votes / voterCount : 0,
      votes,
      stopReason,
      branches: reports,
      usage,
      timing,
      listenerErrors: scope.listenerErrors,
    };
  }
}

interface FinishedRun {
  readonly scope: RunScope;
  readonly session: Session;
  readonly tally: Tally;
  readonly recorders: readonly BranchRecorder[];
  readonly openMs: number;
}

/** The votes of one run as they come in. */
class Tally {
  readonly #scope: RunScope;
  readonly #branchCount: number;
  readonly #isSame: AnswerEquivalence;
  readonly #reports = new Map<number, BranchReport>();
  #leader = '';
  #isPastDeadline = false;

  constructor(scope: RunScope, branchCount: number, isSame: AnswerEquivalence) {
    this.#scope = scope;
    this.#branchCount = branchCount;
    this.#isSame = isSame;
  }

  add(report: BranchReport): void {
    this.#reports.set(report.branch, report);
    this.#scope.emit('branch-end', { report });
    const [first] = this.ranked();
    const leader = first ? `${first.votes} ${first.answer}` : '';
    if (!first || leader === this.#leader) return;
    this.#leader = leader;
    this.#scope.emit('vote-change', { answer: first.answer, votes: first.votes, of: this.#branchCount });
  }

  /** The deadline has cut a branch; told once a run. */
  reachDeadline(): void {
    if (this.#isPastDeadline) return;
    this.#isPastDeadline = true;
    this.#scope.emit('deadline-reach', { unfinished: this.#pending() });
  }

  ranked(): AnswerVotes[] {
    return countVotes(new Map([...this.#reports].map(([branch, { answer }]) => [branch, answer])), this.#isSame);
  }

  isDecided(): boolean {
    const ranked = this.ranked();
    return ranked.length > 0 && isDecided(ranked, this.#pending());
  }

  /** In the order of the branches. */
  reports(): BranchReport[] {
    return [...this.#reports.values()].sort((left, right) => left.branch - right.branch);
  }

  /** Branches without a report. */
  #pending(): number[] {
    return Array.from({ length: this.#branchCount }, (_, branch) => branch).filter((branch) => !this.#reports.has(branch));
  }
}

/** Of those that wrote anything themselves. */
function longest(reports: readonly BranchReport[]): BranchReport | undefined {
  const written = reports.filter(({ tokenCount, forcedTokenCount }) => tokenCount > forcedTokenCount);
  return written.sort((left, right) => right.tokenCount - left.tokenCount || left.branch - right.branch)[0];
}

function stopReasonOf(recorders: readonly BranchRecorder[]): StopReason {
  if (recorders.some(({ finish }) => finish === 'aborted')) return 'consensus';
  return recorders.some(({ isCut }) => isCut) ? 'deadline' : 'completed';
}

/**
 * One run of a strategy on one engine: what all strategies do alike. A strategy decides what to decode and which branch to
 * return; this opens the prompt, passes on deadline, abort and events, follows branches and assembles the result.
 *
 * @module
 */
import { meaningLoaded } from '../answers/same-meaning.ts';
import type { Branch, BranchOptions, Segment, Session, SessionOptions } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { BranchReport, StopReason, StrategyResult } from '../contracts/result.ts';
import type { StrategyRequest } from '../contracts/strategy.ts';
import { NoCandidateError } from '../errors.ts';
import { requirePrompt } from '../options.ts';
import { BranchRecorder } from '../runtime/branch-recorder.ts';
import { hintScorer } from '../runtime/hint-scorer.ts';
import { RunScope } from '../runtime/run-scope.ts';
import { watchProgress } from '../runtime/watch-progress.ts';
import { scorerReady, type TimedScorer } from '../runtime/scorer-ready.ts';
import { answerRequest, anyAnswerRequest, forceAnswer, isThinking, reservedSteps, type AnswerRequest, type ForcedAnswer } from './forced-answer.ts';
import { answerOf, type SolutionPolicy } from './solution-policy.ts';
import { sumUsage } from './sum-usage.ts';
import { branchWarnings, scoringWarnings, type ScoringOutcome } from './warnings.ts';

/** What a strategy has come to. */
export interface Conclusion {
  /** The branch whose text is returned; `undefined` when no branch has anything to return. */
  readonly chosen: BranchReport | undefined;
  readonly answer: string | undefined;
  readonly confidence: number;
  readonly stopReason: StopReason;
  /** How scoring went, where the strategy has any. */
  readonly scoring?: ScoringOutcome | undefined;
}

/** What a session is opened with beside what every run passes on. */
type OpenOptions = Pick<SessionOptions, 'sampling' | 'topLogprobs' | 'selfCertainty' | 'expectedBranches'>;

interface ConductOptions extends OpenOptions {
  /** What will judge the branches. Where it cannot tell what that costs, it finds out while the prompt is read. */
  readonly scorer?: TimedScorer;
  /** Whether it will judge whole branches, so that it may read them while they decode. */
  readonly scoresBranches?: boolean;
}

/** How often a scorer that reads ahead is told of what branches have written. */
const READ_AHEAD_INTERVAL_MS = 10;

export class StrategyRun {
  readonly scope: RunScope;
  readonly session: Session;
  /** Called with each report as soon as it is there. */
  onReport: ((report: BranchReport) => void) | undefined;
  readonly #openMs: number;
  readonly #recorders: BranchRecorder[] = [];
  /** Followed and not reported on, in the order they were added. */
  readonly #pending = new Map<number, BranchRecorder>();
  /** In the order of the branches. */
  readonly #reports: BranchReport[] = [];
  readonly #open: (options: OpenOptions) => Promise<Session>;
  readonly #promptTexts: readonly string[];
  /** By the options they were made of. */
  readonly #answerRequests = new Map<ForcedAnswer, AnswerRequest | undefined>();
  /** Sessions beside the run's own. */
  readonly #further: Session[] = [];
  #decodingDeadlineAt: number;
  #isDeadlineTold = false;

  private constructor(scope: RunScope, prompt: Prompt, session: Session, open: (options: OpenOptions) => Promise<Session>) {
    this.#promptTexts = requirePrompt(prompt);
    this.scope = scope;
    this.session = session;
    this.#open = open;
    this.#openMs = scope.elapsedMs();
    this.#decodingDeadlineAt = scope.deadlineAt;
  }

  /**
   * Opens the prompt, has `work` decode, and frees the session whatever happens.
   *
   * @param name - The strategy's.
   * @throws {InvalidOptionError} for a request that makes no sense, before any work starts.
   * @throws {NoCandidateError} when the deadline passes while the prompt is read.
   */
  static async conduct<Result>(
    name: string,
    request: StrategyRequest,
    { scorer, scoresBranches = false, ...options }: ConductOptions,
    work: (run: StrategyRun) => Promise<Result>,
  ): Promise<Result> {
    const scope = new RunScope(request);
    scope.emit('run-start', { strategy: name, deadlineMs: scope.deadlineMs });
    const isReady = Promise.all([scorerReady(scope, scorer), meaningLoaded()]);
    // Waited for below; an abort that comes first must not count as unhandled.
    isReady.catch(() => undefined);
    hintScorer(scorer, request.prompt, []);
    const reader = scoresBranches ? readerOf(request.prompt, scorer) : undefined;
    const session = await request.engine.open(request.prompt, { ...sessionOptions(scope, options), ...progressOptions(scope, reader) });
    const run = new StrategyRun(scope, request.prompt, session, (further) => request.engine.open(request.prompt, { ...further, ...contextOf(scope) }));
    try {
      await isReady;
      return await work(run);
    } finally {
      await Promise.all([session, ...run.#further].map((opened) => opened.dispose()));
    }
  }

  /**
   * Opens the prompt once more, for branches that are sampled in another way. They are not reported on; the session ends with
   * the run, whose usage counts it.
   */
  async openFurther(options: OpenOptions): Promise<Session> {
    const session = await this.#open(options);
    this.#further.push(session);
    return session;
  }

  /** Keeps time free before the deadline for what follows decoding; never more than half of what is left. */
  reserve(milliseconds: number): void {
    const { clock, deadlineAt } = this.scope;
    this.#decodingDeadlineAt = deadlineAt - Math.min(milliseconds, Math.max(0, deadlineAt - clock.now()) / 2);
  }

  /** Time on the clock at which branches are cut: the deadline less what is kept free. */
  get decodingDeadlineAt(): number {
    return this.#decodingDeadlineAt;
  }

  /** Adds branches that continue the prompt. */
  branch(count: number, options?: BranchOptions): BranchRecorder[] {
    return this.session.branch(count, options).map((branch) => this.follow(branch));
  }

  /** Forks a branch off another; the new one has a random stream of its own. */
  fork(parent: BranchRecorder): BranchRecorder {
    return this.follow(parent.branch.fork(), parent);
  }

  /** Follows a branch of the session. */
  follow(branch: Branch, parent?: BranchRecorder): BranchRecorder {
    const recorder = new BranchRecorder(this.scope, branch, () => this.#reachDeadline(), parent);
    this.#recorders.push(recorder);
    this.#pending.set(branch.number, recorder);
    return recorder;
  }

  /** Every branch followed, in the order they were added. */
  get recorders(): readonly BranchRecorder[] {
    return this.#recorders;
  }

  /** Branches that have not been reported on, in the order they were added. */
  pending(): BranchRecorder[] {
    return [...this.#pending.values()];
  }

  /** Reports so far, in the order of the branches. */
  reports(): BranchReport[] {
    return [...this.#reports];
  }

  /** Whether the branch has been reported on. */
  isDone({ branch }: BranchRecorder): boolean {
    return !this.#pending.has(branch.number);
  }

  /** Decodes one branch to its answer and reports on it. Only an abort by the caller rejects; a failure is reported. */
  async solve(recorder: BranchRecorder, policy: SolutionPolicy): Promise<BranchReport> {
    return this.guard(recorder, policy, async () => {
      const { finish } = await this.advance(recorder, policy, policy.maxTokens);
      if (finish === 'deadline' || finish === 'length') await this.force(recorder, policy);
    });
  }

  /** Decodes a part of a branch, to its end or `tokens` further; leaves time to ask for the answer. */
  async advance(recorder: BranchRecorder, { forced }: Pick<SolutionPolicy, 'forced'>, tokens = Infinity): Promise<Segment> {
    const { signal } = this.scope;
    return recorder.add(
      await recorder.branch.advance({
        ...(tokens < Infinity && { until: { tokens } }),
        deadlineAt: this.#decodingDeadlineAt,
        reserveSteps: this.reservedSteps(forced),
        ...(signal && { signal }),
      }),
    );
  }

  /** Asks an unfinished branch for its answer, where there is time for it and the policy says so. */
  async force(recorder: BranchRecorder, { forced, extractUnfinished }: SolutionPolicy): Promise<void> {
    const { clock, signal } = this.scope;
    const deadlineAt = this.#decodingDeadlineAt;
    const request = this.answerRequest(forced);
    if (request && clock.now() < deadlineAt) await forceAnswer(recorder, request, extractUnfinished, { deadlineAt, signal });
  }

  /** How branches of this run are asked for their answers; `undefined` where they are not. */
  answerRequest(forced: ForcedAnswer | undefined): AnswerRequest | undefined {
    if (!forced) return undefined;
    if (!this.#answerRequests.has(forced)) this.#answerRequests.set(forced, answerRequest(forced, this.#promptTexts, this.session));
    return this.#answerRequests.get(forced);
  }

  /** As `answerRequest`, also where the prompt does not ask for a short answer. */
  anyAnswerRequest(forced: ForcedAnswer): AnswerRequest {
    return this.answerRequest(forced) ?? anyAnswerRequest(forced, this.#promptTexts, this.session);
  }

  /** Model steps that are kept in reserve for asking. */
  reservedSteps(forced: ForcedAnswer | undefined): number {
    return reservedSteps(this.answerRequest(forced));
  }

  /** Runs what a branch does last and reports on it. Only an abort by the caller rejects; a failure is reported. */
  async guard(recorder: BranchRecorder, policy: SolutionPolicy, work: () => Promise<void>): Promise<BranchReport> {
    try {
      await work();
      const isUnfinishedThought = recorder.finish !== 'end' && isThinking(recorder.branch.text, this.session);
      return this.close(recorder, isUnfinishedThought ? undefined : answerOf(recorder, policy, policy.forced && this.anyAnswerRequest(policy.forced)));
    } catch (error) {
      this.scope.signal?.throwIfAborted();
      recorder.fail(error);
      return this.close(recorder, undefined);
    }
  }

  /** Reports on a branch as it stands. */
  close(recorder: BranchRecorder, answer: string | undefined): BranchReport {
    const report = recorder.report(answer);
    this.#pending.delete(report.branch);
    // Looked for from the end, where it nearly always belongs: reports are read after every one that comes.
    const before = this.#reports.findLastIndex(({ branch }) => branch < report.branch);
    this.#reports.splice(before + 1, 0, report);
    this.scope.emit('branch-end', { report });
    this.onReport?.(report);
    return report;
  }

  /**
   * What ended the run: `deadline` where it cut a branch, also when the answers asked for after that decide the outcome before
   * all have come; `consensus` where branches were left out because the outcome stood; else `completed`.
   *
   * @param isDecided - Whether the outcome stood before all that was planned was done.
   */
  stopReason(isDecided = this.#recorders.some(({ finish }) => finish === 'aborted')): StopReason {
    if (this.#recorders.some(({ isCut }) => isCut)) return 'deadline';
    return isDecided ? 'consensus' : 'completed';
  }

  /** @throws the signal's reason when it is aborted. @throws {NoCandidateError} without a chosen branch. */
  conclude({ chosen, answer, confidence, stopReason, scoring }: Conclusion): StrategyResult {
    const { scope } = this;
    const branches = this.reports();
    // A listener or the last step may have been the caller's moment to leave.
    scope.signal?.throwIfAborted();
    if (!chosen) {
      const errors = branches.flatMap((report) => report.error ?? []);
      throw new NoCandidateError(stopReason, errors);
    }
    const usage = this.#further.length > 0 ? sumUsage([this.session, ...this.#further].map((session) => session.usage())) : this.session.usage();
    const timing = { totalMs: scope.elapsedMs(), openMs: this.#openMs, deadlineMs: scope.deadlineMs };
    scope.emit('run-end', { stopReason, usage, timing });
    const warnings = [...(scoring ? scoringWarnings(scoring) : []), ...branchWarnings(branches)];
    return { text: chosen.text, answer, confidence, stopReason, branches, usage, timing, warnings, listenerErrors: scope.listenerErrors };
  }

  #reachDeadline(): void {
    if (this.#isDeadlineTold) return;
    this.#isDeadlineTold = true;
    const unfinished = this.pending().map(({ branch }) => branch.number);
    this.scope.emit('deadline-reach', { unfinished });
  }
}

/** The branch that wrote the most by itself; of equals the first. */
export function longestReport(reports: readonly BranchReport[]): BranchReport | undefined {
  const written = reports.filter(({ tokenCount, forcedTokenCount }) => tokenCount > forcedTokenCount);
  return written.sort((left, right) => right.tokenCount - left.tokenCount || left.branch - right.branch)[0];
}

/** What every session of a run is opened with. */
function contextOf({ seed, clock, deadlineAt, signal }: RunScope): SessionOptions {
  return { seed, clock, deadlineAt, ...(signal && { signal }) };
}

function sessionOptions(scope: RunScope, options: OpenOptions): SessionOptions {
  return {
    ...options,
    ...contextOf(scope),
    ...(scope.hasListeners('draft-verify') && {
      onDraft: (branch, draft) => scope.emit('draft-verify', { branch, ...draft }),
    }),
  };
}

type ProgressListener = NonNullable<SessionOptions['onProgress']>;

function readerOf(prompt: Prompt, scorer: TimedScorer | undefined): ProgressListener | undefined {
  if (!scorer?.readAhead) return undefined;
  return (progress) => {
    const texts = progress.map(({ text }) => text);
    hintScorer(scorer, prompt, texts);
  };
}

/** Tells the run's listeners, and the scorer that reads along. */
function progressOptions(scope: RunScope, reader: ProgressListener | undefined): Pick<SessionOptions, 'onProgress' | 'progressIntervalMs'> {
  const tell: ProgressListener = (progress) => {
    for (const delta of progress) scope.emit('branch-delta', delta);
  };
  const told = scope.hasListeners('branch-delta') ? { onProgress: tell } : {};
  return reader ? watchProgress(told, READ_AHEAD_INTERVAL_MS, reader) : told;
}

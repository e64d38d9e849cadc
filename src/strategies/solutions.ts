/** Where the solutions come from that a strategy chooses among: branches of its own, or those of another strategy. */
import * as v from 'valibot';
import type { BranchOptions, SessionOptions, Segment } from '../contracts/engine.ts';
import type { BranchReport, StopReason, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import { hintScorer } from '../runtime/hint-scorer.ts';
import type { RunScope } from '../runtime/run-scope.ts';
import { scorerReady, type TimedScorer } from '../runtime/scorer-ready.ts';
import { NestedRuns, strategySchema, type NestedRun } from './nested-runs.ts';
import { Pace, PACE_TOKENS } from './paced-launch.ts';
import { solutionEntries, solutionPolicy, type SolutionPolicy } from './solution-policy.ts';
import { StrategyRun, type Conclusion } from './strategy-run.ts';

export const sourceEntries = {
  ...solutionEntries,
  /** How many solutions are sampled. Whole number ≥ 1. @default 8 */
  branches: v.optional(wholeNumber(1), 8),
  /**
   * Tokens that a solution is likely to take. Under a deadline no more branches are launched than are likely to finish in time:
   * the first one starts alone and tells the pace. Whole number ≥ 1. @default nothing is known, and all are launched at once
   */
  expectedTokens: v.optional(wholeNumber(1)),
  /** A strategy whose branches are the solutions, in place of sampled ones; how they are sampled is then its own affair. */
  source: v.optional(strategySchema),
};

export interface SolutionSourceOptions extends OptionsOf<typeof sourceEntries> {}

export interface SolutionSource {
  readonly source: Strategy | undefined;
  readonly branches: number;
  readonly expectedTokens: number | undefined;
  readonly policy: SolutionPolicy;
}

/** @param given - As the caller passed them. @param settings - The same, checked. @throws {InvalidOptionError} for options without effect. */
export function solutionSource(given: SolutionSourceOptions, settings: SettingsOf<typeof sourceEntries>): SolutionSource {
  const { source, branches, expectedTokens } = settings;
  const idle = source && SAMPLING_OPTIONS.find((option) => given[option] !== undefined);
  if (idle) throw new InvalidOptionError(idle, 'left out together with `source`', given[idle], `Give ${idle} to the source.`);
  return { source, branches, expectedTokens, policy: solutionPolicy(settings) };
}

/** Whether the source is one branch, whose text is what a run returns. */
export function isSingleBranch({ source, branches }: SolutionSource): boolean {
  return source ? (source.isSingleBranch ?? false) : branches === 1;
}

const SAMPLING_OPTIONS = ['branches', 'expectedTokens', 'maxTokens', 'sampling', 'extract', 'extractUnfinished', 'forcedAnswer'] as const;

/** Told at the start, and of every solution as it comes; says how many branches to launch. */
export type SolutionListener = (report: BranchReport | undefined) => number;

/** Launches branches. @param solve - Decodes one to its report. @default to its end, in one piece */
type Launch = (count: number, solve?: (recorder: BranchRecorder) => Promise<BranchReport>, options?: BranchOptions) => void;

/** The solutions of one run. */
export interface Solutions {
  readonly scope: RunScope;
  /** Branches that may be launched in all. */
  readonly branches: number;
  readonly launched: number;
  /** Launched branches without a report, ascending. */
  pending(): number[];
  /** Reports so far, in the order of the branches. */
  reports(): BranchReport[];
  /** What a branch has decoded, where it is known: not of another strategy's. */
  segmentsOf(branch: number): readonly Segment[];
  /**
   * Decodes until every launched branch is done. May be called once.
   *
   * @param first - How the branches differ that begin. Of no use where they are another strategy's, or begin by the time there is.
   */
  decode(listener: SolutionListener, first?: BranchOptions): Promise<void>;
  /** Ends branches that are not done. */
  stop(): void;
  /** @param isDecided - Whether branches were left out because the outcome stood. */
  stopReason(isDecided: boolean): StopReason;
  /** @throws the signal's reason when it is aborted. @throws {NoCandidateError} without a chosen branch. */
  conclude(conclusion: Conclusion): StrategyResult;
}

export interface SolutionRunOptions {
  /** What segments have to carry. */
  readonly session?: Pick<SessionOptions, 'topLogprobs' | 'selfCertainty'>;
  /** What judges the solutions: time for all of them is kept free behind decoding, as far as it can tell how long it takes. */
  readonly scorer?: TimedScorer;
}

/** Starts a run and has `work` make and choose solutions. Rejects as `Strategy.run` does. */
export function conductSolutions<Result>(
  name: string,
  request: StrategyRequest,
  solutionSource: SolutionSource,
  { session = {}, scorer }: SolutionRunOptions,
  work: (solutions: Solutions) => Promise<Result>,
): Promise<Result> {
  const { source, branches, policy } = solutionSource;
  if (source) {
    return NestedRuns.conduct(name, request, (runs) => {
      hintScorer(scorer, request.prompt, []);
      return work(new SourcedSolutions(runs, source, { scorer, branches }));
    });
  }
  return StrategyRun.conduct(
    name,
    request,
    { sampling: policy.sampling, expectedBranches: branches, ...session, ...(scorer && { scorer, scoresBranches: true }) },
    (run) => {
      run.reserve(scorer?.estimateMs?.(branches) ?? 0);
      return work(new SampledSolutions(run, solutionSource));
    },
  );
}

/** Branches of a session of its own. */
class SampledSolutions implements Solutions {
  readonly branches: number;
  readonly #run: StrategyRun;
  readonly #policy: SolutionPolicy;
  /** Where the number of branches goes by the time there is. */
  readonly #pace: Pace | undefined;
  #isStopped = false;
  /** Whether branches that were still wanted were not launched for want of time. */
  #isShort = false;

  constructor(run: StrategyRun, { branches, policy, expectedTokens }: SolutionSource) {
    this.#run = run;
    this.branches = branches;
    this.#policy = policy;
    this.#pace = expectedTokens === undefined || run.scope.deadlineAt === Infinity ? undefined : new Pace(expectedTokens);
  }

  get scope(): RunScope {
    return this.#run.scope;
  }

  get launched(): number {
    return this.#run.recorders.length;
  }

  pending(): number[] {
    return this.#run.pending().map(({ branch }) => branch.number);
  }

  reports(): BranchReport[] {
    return this.#run.reports();
  }

  segmentsOf(branch: number): readonly Segment[] {
    return this.#run.recorders[branch]!.segments;
  }

  decode(listener: SolutionListener, first?: BranchOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      let open = 0;
      const solveWhole = (recorder: BranchRecorder): Promise<BranchReport> => this.#run.solve(recorder, this.#policy);
      const launch: Launch = (count, solve = solveWhole, options) => {
        if (count <= 0) return;
        open += count;
        for (const recorder of this.#run.branch(count, options)) {
          solve(recorder).then(() => {
            if (--open === 0) resolve();
          }, reject);
        }
      };
      let launchMore: (count: number) => void = launch;
      this.#run.onReport = (report) => {
        const count = listener(report);
        if (!this.#isOver()) launchMore(count);
        else if (count > 0) this.#isShort = true;
      };
      const count = listener(undefined);
      if (this.#pace) {
        launchMore = this.#pacedLaunch(this.#pace, count, launch);
        launchMore(count);
      } else launch(count, undefined, first);
      if (open === 0) resolve();
    });
  }

  /** Launches one branch that leads, and, whenever that has ended before its time, another one as long as there is time for it. */
  #pacedLaunch(pace: Pace, most: number, launch: Launch): () => void {
    let leader: BranchRecorder | undefined;
    const launchOthers = (): void => {
      const live = this.#run.pending().length;
      if (!this.#isOver()) launch(Math.min(this.#fitting(pace, most) - live, live, most - this.launched));
    };
    return () => {
      const isLed = leader !== undefined && !this.#run.isDone(leader);
      if (isLed || this.#isStopped || this.launched >= most || this.#fitting(pace, most) <= this.#run.pending().length) return;
      launch(1, (recorder) => {
        leader = recorder;
        return this.#lead(recorder, pace, () => {
          if (this.launched < most) launchOthers();
          return this.launched < most;
        });
      });
    };
  }

  #fitting(pace: Pace, most: number): number {
    return pace.fitting(this.#run.decodingDeadlineAt - this.scope.clock.now(), this.#run.reservedSteps(this.#policy.forced), most);
  }

  /**
   * Decodes a branch to its answer, at first in short pieces that tell the pace.
   *
   * @param onPace - Called after each piece; says whether the pace is still of interest.
   */
  #lead(recorder: BranchRecorder, pace: Pace, onPace: () => boolean): Promise<BranchReport> {
    const { maxTokens = Infinity } = this.#policy;
    return this.#run.guard(recorder, this.#policy, async () => {
      for (let isPacing = true; ;) {
        const { tokenCount } = recorder.branch;
        const left = maxTokens - tokenCount;
        const isPiece = isPacing && left > PACE_TOKENS;
        const { finish, tokens, startedAt, endedAt } = await this.#run.advance(recorder, this.#policy, isPiece ? PACE_TOKENS : left);
        if (finish === 'deadline' || (finish === 'length' && !isPiece)) return this.#run.force(recorder, this.#policy);
        if (finish !== 'length') return;
        // The first token of all comes from the pass that read the prompt.
        pace.record(this.#run.pending().length, (endedAt - startedAt) / (tokens.length - (tokenCount === 0 ? 1 : 0)));
        isPacing = onPace();
      }
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const { branch } of this.#run.pending()) branch.abort();
  }

  stopReason(isDecided: boolean): StopReason {
    if (this.#isShort && !isDecided) return 'deadline';
    return isDecided && this.launched < this.branches ? this.#run.stopReason(true) : this.#run.stopReason();
  }

  conclude(conclusion: Conclusion): StrategyResult {
    return this.#run.conclude(conclusion);
  }

  /** Whether a branch launched now would find no time, or the caller gone. */
  #isOver(): boolean {
    const { clock, signal } = this.scope;
    return (signal?.aborted ?? false) || clock.now() >= this.#run.decodingDeadlineAt || this.#run.recorders.some(({ isCut }) => isCut);
  }
}

/** Branches of another strategy's run. */
class SourcedSolutions implements Solutions {
  readonly #runs: NestedRuns;
  readonly #source: Strategy;
  readonly #judged: { readonly scorer: TimedScorer | undefined; readonly branches: number };
  #run: NestedRun | undefined;

  /** @param judged - By whom, and how many there are likely to be. */
  constructor(runs: NestedRuns, source: Strategy, judged: { readonly scorer: TimedScorer | undefined; readonly branches: number }) {
    this.#runs = runs;
    this.#source = source;
    this.#judged = judged;
  }

  get scope(): RunScope {
    return this.#runs.scope;
  }

  get branches(): number {
    return this.launched;
  }

  get launched(): number {
    return this.reports().length;
  }

  pending(): number[] {
    return [];
  }

  reports(): BranchReport[] {
    return [...(this.#run?.result ? this.#run.branches : [])];
  }

  segmentsOf(): readonly Segment[] {
    return [];
  }

  async decode(listener: SolutionListener): Promise<void> {
    const { scorer, branches } = this.#judged;
    await scorerReady(this.scope, scorer);
    const leftMs = this.#runs.remainingMs();
    this.#run = await this.#runs.run(this.#source, { deadlineMs: leftMs - Math.min(scorer?.estimateMs?.(branches) ?? 0, leftMs / 2) });
    if (!this.#run.result) throw this.#runs.failure();
    for (const report of this.reports()) listener(report);
  }

  /** The source ends by itself. */
  stop(): void {}

  stopReason(): StopReason {
    return this.#run?.result?.stopReason ?? 'deadline';
  }

  conclude({ chosen, ...conclusion }: Conclusion): StrategyResult {
    const { result } = this.#run ?? {};
    // A source may return what no report says: its own choice is what is left without a better one.
    if (chosen) return this.#runs.conclude({ ...conclusion, text: chosen.text });
    if (!result) throw this.#runs.failure();
    return this.#runs.conclude(result);
  }
}

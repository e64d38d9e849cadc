/**
 * DeepConf (Fu et al. 2025, arXiv:2508.15260): traces that were unsure somewhere do not vote, and the others vote by how sure
 * they were. Offline all traces are decoded and then filtered. On-line a first few set a bar, and further ones are stopped while
 * they decode, as soon as a window of their tokens falls below it.
 *
 * Bar, stops, filter and weights go by one measure, and the weighted vote is the answer. Windows and the number of top
 * log-probabilities are much larger in the paper (2048 and 20) than short solutions and many engines allow, hence the result
 * says which were used.
 *
 * @module
 */
import * as v from 'valibot';
import { tallyVotes } from '../answers/vote.ts';
import type { BranchReport, StopReason, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import type { AnswerTally } from '../contracts/vote.ts';
import { InvalidOptionError } from '../errors.ts';
import { quantile } from '../maths/quantile.ts';
import { AGGREGATIONS } from '../maths/token-confidence.ts';
import { number, oneOf, readOptions, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import { sameAnswerEntries, solutionEntries, solutionPolicy, type SolutionPolicy } from './solution-policy.ts';
import type { WeighedVotes } from './solution-vote.ts';
import { longestReport, StrategyRun } from './strategy-run.ts';
import { TraceConfidence } from './trace-confidence.ts';
import { finalWeight, weighVotes } from './weigh-votes.ts';

export const deepConfEntries = {
  ...solutionEntries,
  /** `offline` decodes all traces and filters them; `online` stops unsure ones while they decode. @default 'online' */
  mode: v.optional(oneOf(['online', 'offline']), 'online'),
  /** Most traces in all. Whole number ≥ 1. @default 32 */
  branches: v.optional(wholeNumber(1), 32),
  /** On-line, traces that are decoded to their end first and set the bar: at most `branches`. Whole number ≥ 1. @default 16, at most `branches` */
  warmUp: v.optional(wholeNumber(1)),
  /** Share of the traces, on-line of those of the warm-up, that lie above the bar: 0.9 is lenient, 0.1 strict. In (0, 1]. @default 0.9 */
  keep: v.optional(number(Number.MIN_VALUE, 1), 0.9),
  /** Tokens in a window. Whole number ≥ 1. @default 2048 */
  window: v.optional(wholeNumber(1), 2048),
  /** Likeliest tokens the confidence of a token is made of; an engine may have fewer to give. Whole number ≥ 1. @default 20 */
  topLogprobs: v.optional(wholeNumber(1), 20),
  /** Offline, how confidences of tokens become one of a trace. On-line it is `lowest-group`. @default 'lowest-group' */
  aggregation: v.optional(oneOf(AGGREGATIONS), 'lowest-group'),
  /** On-line, the run ends once the leader has this share of the weight; 1 waits for all. In (0, 1]. @default 0.95 */
  consensus: v.optional(number(Number.MIN_VALUE, 1), 0.95),
  ...sameAnswerEntries,
};

export interface DeepConfOptions extends OptionsOf<typeof deepConfEntries> {}

/** What became of one trace. */
export interface TraceReport {
  readonly branch: number;
  /** `undefined` where the engine told no top log-probabilities. */
  readonly confidence: number | undefined;
  /** `stopped` while it decoded, `filtered` after it, both for low confidence; `abstained` without an answer. */
  readonly fate: 'voted' | 'filtered' | 'stopped' | 'abstained';
}

/** `confidence` is the winner's share of the weight. */
export interface DeepConfResult extends StrategyResult {
  /** Heaviest first. */
  readonly votes: readonly WeighedVotes[];
  readonly traces: readonly TraceReport[];
  /** Confidence a trace needs; `undefined` where there was nothing to set it by. */
  readonly bar: number | undefined;
  /** Top log-probabilities the confidence of a token was made of; 0 where the engine gave none, and every answer has one vote. */
  readonly topLogprobs: number;
  readonly window: number;
  /** Traces that were stopped early for low confidence. */
  readonly stoppedCount: number;
}

type Settings = SettingsOf<typeof deepConfEntries> & { readonly warmUp: number };

export class DeepConf implements Strategy<DeepConfResult> {
  readonly name = 'deep-conf';
  readonly #settings: Settings;
  readonly #policy: SolutionPolicy;

  /** @throws {InvalidOptionError} */
  constructor(options: DeepConfOptions = {}) {
    const settings = readOptions(deepConfEntries, options);
    const { mode, branches, aggregation, warmUp = Math.min(16, branches) } = settings;
    if (warmUp > branches) throw new InvalidOptionError('warmUp', `at most \`branches\`, ${branches}`, warmUp);
    if (mode === 'online' && aggregation !== 'lowest-group') throw new InvalidOptionError('aggregation', "'lowest-group' on-line", aggregation);
    this.#settings = { ...settings, warmUp };
    this.#policy = solutionPolicy(settings);
  }

  run(request: StrategyRequest): Promise<DeepConfResult> {
    const { topLogprobs, mode } = this.#settings;
    return StrategyRun.conduct(this.name, request, { sampling: this.#policy.sampling, topLogprobs }, (run) => {
      const traces = new Traces(run, this.#settings, this.#policy);
      return mode === 'online' ? traces.decodeOnline() : traces.decodeOffline();
    });
  }
}

/** The traces of one run. */
class Traces {
  readonly #run: StrategyRun;
  readonly #settings: Settings;
  readonly #policy: SolutionPolicy;
  readonly #traces = new Map<number, TraceConfidence>();
  readonly #stopped = new Set<number>();
  readonly #filtered = new Set<number>();
  #bar: number | undefined;
  #hasConsensus = false;
  #leader = '';

  constructor(run: StrategyRun, settings: Settings, policy: SolutionPolicy) {
    this.#run = run;
    this.#settings = settings;
    this.#policy = policy;
    run.onReport = () => this.#count();
  }

  async decodeOffline(): Promise<DeepConfResult> {
    const { branches, keep } = this.#settings;
    await Promise.all(this.#start(branches).map((recorder) => this.#run.solve(recorder, this.#policy)));
    this.#setBar(keep);
    for (const [branch, trace] of this.#traces) if (this.#bar !== undefined && (trace.value() ?? 0) < this.#bar) this.#filtered.add(branch);
    return this.#conclude();
  }

  async decodeOnline(): Promise<DeepConfResult> {
    const { branches, warmUp, keep } = this.#settings;
    await Promise.all(this.#start(warmUp).map((recorder) => this.#run.solve(recorder, this.#policy)));
    this.#setBar(keep);
    const isLate = this.#run.recorders.some(({ isCut }) => isCut);
    if (branches > warmUp && !this.#hasConsensus && !isLate) {
      await Promise.all(this.#start(branches - warmUp).map((recorder) => this.#watch(recorder)));
    }
    return this.#conclude();
  }

  #start(count: number): BranchRecorder[] {
    const recorders = this.#run.branch(count);
    for (const recorder of recorders) this.#traces.set(recorder.branch.number, new TraceConfidence(recorder, this.#settings));
    return recorders;
  }

  /** The bar that this share of the finished traces is not below. */
  #setBar(keep: number): void {
    const finished = this.#run.reports().filter(({ answer }) => answer !== undefined);
    const confidences = finished.flatMap(({ branch }) => this.#traces.get(branch)!.value() ?? []);
    this.#bar = confidences.length > 0 ? quantile(confidences, 1 - keep) : undefined;
    this.#count();
  }

  /** Decodes a trace for as long as no window of it is below the bar. */
  async #watch(recorder: BranchRecorder): Promise<void> {
    const { branch } = recorder;
    const bar = this.#bar ?? -Infinity;
    const trace = this.#traces.get(branch.number)!;
    await this.#run.guard(recorder, this.#policy, async () => {
      const chunk = Math.ceil(this.#settings.window / 4);
      for (;;) {
        const left = (this.#policy.maxTokens ?? Infinity) - branch.tokenCount;
        const { finish } = await this.#run.advance(recorder, this.#policy, Math.min(chunk, left));
        if (finish === 'length' && trace.lowestFullGroup() < bar) {
          this.#stopped.add(branch.number);
          recorder.drop();
          return;
        }
        if (branch.ended || this.#hasConsensus) return recorder.drop();
        if (finish === 'deadline' || left <= chunk) return this.#run.force(recorder, this.#policy);
      }
    });
  }

  /** Counts the votes; ends the run once the leader cannot reasonably lose. */
  #count(): void {
    const [leader] = this.#tallies();
    if (!leader) return;
    const standing = `${leader.voters.length} ${leader.answer}`;
    if (standing !== this.#leader) this.#run.scope.emit('vote-change', { answer: leader.answer, votes: leader.voters.length, of: this.#settings.branches });
    this.#leader = standing;
    const { mode, consensus } = this.#settings;
    if (mode === 'offline' || this.#bar === undefined || consensus === 1 || this.#share() < consensus) return;
    this.#hasConsensus = true;
    for (const { branch } of this.#run.pending()) branch.abort();
  }

  #share(): number {
    const tallies = this.#tallies();
    const total = tallies.reduce((sum, { weight }) => sum + weight, 0);
    return total > 0 ? tallies[0]!.weight / total : 0;
  }

  #tallies(): AnswerTally[] {
    const voters = this.#run.reports().filter(({ branch }) => !this.#filtered.has(branch));
    const groups = tallyVotes(new Map(voters.map(({ branch, answer }) => [branch, answer])), this.#settings.isSame);
    const isMeasured = voters.some(({ branch, answer }) => answer !== undefined && this.#traces.get(branch)!.value() !== undefined);
    return weighVotes(groups, (voter) => finalWeight(isMeasured ? (this.#traces.get(voter)!.value() ?? 0) : 1));
  }

  #conclude(): DeepConfResult {
    const tallies = this.#tallies();
    const reports = this.#run.reports();
    const [winner] = tallies;
    const used = [...this.#traces.values()].flatMap(({ count }) => count ?? []);
    const result = this.#run.conclude({
      chosen: winner ? reports.find(({ branch }) => branch === winner.voters[0]) : longestReport(reports.filter(({ finish }) => finish !== 'failed')),
      answer: winner?.answer,
      confidence: this.#share(),
      stopReason: this.#stopReason(),
    });
    return {
      ...result,
      votes: tallies.map(({ answer, voters, weight }) => ({ answer, voters, weight, votes: voters.length })),
      traces: reports.map((report) => ({ branch: report.branch, confidence: this.#traces.get(report.branch)!.value(), fate: this.#fateOf(report) })),
      bar: this.#bar,
      topLogprobs: used.length > 0 ? Math.min(...used) : 0,
      window: this.#settings.window,
      stoppedCount: this.#stopped.size,
    };
  }

  #fateOf({ branch, answer }: BranchReport): TraceReport['fate'] {
    if (this.#stopped.has(branch)) return 'stopped';
    if (answer === undefined) return 'abstained';
    return this.#filtered.has(branch) ? 'filtered' : 'voted';
  }

  #stopReason(): StopReason {
    const reports = this.#run.reports();
    const isDecided = this.#hasConsensus && reports.length < this.#settings.branches;
    return this.#run.stopReason(isDecided || reports.some(({ branch, finish }) => finish === 'aborted' && !this.#stopped.has(branch)));
  }
}

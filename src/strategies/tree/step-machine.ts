/**
 * What strategies do alike that search step by step: take one step on all live paths together, have the prefixes judged in
 * one batch, split some paths and drop others, keep what is complete, and be back before the deadline.
 *
 * Steps as the unit of search, judged by a process reward model: Snell et al. 2024 (arXiv:2408.03314).
 *
 * @module
 */
import type { AdvanceOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { OutcomeScorer, StepScorer } from '../../contracts/scorer.ts';
import type { StepAggregation } from '../../maths/aggregate-steps.ts';
import type { SolutionPolicy } from '../solution-policy.ts';
import type { StrategyRun } from '../strategy-run.ts';
import type { Lookahead } from './lookahead.ts';
import { comparePaths, Path } from './path.ts';
import { PrefixScoring } from './prefix-scoring.ts';

/** What a machine needs to know of its strategy. */
export interface MachinePolicy {
  readonly solution: SolutionPolicy;
  readonly scorer: StepScorer | OutcomeScorer;
  readonly aggregation: StepAggregation;
}

type Boundary = NonNullable<AdvanceOptions['until']>;

/** Weight of the newest round in the expected length of the next. */
const NEWEST = 0.5;

/** Scoring is given no more than this share of the time left: one slow call, such as the first, must not end decoding for good. */
const MOST_SCORING = 0.5;

export class StepMachine {
  readonly run: StrategyRun;
  readonly scoring: PrefixScoring;
  /** Paths that nothing further can come of, in the order they ended; dropped and failed ones are not among them. */
  readonly ended: Path[] = [];
  /** Rounds so far. */
  roundCount = 0;
  readonly #policy: MachinePolicy;
  readonly #lookahead: Lookahead | undefined;
  #roundMs = 0;
  #msPerToken = 0;
  #isOutOfTime = false;

  /** @param lookahead - Tells where paths lead, which is then judged in their place. */
  constructor(run: StrategyRun, prompt: Prompt, policy: MachinePolicy, lookahead?: Lookahead) {
    this.run = run;
    this.scoring = new PrefixScoring(run.scope, prompt, policy.scorer, policy.aggregation);
    this.#policy = policy;
    this.#lookahead = lookahead;
  }

  /** Complete solutions so far. */
  get complete(): Path[] {
    return this.ended.filter(({ isComplete }) => isComplete);
  }

  /** Whether the deadline ended the search. */
  get isOutOfTime(): boolean {
    return this.#isOutOfTime;
  }

  /** Milliseconds a token of all live paths took in the last round. */
  get msPerToken(): number {
    return this.#msPerToken;
  }

  /** New paths from the prompt. */
  start(count: number, treeOf: (index: number) => number = () => 0): Path[] {
    return this.run.branch(count).map((recorder, index) => new Path(recorder, treeOf(index)));
  }

  /**
   * Whether a round and its scores fit before the deadline, by what rounds have taken so far. Where nothing is complete yet,
   * time to force an answer is kept.
   */
  hasTime(liveCount: number): boolean {
    if (this.#isOutOfTime) return false;
    const { scope } = this.run;
    this.#isOutOfTime = scope.clock.now() + this.#roundMs + this.#scoringMs(liveCount) + this.#reserveMs() > scope.deadlineAt;
    return !this.#isOutOfTime;
  }

  /** Milliseconds from now until scoring this many paths, and a forced answer where one may be needed, have to begin. */
  decodingMs(liveCount: number): number {
    const { scope } = this.run;
    return scope.deadlineAt - scope.clock.now() - this.#scoringMs(liveCount) - this.#reserveMs();
  }

  /**
   * Takes every path to the boundary and has it judged. Failed paths are reported on and left out; paths that ended are
   * reported on and added to `ended`.
   *
   * @returns the paths that can go on, in the given order.
   */
  async round(paths: readonly Path[], until: Boundary): Promise<Path[]> {
    const { clock, deadlineAt } = this.run.scope;
    const startedAt = clock.now();
    const before = paths.map(({ recorder }) => recorder.branch.tokenCount);
    const decodeBy = deadlineAt - this.#scoringMs(paths.length);
    const moved = await Promise.all(paths.map((path) => this.#advance(path, until, decodeBy)));
    this.run.scope.signal?.throwIfAborted();
    const steps = Math.max(1, ...paths.map(({ recorder }, index) => recorder.branch.tokenCount - before[index]!));
    this.#msPerToken = (clock.now() - startedAt) / steps;
    const standing = paths.filter((_, index) => moved[index]);
    const open = standing.filter(({ recorder }) => recorder.finish === 'stop' || recorder.finish === 'length');
    const ahead = await this.#lookahead?.look(open, decodeBy, this.#reservedSteps());
    this.#roundMs += (this.roundCount === 0 ? 1 : NEWEST) * (clock.now() - startedAt - this.#roundMs);
    this.roundCount++;
    await this.scoring.score(standing, deadlineAt - (standing.some(({ isComplete }) => isComplete) ? 0 : this.#reserveMs()), ahead);
    await Promise.all(standing.map((path) => this.#closeIfEnded(path)));
    return standing.filter(({ report }) => !report);
  }

  /** The path itself and forks of it, `count` in all; 0 drops it. A path that has ended cannot fork and stands for all of them. */
  split(path: Path, count: number): Path[] {
    if (path.report) return Array.from({ length: count }, () => path);
    if (count === 0) {
      this.drop(path);
      return [];
    }
    const forks = Array.from({ length: count - 1 }, () => new Path(this.run.fork(path.recorder), path.tree, path.score));
    return [path, ...forks];
  }

  /** New paths that go on from a text; none where it cannot be appended. */
  async resume({ text, score }: { readonly text: string; readonly score: number | undefined }, count: number): Promise<Path[]> {
    if (count === 0) return [];
    const path = this.start(1)[0]!;
    path.score = score;
    try {
      await path.recorder.branch.force(text);
      return this.split(path, count);
    } catch (error) {
      this.run.scope.signal?.throwIfAborted();
      this.#fail(path, error);
      return [];
    }
  }

  /** Goes on without the path. */
  drop(path: Path): void {
    if (path.report) return;
    path.recorder.drop();
    path.report = this.run.close(path.recorder, undefined);
  }

  /**
   * Ends the search: with nothing complete yet, the best live path goes on to its end, or is asked for its answer in time,
   * and the next best where it fails; all others are dropped.
   */
  async finish(live: readonly Path[]): Promise<void> {
    const ranked = [...live].sort(comparePaths);
    while (this.complete.length === 0 && ranked.length > 0) {
      const path = ranked.shift()!;
      path.isScored = false;
      path.report = await this.run.solve(path.recorder, this.#remaining(path));
      const { finish, tokenCount, forcedTokenCount } = path.report;
      if (finish === 'failed') continue;
      // A path without a token of its own, where not even one fitted, is nothing to return.
      if (tokenCount > forcedTokenCount) this.ended.push(path);
      if (path.isComplete) await this.scoring.score([path], this.run.scope.deadlineAt);
      break;
    }
    for (const path of ranked) this.drop(path);
  }

  /** @returns false when the path failed; it has been reported on then. */
  async #advance(path: Path, until: Boundary, deadlineAt: number): Promise<boolean> {
    const { recorder } = path;
    const { signal } = this.run.scope;
    const tokens = Math.min(until.tokens ?? Infinity, this.#tokensLeft(path));
    const boundary = { ...until, ...(tokens < Infinity && { tokens }) };
    try {
      const segment = await recorder.branch.advance({ until: boundary, deadlineAt, reserveSteps: this.#reservedSteps(), ...(signal && { signal }) });
      if (recorder.add(segment).finish === 'deadline') this.#isOutOfTime = true;
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      this.#fail(path, error);
      return false;
    }
  }

  #fail(path: Path, error: unknown): void {
    path.recorder.fail(error);
    path.report = this.run.close(path.recorder, undefined);
  }

  /** Reports on a path whose text is over. One without tokens left is asked for its answer first. */
  async #closeIfEnded(path: Path): Promise<void> {
    const { recorder } = path;
    const isAtLimit = recorder.finish === 'length' && this.#tokensLeft(path) <= 0;
    if (!isAtLimit && recorder.finish !== 'end' && recorder.finish !== 'context') return;
    path.report = await this.run.guard(recorder, this.#policy.solution, async () => {
      if (isAtLimit) await this.run.force(recorder, this.#policy.solution);
    });
    if (recorder.isForced) path.isScored = false;
    if (path.report.finish !== 'failed') this.ended.push(path);
  }

  #remaining(path: Path): SolutionPolicy {
    const left = this.#tokensLeft(path);
    return { ...this.#policy.solution, maxTokens: left < Infinity ? Math.max(1, left) : undefined };
  }

  #tokensLeft({ recorder }: Path): number {
    return (this.#policy.solution.maxTokens ?? Infinity) - recorder.branch.tokenCount;
  }

  /** An answer has to be forced only where no solution is complete. */
  #reservedSteps(): number {
    return this.complete.length > 0 ? 0 : this.run.reservedSteps(this.#policy.solution.forced);
  }

  /** What scoring this many paths is given. */
  #scoringMs(count: number): number {
    const { clock, deadlineAt } = this.run.scope;
    const expected = this.scoring.estimateMs(count);
    return deadlineAt === Infinity ? expected : Math.min(expected, Math.max(0, deadlineAt - clock.now()) * MOST_SCORING);
  }

  #reserveMs(): number {
    return this.#reservedSteps() * this.#msPerToken;
  }
}

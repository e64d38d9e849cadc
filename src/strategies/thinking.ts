/**
 * One line of thought with a budget of time: decoded until the model ends it, until it has to give way to the answer, or on
 * from where the model would have ended it.
 *
 * @module
 */
import type { Branch, Segment } from '../contracts/engine.ts';
import type { BranchReport } from '../contracts/result.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import { askForAnswer, type ForcedAnswer } from './forced-answer.ts';
import type { SolutionPolicy } from './solution-policy.ts';
import type { StrategyRun } from './strategy-run.ts';

/** The budget of a line of thought, with every default filled in. */
export interface ThinkingBudget {
  readonly thinkMs: number;
  readonly minThinkMs: number;
  readonly maxWaits: number;
  readonly wait: string;
  /** `undefined` where the model's own end is the end of its thoughts. */
  readonly thinkingEnd: string | undefined;
}

export type ThinkingPolicy = SolutionPolicy & { readonly forced: ForcedAnswer };

/** How a line of thought went. */
export interface ThinkingReport {
  /** The branches it took: one, and one more for every wait. */
  readonly branches: readonly number[];
  /** Milliseconds from its start to the end of the thoughts. */
  readonly thoughtMs: number;
  /** What ended them: the model, `thinkMs` or `maxTokens`, or the run's deadline. */
  readonly endedBy: 'model' | 'budget' | 'deadline';
}

/** Most tokens that are read again when a thought goes on. */
const CHUNK_TOKENS = 32;
/** Enough to learn how long a step takes. */
const FIRST_CHUNK_TOKENS = 2;

export class LineOfThought {
  readonly #run: StrategyRun;
  readonly #policy: ThinkingPolicy;
  readonly #budget: ThinkingBudget;
  readonly #startedAt: number;
  readonly #branches: number[] = [];
  /** What one model step has taken lately, in milliseconds. */
  #stepMs: number | undefined;
  #thoughtMs = 0;
  #endedBy: ThinkingReport['endedBy'] = 'model';

  constructor(run: StrategyRun, policy: ThinkingPolicy, budget: ThinkingBudget) {
    this.#run = run;
    this.#policy = policy;
    this.#budget = budget;
    this.#startedAt = run.scope.clock.now();
  }

  /**
   * Thinks and answers. Only an abort by the caller rejects; a failure is reported.
   *
   * @returns the last branch of the line that has an answer; the first one where none has.
   */
  async solve(first: BranchRecorder): Promise<BranchReport> {
    let best: BranchReport | undefined;
    let stretch: Stretch | undefined = { recorder: first, opening: '' };
    while (stretch) {
      const { recorder, opening }: Stretch = stretch;
      this.#branches.push(recorder.branch.number);
      stretch = undefined;
      const report = await this.#run.guard(recorder, this.#policy, async () => {
        if (opening !== '') await recorder.branch.force(opening);
        stretch = await this.#think(recorder);
        if (!stretch) await this.#answer(recorder);
      });
      if (!best || report.answer !== undefined) best = report;
    }
    return best!;
  }

  report(): ThinkingReport {
    return { branches: this.#branches, thoughtMs: this.#thoughtMs, endedBy: this.#endedBy };
  }

  /** Decodes thoughts to their end. @returns how they go on where the model may not end them yet. */
  async #think(recorder: BranchRecorder): Promise<Stretch | undefined> {
    const { branch } = recorder;
    for (;;) {
      // The text of a branch cannot be taken back, so what may have to go on behind it is kept.
      const checkpoint = this.#mayWait() ? branch.fork() : undefined;
      const segment = await this.#decode(branch, checkpoint ? CHUNK_TOKENS : Infinity);
      const isLimited = segment.finish === 'deadline' && !this.#isLastMoment();
      // The budget's end is a limit of the branch, not the deadline of the run.
      recorder.add(isLimited ? { ...segment, finish: 'length' } : segment);
      this.#thoughtMs = this.#run.scope.clock.now() - this.#startedAt;
      const hasEnded = segment.finish === 'end' || segment.finish === 'stop';
      if (checkpoint && hasEnded && this.#mayWait()) return { recorder: this.#run.follow(checkpoint, recorder), opening: this.#waitBehind(segment) };
      checkpoint?.abort();
      if (segment.finish === 'length' && this.#hasBudget(branch)) continue;
      if (segment.finish === 'length' || isLimited) this.#endedBy = 'budget';
      else if (segment.finish === 'deadline') this.#endedBy = 'deadline';
      return undefined;
    }
  }

  /** Decodes a part of the thoughts; leaves time for the answer. */
  async #decode(branch: Branch, chunkTokens: number): Promise<Segment> {
    const { thinkingEnd, thinkMs } = this.#budget;
    const isFirst = this.#stepMs === undefined && thinkMs < Infinity;
    const tokens = Math.min(isFirst ? FIRST_CHUNK_TOKENS : chunkTokens, this.#tokensLeft(branch));
    const { signal } = this.#run.scope;
    const reserveSteps = this.#run.anyAnswerRequest(this.#policy.forced).reserveSteps;
    const segment = await branch.advance({
      until: { ...(tokens < Infinity && { tokens }), ...(thinkingEnd !== undefined && { stop: [thinkingEnd] }) },
      // The engine ends the segment `reserveSteps` before this: at the end of the budget, or earlier before the deadline.
      deadlineAt: Math.min(this.#run.decodingDeadlineAt, this.#budgetEndsAt() + reserveSteps * (this.#stepMs ?? Infinity)),
      reserveSteps,
      ...(signal && { signal }),
    });
    // The first token of a branch comes from the pass that read the prompt.
    const steps = segment.tokenCount - (branch.tokenCount === segment.tokenCount ? 1 : 0);
    if (steps > 0) this.#stepMs = (segment.endedAt - segment.startedAt) / steps;
    return segment;
  }

  /** Lets the model answer behind its thoughts, or asks for the answer where they had to end. */
  async #answer(recorder: BranchRecorder): Promise<void> {
    const { branch, finish } = recorder;
    if (branch.ended) return;
    const { clock, signal } = this.#run.scope;
    const { decodingDeadlineAt: deadlineAt } = this.#run;
    if (clock.now() >= deadlineAt) return;
    const { forced } = this.#policy;
    const { thinkingEnd } = this.#budget;
    const tokens = this.#tokensLeft(branch);
    if (finish === 'stop' && tokens > 0) {
      const segment = await this.#run.advance(recorder, this.#policy, tokens);
      if (segment.finish === 'deadline' || segment.finish === 'length') await this.#run.force(recorder, this.#policy);
    } else if (thinkingEnd === undefined || finish === 'stop') {
      await this.#run.force(recorder, this.#policy);
    } else {
      // An answer within the thoughts was not the last word: it is asked for again.
      await askForAnswer(recorder, this.#run.anyAnswerRequest(forced), { deadlineAt, signal }, thinkingEnd);
    }
  }

  /** What the last segment wrote without the end of the thoughts, and the words that keep them going. */
  #waitBehind({ text, stop }: Segment): string {
    return (stop === undefined ? text : text.slice(0, text.lastIndexOf(stop))) + this.#budget.wait;
  }

  /** Whether the model may not end its thoughts yet: it has thought too little, and there is time for more and for the answer. */
  #mayWait(): boolean {
    const { minThinkMs, maxWaits } = this.#budget;
    const now = this.#run.scope.clock.now();
    const needsMs = (this.#run.anyAnswerRequest(this.#policy.forced).reserveSteps + FIRST_CHUNK_TOKENS) * (this.#stepMs ?? 0);
    return (
      this.#branches.length <= maxWaits && now - this.#startedAt < minThinkMs && now < this.#budgetEndsAt() && now + needsMs < this.#run.decodingDeadlineAt
    );
  }

  #hasBudget(branch: Branch): boolean {
    return this.#tokensLeft(branch) > 0 && this.#run.scope.clock.now() < this.#budgetEndsAt();
  }

  #budgetEndsAt(): number {
    return this.#startedAt + this.#budget.thinkMs;
  }

  #tokensLeft({ tokenCount }: Branch): number {
    return Math.max(0, (this.#policy.maxTokens ?? Infinity) - tokenCount);
  }

  /** Whether it is the run's deadline, not the budget, that leaves time for nothing but the answer. */
  #isLastMoment(): boolean {
    return this.#budgetEndsAt() + this.#run.anyAnswerRequest(this.#policy.forced).reserveSteps * (this.#stepMs ?? 0) >= this.#run.decodingDeadlineAt;
  }
}

/** A branch, and what it goes on with before it is decoded. */
interface Stretch {
  readonly recorder: BranchRecorder;
  readonly opening: string;
}

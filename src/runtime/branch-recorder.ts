import type { Branch, Segment } from '../contracts/engine.ts';
import type { BranchReport } from '../contracts/result.ts';
import type { RunScope } from './run-scope.ts';

/** Follows one branch through a run and reports on it at the end. */
export class BranchRecorder {
  readonly branch: Branch;
  readonly #scope: RunScope;
  readonly #onCut: () => void;
  readonly #startMs: number;
  readonly #segments: Segment[];
  /** Tokens of the branch this one was forked off. */
  readonly #inheritedTokens: number;
  #logprobSum: number;
  #logprobCount: number;
  #sampledCount = 0;
  #finish: BranchReport['finish'] = 'aborted';
  #error: unknown;
  #isForced = false;
  #answer: { readonly from: number; readonly saidFrom: number } | undefined;
  #isCut = false;

  /**
   * @param onCut - Called when the deadline has ended one of its segments.
   * @param parent - Of the branch this one has just been forked off.
   */
  constructor(scope: RunScope, branch: Branch, onCut: () => void, parent?: BranchRecorder) {
    this.#scope = scope;
    this.branch = branch;
    this.#onCut = onCut;
    this.#inheritedTokens = parent ? branch.tokenCount : 0;
    this.#logprobSum = parent ? parent.#logprobSum : 0;
    this.#logprobCount = parent ? parent.#logprobCount : 0;
    this.#segments = parent ? [...parent.#segments] : [];
    this.#startMs = scope.elapsedMs();
  }

  /** What it has decoded, in order; what it took over from the branch it was forked off included. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get finish(): BranchReport['finish'] {
    return this.#finish;
  }

  /** Mean natural-log probability of the sampled tokens of its text, those before a fork included; `undefined` when none is known. */
  get meanLogprob(): number | undefined {
    return this.#logprobCount > 0 ? this.#logprobSum / this.#logprobCount : undefined;
  }

  /** Whether the deadline ended one of its segments. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Whether the strategy asked for the answer at once. */
  get isForced(): boolean {
    return this.#isForced;
  }

  /** Adds a segment and hands it on. */
  add(segment: Segment): Segment {
    for (const logprob of segment.logprobs) this.#logprobSum += logprob;
    this.#sampledCount += segment.tokenCount;
    this.#logprobCount += segment.logprobs.length;
    this.#segments.push(segment);
    this.#finish = segment.finish;
    if (segment.finish === 'deadline') {
      this.#isCut = true;
      this.#onCut();
    }
    return segment;
  }

  /** Where in the text the answer begins that the strategy asked for, or let go on; `undefined` where it has said nothing yet. */
  get answerFrom(): number | undefined {
    return this.#answer && this.branch.text.slice(this.#answer.saidFrom).trim() !== '' ? this.#answer.from : undefined;
  }

  /** The strategy asked for the answer at once. @param from - Where the text that asks for it begins; where it ends, the answer does. */
  markForced(from: number): void {
    this.#isForced = true;
    this.#answer = { from, saidFrom: this.branch.text.length };
  }

  /** The strategy lets an answer go on that the branch has begun by itself. @param from - Where in the text it begins. */
  markAnswer(from: number): void {
    this.#answer = { from, saidFrom: from };
  }

  /** It could not go on. One that the strategy has aborted between two calls has not failed. */
  fail(error: unknown): void {
    if (this.branch.ended === 'aborted') {
      this.#finish = 'aborted';
      return;
    }
    this.#finish = 'failed';
    this.#error = error;
  }

  /** Ends a branch that is at rest: the strategy goes on without it. */
  drop(): void {
    this.branch.abort();
    if (this.branch.ended === 'aborted') this.#finish = 'aborted';
  }

  /** The branch as it stands, ended now. */
  report(answer: string | undefined): BranchReport {
    const { number, text, tokenCount } = this.branch;
    const reasoning = this.#segments.map((segment) => segment.reasoning ?? '').join('');
    return {
      branch: number,
      text,
      ...(reasoning !== '' && { reasoning }),
      answer,
      tokenCount,
      forcedTokenCount: tokenCount - this.#inheritedTokens - this.#sampledCount,
      ...(this.#inheritedTokens > 0 && { inheritedTokenCount: this.#inheritedTokens }),
      meanLogprob: this.meanLogprob,
      finish: this.#finish,
      isForced: this.#isForced,
      ...(this.#error === undefined ? {} : { error: this.#error }),
      startMs: this.#startMs,
      endMs: this.#scope.elapsedMs(),
    };
  }
}

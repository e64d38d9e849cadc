import type { Branch, Segment } from '../contracts/engine.ts';
import type { BranchReport } from '../contracts/result.ts';
import type { RunScope } from './run-scope.ts';

/** Follows one branch through a run and reports on it at the end. */
export class BranchRecorder {
  readonly branch: Branch;
  readonly #scope: RunScope;
  readonly #onCut: () => void;
  readonly #startMs: number;
  #logprobSum = 0;
  #sampledCount = 0;
  #finish: BranchReport['finish'] = 'aborted';
  #error: unknown;
  #isForced = false;
  #isCut = false;

  /** @param onCut - Called when the deadline has ended one of its segments. */
  constructor(scope: RunScope, branch: Branch, onCut: () => void) {
    this.#scope = scope;
    this.branch = branch;
    this.#onCut = onCut;
    this.#startMs = scope.elapsedMs();
  }

  get finish(): BranchReport['finish'] {
    return this.#finish;
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
    this.#sampledCount += segment.tokens.length;
    this.#finish = segment.finish;
    if (segment.finish === 'deadline') {
      this.#isCut = true;
      this.#onCut();
    }
    return segment;
  }

  /** The strategy asked for the answer at once. */
  markForced(): void {
    this.#isForced = true;
  }

  fail(error: unknown): void {
    this.#finish = 'failed';
    this.#error = error;
  }

  /** The branch as it stands, ended now. */
  report(answer: string | undefined): BranchReport {
    const { number, text, tokenCount } = this.branch;
    return {
      branch: number,
      text,
      answer,
      tokenCount,
      forcedTokenCount: tokenCount - this.#sampledCount,
      meanLogprob: this.#sampledCount > 0 ? this.#logprobSum / this.#sampledCount : undefined,
      finish: this.#finish,
      isForced: this.#isForced,
      ...(this.#error === undefined ? {} : { error: this.#error }),
      startMs: this.#startMs,
      endMs: this.#scope.elapsedMs(),
    };
  }
}

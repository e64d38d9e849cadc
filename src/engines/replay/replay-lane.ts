import type { AdvanceOptions, DraftOutcome, Segment } from '../../contracts/engine.ts';
import type { DraftOutcomes } from './draft-outcomes.ts';
import type { Tape } from './tape.ts';

/** What will have become of a draft, and the most tokens that it could have had. */
export interface ReplayDraft extends DraftOutcome {
  readonly limit: number;
}

export const NO_DRAFT: ReplayDraft = { proposed: 0, accepted: 0, limit: 0 };

/** A branch as its lanes see it. */
export interface ReplayState {
  readonly tape: Tape;
  /** Which random numbers decide its drafts. */
  readonly stream: number;
  /** How it was sampled, as `samplingKey` tells it. */
  readonly sampling: string;
  text: string;
  tokenCount: number;
  /** Tokens that no pass has read yet; 0 only behind the prompt, where the next token is known without one. */
  pendingTokens: number;
  /** Drafts so far. */
  rounds: number;
}

/** What a lane needs of its session. */
export interface ReplayLaneContext {
  readonly seed: number;
  readonly promptTokens: number;
  /** Tokens drafted a round; `undefined` leaves it to the engine. */
  readonly draftLength: number | undefined;
  now(): number;
  onToken(): void;
  onDraft(state: ReplayState, draft: ReplayDraft): void;
  onForward(): void;
  /** Whether the draft model has read the prompt. */
  hasDraftedPrompt: boolean;
}

export type ReplayOutcome = Pick<Segment, 'tokens' | 'logprobs' | 'finish' | 'stop'>;

/** One open call of `advance`: what `engines/local/lane.ts` is to a model, this is to a tape. */
export class ReplayLane {
  readonly context: ReplayLaneContext;
  readonly state: ReplayState;
  readonly #options: AdvanceOptions;
  readonly #settle: { resolve: (outcome: ReplayOutcome) => void; reject: (error: unknown) => void };
  readonly #logprobs: number[] = [];
  #count = 0;
  #text = '';
  #isAborted = false;

  constructor(
    context: ReplayLaneContext,
    state: ReplayState,
    options: AdvanceOptions,
    settle: { resolve: (outcome: ReplayOutcome) => void; reject: (error: unknown) => void },
  ) {
    this.context = context;
    this.state = state;
    this.#options = options;
    this.#settle = settle;
  }

  get deadlineAt(): number {
    return this.#options.deadlineAt ?? Infinity;
  }

  abort(): void {
    this.#isAborted = true;
  }

  /** Settles and returns true when the lane was aborted, is out of time or has nothing more to play. */
  settleIfEnded(): boolean {
    const { signal } = this.#options;
    if (signal?.aborted) return this.#reject(signal.reason);
    if (this.#isAborted) return this.#finish('aborted');
    if (this.context.now() >= this.deadlineAt) return this.#finish('deadline');
    return this.#finishIfOver();
  }

  /** Settles and returns true when a further step, and the steps to be kept in reserve, would pass the deadline. */
  settleIfOutOfTime(allowance: (steps: number) => number): boolean {
    const { reserveSteps = 0 } = this.#options;
    return this.context.now() + allowance(1 + reserveSteps) > this.deadlineAt && this.#finish('deadline');
  }

  /** What will have become of a draft of at most `length` tokens, as far as there is room for it. */
  draft(length: number, outcomes: DraftOutcomes): ReplayDraft {
    const left = (this.#options.until?.tokens ?? Infinity) - this.#count - 1;
    const limit = Math.min(this.context.draftLength ?? length, left);
    if (limit < 1) return NO_DRAFT;
    const { stream, rounds, sampling } = this.state;
    this.state.rounds++;
    return { ...outcomes(limit, { seed: this.context.seed, stream, round: rounds, sampling }), limit };
  }

  /** Takes what a pass with a draft gives: its accepted tokens and one more. True when the lane is done. */
  receive(draft: ReplayDraft): boolean {
    if (this.#isAborted) return this.#finish('aborted');
    const { state } = this;
    const { proposed, accepted } = draft;
    for (let taken = 0; taken <= accepted; taken++) {
      if (!this.take()) continue;
      const kept = taken + 1;
      // Behind an end nothing is decided.
      if (proposed > 0) this.context.onDraft(state, taken < accepted ? { proposed: kept, accepted: kept, limit: kept } : draft);
      return true;
    }
    if (proposed > 0) this.context.onDraft(state, draft);
    return false;
  }

  /** Plays one token; true when the lane is done. */
  take(): boolean {
    const { state } = this;
    const { text, logprob } = state.tape.take();
    if (logprob !== undefined) this.#logprobs.push(logprob);
    this.#text += text;
    this.#count++;
    state.text += text;
    state.tokenCount++;
    state.pendingTokens = 1;
    this.context.onToken();
    const isEnd = state.tape.isOver && state.tape.finish === 'end';
    if (isEnd) return this.#finish('end');
    const stop = this.#options.until?.stop?.find((boundary) => this.#text.slice(-(text.length + boundary.length - 1)).includes(boundary));
    if (stop !== undefined) return this.#finish('stop', stop);
    if (this.#count >= (this.#options.until?.tokens ?? Infinity)) return this.#finish('length');
    return this.#finishIfOver();
  }

  fail(error: unknown): true {
    return this.#reject(error);
  }

  /** What was recorded up to a limit cannot go on. */
  #finishIfOver(): boolean {
    const { tape } = this.state;
    if (!tape.isOver) return false;
    return this.#finish(tape.finish === 'end' ? 'end' : 'context');
  }

  #reject(error: unknown): true {
    this.#settle.reject(error);
    return true;
  }

  #finish(finish: Segment['finish'], stop?: string): true {
    const tokens = Array.from({ length: this.#count }, (_, index) => index);
    this.#settle.resolve({ tokens, logprobs: this.#logprobs, finish, ...(stop === undefined ? {} : { stop }) });
    return true;
  }
}

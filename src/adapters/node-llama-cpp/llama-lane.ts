import type { Clock } from '../../contracts/clock.ts';
import type { AdvanceOptions, Segment } from '../../contracts/engine.ts';
import { ModelError } from '../../errors.ts';
import type { LaneSegment } from '../../engines/lane-branch.ts';
import type { StopMatcher } from '../../engines/local/stop-matcher.ts';
import { randomAt } from '../../maths/random.ts';
import type { Sampling } from '../../maths/sampling.ts';
import type { LlamaDraftRequest } from './llama-drafter.ts';
import type { LlamaOutput, LlamaSampling } from './llama-interface.ts';
import type { LlamaQuestion, LlamaWork } from './llama-work.ts';

/** llama.cpp takes the largest 32-bit number for "choose a seed yourself". */
const SEEDS = 0xffffffff;

/** Where one branch stands. */
export interface LlamaState {
  /** Prompt and branch. */
  readonly tokens: number[];
  /** Which seeds the branch uses. */
  readonly stream: number;
  readonly sampling: Sampling;
}

/** What a lane needs to know of its session. */
export interface LlamaLaneContext {
  readonly clock: Clock;
  readonly seed: number;
  readonly promptTokens: readonly number[];
  readonly contextTokens: number;
  /** Most tokens of a draft. */
  readonly draftLength: number;
  isEnd(token: number): boolean;
  readonly onToken: () => void;
  readonly onForward: () => void;
  /** A draft was decided: the branch's tokens before it, those of it that were decided, and how many of these stood. */
  onDraft(state: LlamaState, start: number, drafted: readonly number[], accepted: number): void;
}

export interface Settling<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** One open call of `advance`: says what llama.cpp is to sample, takes its tokens, knows when to stop. */
export class LlamaLane implements LlamaWork {
  readonly user: LlamaState;
  readonly onForward: () => void;
  readonly #context: LlamaLaneContext;
  readonly #options: AdvanceOptions;
  readonly #matcher: StopMatcher | undefined;
  readonly #settling: Settling<LaneSegment>;
  /** Tokens of the branch when the call found it. */
  readonly #start: number;
  readonly #tokens: number[] = [];
  #isAborted = false;

  constructor(
    context: LlamaLaneContext,
    state: LlamaState,
    options: AdvanceOptions & { readonly matcher: StopMatcher | undefined },
    settling: Settling<LaneSegment>,
  ) {
    this.user = state;
    this.onForward = context.onForward;
    this.#context = context;
    this.#options = options;
    this.#matcher = options.matcher;
    this.#settling = settling;
    this.#start = state.tokens.length;
  }

  get clock(): Clock {
    return this.#context.clock;
  }

  get deadlineAt(): number {
    return this.#options.deadlineAt ?? Infinity;
  }

  /** Ends the lane before its next step. */
  abort(): void {
    this.#isAborted = true;
  }

  settleIfEnded(): boolean {
    const { signal } = this.#options;
    if (signal?.aborted) return this.#reject(signal.reason);
    if (this.#isAborted) return this.#finish('aborted');
    if (this.deadlineAt < Infinity && this.clock.now() >= this.deadlineAt) return this.#finish('deadline');
    return this.#isFull() && this.#finish('context');
  }

  settleIfOutOfTime(allowance: (steps: number) => number): boolean {
    const { reserveSteps = 0 } = this.#options;
    return this.clock.now() + allowance(1 + reserveSteps) > this.deadlineAt && this.#finish('deadline');
  }

  draftRequest(): Omit<LlamaDraftRequest, 'sequence' | 'patienceMs'> | undefined {
    const { tokens } = this.user;
    const { promptTokens, contextTokens, draftLength, clock } = this.#context;
    const left = (this.#options.until?.tokens ?? Infinity) - this.#tokens.length - 1;
    const limit = Math.min(draftLength, left, contextTokens - tokens.length - 1);
    return limit < 1 ? undefined : { tokens, promptTokens, limit, clock, sampling: this.#samplingAt(tokens) };
  }

  question(draft: readonly number[]): LlamaQuestion {
    const tokens = [...this.user.tokens, ...draft];
    return {
      tokens,
      from: this.user.tokens.length - 1,
      wish: (index) => ({ token: true, options: this.#samplingAt(tokens.slice(0, index + 1)) }),
    };
  }

  receive(output: (index: number) => LlamaOutput | undefined, draft: readonly number[]): boolean {
    // Its session may be gone by now.
    if (this.#isAborted) return this.#finish('aborted');
    const { user } = this;
    const start = user.tokens.length;
    for (let accepted = 0; ;) {
      const token = output(start - 1 + accepted)?.next.token;
      if (token === undefined || token === null) throw new ModelError('node-llama-cpp sampled no token.');
      const isAccepted = accepted < draft.length && token === draft[accepted];
      if (isAccepted) accepted++;
      const isDone = this.#push(token);
      if (!isDone && isAccepted) continue;
      // After an end or a stop nothing was decided, so nothing counts as proposed there.
      if (draft.length > 0) this.#context.onDraft(user, start, isDone && isAccepted ? draft.slice(0, accepted) : draft, accepted);
      return isDone;
    }
  }

  fail(error: unknown): void {
    if (this.#isAborted) this.#finish('aborted');
    else this.#reject(error);
  }

  /**
   * The seed is of the position, not of the call: whatever is drafted, split or scheduled, a branch draws the same.
   * llama.cpp compares with the likeliest token before it divides by the temperature; its share of min-p is to mean what ours does.
   */
  #samplingAt(seen: number[]): LlamaSampling {
    const { repetitionPenalty, temperature, topK, topP, minP } = this.user.sampling;
    const { seed, promptTokens } = this.#context;
    return {
      temperature,
      topK,
      topP,
      minP: minP ** temperature,
      seed: Math.floor(randomAt(seed, this.user.stream, seen.length - promptTokens.length) * SEEDS),
      ...(repetitionPenalty !== 1 && { repeatPenalty: { penalty: repetitionPenalty, punishTokens: seen } }),
    };
  }

  /** Adds a token; true when it ends the lane. */
  #push(token: number): boolean {
    this.user.tokens.push(token);
    this.#tokens.push(token);
    this.#context.onToken();
    if (this.#context.isEnd(token)) return this.#finish('end');
    const stop = this.#matcher?.match(this.#tokens);
    if (stop !== undefined) return this.#finish('stop', stop);
    if (this.#tokens.length >= (this.#options.until?.tokens ?? Infinity)) return this.#finish('length');
    return this.#isFull() && this.#finish('context');
  }

  #isFull(): boolean {
    return this.user.tokens.length >= this.#context.contextTokens;
  }

  /** Tokens that nobody will see are taken back, so that text and tokens of the next segment agree. */
  #reject(error: unknown): true {
    this.user.tokens.length = this.#start;
    this.#settling.reject(error);
    return true;
  }

  #finish(finish: Segment['finish'], stop?: string): true {
    this.#settling.resolve({ tokens: this.#tokens, logprobs: [], finish, ...(stop === undefined ? {} : { stop }) });
    return true;
  }
}

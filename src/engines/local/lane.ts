import type { Clock } from '../../contracts/clock.ts';
import type { AdvanceOptions, Segment } from '../../contracts/engine.ts';
import type { ForwardRow } from '../../contracts/token-model.ts';
import { randomAt } from '../../maths/random.ts';
import { logSumExp, processedDistribution, sampleIndex, type Sampling } from '../../maths/sampling.ts';
import { tokensToAppend, type BranchState } from './branch-state.ts';
import type { StopMatcher } from './stop-matcher.ts';

/** What a lane needs to know of its session. */
export interface LaneContext {
  readonly clock: Clock;
  readonly seed: number;
  readonly sampling: Sampling;
  readonly promptTokens: readonly number[];
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  /** Scratch for one distribution, `[vocabularySize]`. */
  readonly probs: Float32Array;
  /** A token was sampled. */
  onToken(): void;
  /** A forward with rows of this session is over. */
  onForward(): void;
}

/** What a lane reports when it is done; its branch makes a `Segment` of it. */
export type LaneOutcome = Pick<Segment, 'tokens' | 'logprobs' | 'finish' | 'stop'>;

/** One open call of `advance`: takes logits, gives tokens, knows when to stop. */
export class Lane {
  readonly context: LaneContext;
  readonly #state: BranchState;
  readonly #options: AdvanceOptions;
  readonly #matcher: StopMatcher | undefined;
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  readonly #settle: { resolve: (outcome: LaneOutcome) => void; reject: (error: unknown) => void };
  #isAborted = false;

  constructor(
    context: LaneContext,
    state: BranchState,
    options: AdvanceOptions & { readonly matcher: StopMatcher | undefined },
    settle: { resolve: (outcome: LaneOutcome) => void; reject: (error: unknown) => void },
  ) {
    this.context = context;
    this.#state = state;
    this.#options = options;
    this.#matcher = options.matcher;
    this.#settle = settle;
  }

  get clock(): Clock {
    return this.context.clock;
  }

  /** Ends the lane before its next step. */
  abort(): void {
    this.#isAborted = true;
  }

  /** Whether logits are known without a forward. */
  canSample(): boolean {
    return this.#state.pending.length === 0 && this.#state.logits !== undefined;
  }

  /** Settles and returns true when the lane was aborted, is out of time or out of context. */
  settleIfEnded(): boolean {
    const { signal, deadlineAt = Infinity } = this.#options;
    if (signal?.aborted) {
      this.#settle.reject(signal.reason);
      return true;
    }
    if (this.#isAborted) return this.#finish('aborted');
    if (this.clock.now() >= deadlineAt) return this.#finish('deadline');
    const { promptTokens, contextTokens } = this.context;
    if (promptTokens.length + this.#state.tokens.length >= contextTokens) return this.#finish('context');
    return false;
  }

  /** Settles and returns true when a further step, and the steps to be kept in reserve, would pass the deadline. */
  settleIfOutOfTime(stepMs: number): boolean {
    const { deadlineAt = Infinity, reserveSteps = 0 } = this.#options;
    return this.clock.now() + (1 + reserveSteps) * stepMs > deadlineAt && this.#finish('deadline');
  }

  /** The row of the next forward. */
  row(): ForwardRow {
    return { sequence: this.#state.sequence, tokens: tokensToAppend(this.#state), logitCount: 1 };
  }

  /** Takes the logits of a forward; true when the lane is done. */
  receive(logits: Float32Array): boolean {
    this.#state.pending = [];
    return this.#take(logits);
  }

  /** Takes a token from the logits known already; true when the lane is done. */
  sample(): boolean {
    return this.#take(this.#state.logits!);
  }

  /** Rejects: this lane's row cannot be computed. */
  fail(error: unknown): true {
    this.#settle.reject(error);
    return true;
  }

  #take(logits: Float32Array): boolean {
    const { probs, sampling, seed, promptTokens, endTokens } = this.context;
    const state = this.#state;
    processedDistribution(logits, 0, probs, sampling, sampling.repetitionPenalty === 1 ? [] : [...promptTokens, ...state.tokens]);
    const token = sampleIndex(probs, randomAt(seed, state.stream, state.tokens.length));
    state.logits = undefined;
    state.pending = [token];
    state.tokens.push(token);
    this.#tokens.push(token);
    this.#logprobs.push(logits[token]! - logSumExp(logits));
    this.context.onToken();
    if (endTokens.has(token)) return this.#finish('end');
    const stop = this.#matcher?.match(this.#tokens);
    if (stop !== undefined) return this.#finish('stop', stop);
    return this.#tokens.length >= (this.#options.until?.tokens ?? Infinity) && this.#finish('length');
  }

  #finish(finish: Segment['finish'], stop?: string): true {
    this.#settle.resolve({ tokens: this.#tokens, logprobs: this.#logprobs, finish, ...(stop === undefined ? {} : { stop }) });
    return true;
  }
}

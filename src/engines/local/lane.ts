import type { Clock } from '../../contracts/clock.ts';
import type { Draft, DraftRequest } from '../../contracts/drafter.ts';
import type { AdvanceOptions, Segment } from '../../contracts/engine.ts';
import type { ForwardRow } from '../../contracts/token-model.ts';
import { acceptByCoupling, acceptByRejection, type DraftVerdict } from '../../maths/accept-draft.ts';
import { ModelError } from '../../errors.ts';
import { randomAt } from '../../maths/random.ts';
import { processedDistribution, sampleIndex } from '../../maths/sampling.ts';
import type { BranchState } from './branch-state.ts';
import { ConfidenceRecord, type ConfidenceRequest } from './confidence-record.ts';
import type { StopMatcher } from './stop-matcher.ts';

/** `coupled` writes what plain decoding writes with the same seed; `rejection` accepts the most drafted tokens. */
export type Verification = 'coupled' | 'rejection';

/** Separate random numbers for the draws that one position can need. */
const PURPOSE = { token: 0, accept: 1, residual: 2, draft: 3 } as const;

/** What a lane needs to know of its session. */
export interface LaneContext {
  readonly clock: Clock;
  readonly seed: number;
  readonly promptTokens: readonly number[];
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  /** Scratch for one distribution, `[vocabularySize]`. */
  readonly probs: Float32Array;
  /** Tokens drafted a round; `undefined` leaves it to the engine. */
  readonly draftLength: number | undefined;
  /** How drafted tokens are decided. */
  readonly verification: Verification;
  /** What segments tell beside their tokens; `undefined` for nothing. */
  readonly confidence: ConfidenceRequest | undefined;
  /** A token was sampled. */
  onToken(): void;
  /** A draft was verified. */
  onDraft(state: BranchState, draft: VerifiedDraft): void;
  /** A forward with rows of this session is over. */
  onForward(): void;
}

/** A draft that was decided, in tokens. */
export interface VerifiedDraft {
  /** The branch's tokens before it. */
  readonly start: number;
  /** Drafted tokens that were decided. */
  readonly tokens: readonly number[];
  /** Of these, counted from the front, those that stood. */
  readonly accepted: number;
  /** Most that could have: what the drafter was asked for, or as far as an end let it come. */
  readonly limit: number;
}

/** What a lane reports when it is done; its branch makes a `Segment` of it. */
export type LaneOutcome = Pick<Segment, 'tokens' | 'logprobs' | 'topLogprobs' | 'selfCertainty' | 'finish' | 'stop'>;

/** One open call of `advance`: takes logits, gives tokens, knows when to stop. */
export class Lane {
  readonly context: LaneContext;
  readonly #state: BranchState;
  readonly #options: AdvanceOptions;
  readonly #matcher: StopMatcher | undefined;
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  readonly #confidence: ConfidenceRecord | undefined;
  readonly #settle: { resolve: (outcome: LaneOutcome) => void; reject: (error: unknown) => void };
  /** The branch as the call found it. */
  readonly #start: Pick<BranchState, 'pending' | 'logits'> & { readonly tokenCount: number };
  /** Tokens that the last draft was asked for. */
  #draftLimit = 0;
  #isAborted = false;
  #canGoOn = false;

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
    this.#confidence = context.confidence && new ConfidenceRecord(context.confidence);
    this.#start = { pending: state.pending, logits: state.logits, tokenCount: state.tokens.length };
  }

  get clock(): Clock {
    return this.context.clock;
  }

  get deadlineAt(): number {
    return this.#options.deadlineAt ?? Infinity;
  }

  /** Whether it has come to the boundary that was asked for, with more of the branch to be written. */
  get canGoOn(): boolean {
    return this.#canGoOn;
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
    const { signal } = this.#options;
    if (signal?.aborted) return this.#reject(signal.reason);
    if (this.#isAborted) return this.#finish('aborted');
    if (this.deadlineAt < Infinity && this.clock.now() >= this.deadlineAt) return this.#finish('deadline');
    return this.#isFull() && this.#finish('context');
  }

  /** Settles and returns true when a further step, and the steps to be kept in reserve, would pass the deadline. */
  settleIfOutOfTime(allowance: (steps: number) => number): boolean {
    const { reserveSteps = 0 } = this.#options;
    return this.clock.now() + allowance(1 + reserveSteps) > this.deadlineAt && this.#finish('deadline');
  }

  /** What a drafter needs to propose at most `length` tokens; `undefined` where there is no room for any. */
  draftRequest(length: number): DraftRequest | undefined {
    const { context } = this;
    const state = this.#state;
    const left = (this.#options.until?.tokens ?? Infinity) - this.#tokens.length - 1;
    const room = context.contextTokens - context.promptTokens.length - state.tokens.length;
    const limit = Math.min(length, left, room);
    if (limit < 1) return undefined;
    this.#draftLimit = limit;
    const purpose = context.verification === 'coupled' ? PURPOSE.token : PURPOSE.draft;
    return {
      branch: state,
      promptTokens: context.promptTokens,
      tokens: state.tokens,
      limit,
      sampling: state.sampling,
      draw: (offset) => randomAt(context.seed, state.stream, state.tokens.length + offset, purpose),
    };
  }

  /** The row of the next forward: what is not cached yet, and a draft behind it. */
  row(drafted: readonly number[]): ForwardRow {
    const { sequence, pending } = this.#state;
    return { sequence, tokens: drafted.length === 0 ? pending : [...pending, ...drafted], logitCount: drafted.length + 1 };
  }

  /**
   * Takes the logits behind the last token and behind each drafted one, `[drafted + 1, vocabularySize]`, and keeps
   * drafted tokens up to the first that does not stand. True when the lane is done.
   */
  receive(logits: Float32Array, draft: Draft): boolean {
    // Its session may be gone by now, and its sequence with it.
    if (this.#isAborted) return this.#finish('aborted');
    const state = this.#state;
    const size = this.context.probs.length;
    const drafted = draft.tokens.length;
    const cached = state.sequence.length - drafted;
    const start = state.tokens.length;
    let accepted = 0;
    for (let position = 0; ; position++) {
      const row = position * size;
      const logNormaliser = this.#distribute(logits, row);
      const { isAccepted, token } = position < drafted ? this.#verdict(draft, position) : { isAccepted: false, token: this.#draw() };
      if (isAccepted) accepted++;
      const isDone = this.#push(token, logits[row + token]! - logNormaliser);
      if (!isDone && isAccepted) continue;
      if (drafted === 0) return isDone;
      state.sequence.truncate(cached + position);
      // Behind an end or a stop nothing was decided, so nothing counts as proposed there.
      const isCut = isDone && isAccepted;
      const tokens = isCut ? draft.tokens.slice(0, accepted) : draft.tokens;
      this.context.onDraft(state, { start, tokens, accepted, limit: isCut ? accepted : this.#draftLimit });
      return isDone;
    }
  }

  /** Takes a token from the logits known already; true when the lane is done. */
  sample(): boolean {
    const logits = this.#state.logits!;
    const logNormaliser = this.#distribute(logits, 0);
    const token = this.#draw();
    return this.#push(token, logits[token]! - logNormaliser);
  }

  /** Rejects: this lane's row cannot be computed. */
  fail(error: unknown): true {
    return this.#isAborted ? this.#finish('aborted') : this.#reject(error);
  }

  /** Writes the processed distribution of the branch's next token into the scratch; returns `logSumExp` of the logits. */
  #distribute(logits: Float32Array, start: number): number {
    const { probs, promptTokens } = this.context;
    const { sampling } = this.#state;
    const seen = sampling.repetitionPenalty === 1 ? [] : [...promptTokens, ...this.#state.tokens];
    const logNormaliser = processedDistribution(logits, start, probs, sampling, seen);
    this.#confidence?.add({ values: logits, start, size: probs.length, logNormaliser });
    return logNormaliser;
  }

  #draw(): number {
    return sampleIndex(this.context.probs, this.#random(PURPOSE.token));
  }

  #verdict(draft: Draft, position: number): DraftVerdict {
    const { probs, verification } = this.context;
    const token = draft.tokens[position]!;
    if (verification === 'coupled') return acceptByCoupling(token, probs, this.#random(PURPOSE.token));
    return acceptByRejection(token, draft.probs?.[position], probs, {
      acceptPoint: this.#random(PURPOSE.accept),
      residualPoint: this.#random(PURPOSE.residual),
    });
  }

  #random(purpose: number): number {
    return randomAt(this.context.seed, this.#state.stream, this.#state.tokens.length, purpose);
  }

  /** Adds a token; true when it ends the lane. */
  #push(token: number, logprob: number): boolean {
    // One logit that is not a number makes all probabilities so; sampling would go on with nonsense.
    if (Number.isNaN(logprob)) throw new ModelError('The model gave logits that are not numbers.');
    const state = this.#state;
    state.logits = undefined;
    state.pending = [token];
    state.tokens.push(token);
    this.#tokens.push(token);
    this.#logprobs.push(logprob);
    this.context.onToken();
    if (this.context.endTokens.has(token)) return this.#finish('end');
    const stop = this.#matcher?.match(this.#tokens);
    if (stop !== undefined) return this.#finish('stop', stop);
    if (this.#tokens.length >= (this.#options.until?.tokens ?? Infinity)) return this.#finish('length');
    return this.#isFull() && this.#finish('context');
  }

  #isFull(): boolean {
    const { promptTokens, contextTokens } = this.context;
    return promptTokens.length + this.#state.tokens.length >= contextTokens;
  }

  /** Tokens that nobody will see are taken back, so that text and tokens of the next segment agree. */
  #reject(error: unknown): true {
    const state = this.#state;
    const { pending, logits, tokenCount } = this.#start;
    this.#settle.reject(error);
    state.tokens.length = tokenCount;
    state.pending = pending;
    state.logits = logits;
    state.sequence.truncate(this.context.promptTokens.length + tokenCount - pending.length);
    return true;
  }

  #finish(finish: Segment['finish'], stop?: string): true {
    const confidence = this.#confidence?.fields();
    this.#canGoOn = finish === 'stop' || finish === 'length';
    this.#settle.resolve({ tokens: this.#tokens, logprobs: this.#logprobs, ...confidence, finish, ...(stop === undefined ? {} : { stop }) });
    return true;
  }
}

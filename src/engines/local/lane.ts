import type { Clock } from '../../contracts/clock.ts';
import type { Draft, DraftRequest } from '../../contracts/drafter.ts';
import type { AdvanceOptions, Segment } from '../../contracts/engine.ts';
import { acceptByRejection } from '../../maths/accept-draft.ts';
import { randomAt } from '../../maths/random.ts';
import type { BranchState } from './branch-state.ts';
import { ConfidenceRecord, type ConfidenceRequest } from './confidence-record.ts';
import type { StopMatcher } from './stop-matcher.ts';
import { wholeRows, type Choice, type ChoiceRow, type RowChoices } from './token-choice.ts';

/**
 * How drafted tokens are decided. `coupled` draws the target's token with the number plain decoding would use at its position, and
 * accepts a draft that is the same token: what comes out is token for token what plain decoding writes with the same seed, whatever
 * was drafted (drafter invariance: Daliri, Musco and Suresh 2024, arXiv:2408.07978). `rejection` accepts the most drafted tokens.
 */
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
  readonly vocabularySize: number;
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
      needsProbs: context.verification === 'rejection',
      sampling: state.sampling,
      draw: (offset) => randomAt(context.seed, state.stream, state.tokens.length + offset, purpose),
    };
  }

  /** The row of the next forward pass: what is not cached yet, and a draft after it. */
  row(drafted: readonly number[]): ChoiceRow {
    const { context } = this;
    const { sequence, pending, tokens, sampling } = this.#state;
    const start = tokens.length;
    const seen = sampling.repetitionPenalty === 1 ? [] : [...context.promptTokens, ...tokens.slice(0, start - pending.length)];
    const points = [this.#random(PURPOSE.token)];
    for (let offset = 1; offset <= drafted.length; offset++) points.push(this.#random(PURPOSE.token, start + offset));
    return {
      sequence,
      tokens: drafted.length === 0 ? pending : [...pending, ...drafted],
      logitCount: points.length,
      sampling,
      seen,
      points,
      ...this.#needs(drafted.length > 0),
    };
  }

  /** Takes what follows the last token and each drafted one, and keeps drafted tokens up to the first that does not stand. True when the lane is done. */
  receive(choices: RowChoices, draft: Draft): boolean {
    // Its session may be gone by now, and its sequence with it.
    if (this.#isAborted) return this.#finish('aborted');
    const state = this.#state;
    const drafted = draft.tokens.length;
    const cached = state.sequence.length - drafted;
    const start = state.tokens.length;
    let accepted = 0;
    for (let position = 0; ; position++) {
      const { isAccepted, token, logprob } = position < drafted ? this.#verdict(choices, draft, position) : { isAccepted: false, ...choices.choose(position) };
      this.#confidence?.add(choices, position);
      if (isAccepted) accepted++;
      const isDone = this.#push(token, logprob);
      if (!isDone && isAccepted) continue;
      if (drafted === 0) return isDone;
      state.sequence.truncate(cached + position);
      // After an end or a stop nothing was decided, so nothing counts as proposed there.
      const isCut = isDone && isAccepted;
      const tokens = isCut ? draft.tokens.slice(0, accepted) : draft.tokens;
      this.context.onDraft(state, { start, tokens, accepted, limit: isCut ? accepted : this.#draftLimit });
      return isDone;
    }
  }

  /** Takes a token from the logits known already; true when the lane is done. */
  sample(): boolean {
    const { promptTokens, vocabularySize } = this.context;
    const { sequence, tokens, sampling, logits } = this.#state;
    const row = { sequence, tokens: [], logitCount: 1, sampling, seen: [...promptTokens, ...tokens], points: [this.#random(PURPOSE.token)] };
    const choices = wholeRows([row], logits!, vocabularySize)[0]!;
    const { token, logprob } = choices.choose(0);
    this.#confidence?.add(choices, 0);
    return this.#push(token, logprob);
  }

  /** Rejects: this lane's row cannot be computed. */
  fail(error: unknown): true {
    return this.#isAborted ? this.#finish('aborted') : this.#reject(error);
  }

  #needs(hasDraft: boolean): Pick<ChoiceRow, 'needsLogprobs' | 'topLogprobs' | 'needsWholeRows'> {
    const { confidence, verification } = this.context;
    const needsWholeRows = (confidence?.selfCertainty ?? false) || (hasDraft && verification === 'rejection');
    return { needsLogprobs: true, topLogprobs: confidence?.topLogprobs ?? 0, needsWholeRows };
  }

  #verdict(choices: RowChoices, draft: Draft, position: number): Choice & { readonly isAccepted: boolean } {
    const drafted = draft.tokens[position]!;
    const choice = choices.choose(position);
    if (this.context.verification === 'coupled') return { ...choice, isAccepted: choice.token === drafted };
    const { token, isAccepted } = acceptByRejection(drafted, draft.probs?.[position], choices.distribution, {
      acceptPoint: this.#random(PURPOSE.accept),
      residualPoint: this.#random(PURPOSE.residual),
    });
    const { values, start, logNormaliser } = choices.logits(position)!;
    return { token, isAccepted, logprob: values[start + token]! - logNormaliser };
  }

  #random(purpose: number, position = this.#state.tokens.length): number {
    return randomAt(this.context.seed, this.#state.stream, position, purpose);
  }

  /** Adds a token; true when it ends the lane. */
  #push(token: number, logprob: number): boolean {
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

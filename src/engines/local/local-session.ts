import type { AdvanceOptions, Branch, BranchOptions, BranchProgress, EngineUsage, Session, SessionOptions } from '../../contracts/engine.ts';
import type { TokenModel } from '../../contracts/token-model.ts';
import type { Tokenizer } from '../../contracts/tokenizer.ts';
import { DisposedError } from '../../errors.ts';
import { resolveSampling, type Sampling } from '../../maths/sampling.ts';
import { requireWholeNumber } from '../../options.ts';
import { draftText } from '../draft-text.ts';
import { forkStream } from '../fork-stream.ts';
import { LaneBranch } from '../lane-branch.ts';
import { ProgressTeller } from '../progress-teller.ts';
import { tellListener } from '../tell-listener.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { BranchState } from './branch-state.ts';
import type { ConfidenceRequest } from './confidence-record.ts';
import type { DecodeLoop } from './decode-loop.ts';
import type { PrefixCache } from './prefix-cache.ts';
import { SpeculationTally } from '../speculation/speculation-tally.ts';
import type { Speculation } from '../speculation/speculation.ts';
import { TextReader } from './text-reader.ts';
import { Lane, type LaneContext, type LaneOutcome, type Verification } from './lane.ts';
import { StopMatcher } from './stop-matcher.ts';
import { requireBranchOptions } from '../advance-options.ts';

/** Most tokens in which a template opens a thought. */
const THOUGHT_TOKENS = 8;

/** What a session shares with its engine. */
export interface LocalSessionHost {
  readonly model: TokenModel;
  readonly tokenizer: Tokenizer;
  readonly loop: DecodeLoop;
  readonly sampling: Sampling;
  readonly speculation: Speculation | undefined;
  readonly verification: Verification;
  readonly prefixes: PrefixCache;
}

/** A prompt in the cache of a local model, and its branches. */
export class LocalSession implements Session {
  readonly #host: LocalSessionHost;
  readonly #context: LaneContext;
  readonly #sampling: Sampling;
  /** Once its reading has begun. */
  #prompt: BranchState | undefined;
  readonly #branches: LocalBranch[] = [];
  readonly #stopMemory = new Map<string, Map<number, boolean>>();
  readonly #tally = new SpeculationTally();
  readonly #usage = { cachedPromptTokens: 0, completionTokens: 0, forcedTokens: 0, forwardCount: 0 };
  readonly #progressTeller: ProgressTeller;
  readonly #reader: TextReader;
  #isDisposed = false;

  private constructor(host: LocalSessionHost, promptTokens: readonly number[], options: SessionOptions) {
    const { model } = host;
    this.#host = host;
    this.#reader = new TextReader(host, () => void this.#usage.forwardCount++);
    this.#context = {
      clock: options.clock ?? systemClock,
      seed: options.seed ?? 0,
      promptTokens,
      contextTokens: model.contextTokens,
      endTokens: new Set([...model.endTokens, ...(host.tokenizer.endTokens ?? [])]),
      vocabularySize: model.vocabularySize,
      draftLength: options.draftLength,
      verification: host.verification,
      confidence: confidenceRequest(options),
      onDraft: (state, draft) => {
        const outcome = { proposed: draft.tokens.length, accepted: draft.accepted };
        this.#tally.add(outcome);
        host.speculation?.recordOutcome(state, draft.limit, draft.accepted);
        if (!options.onDraft) return;
        const number = this.#branches.findIndex((branch) => branch.state === state);
        tellListener(options.onDraft, number, { ...outcome, ...draftText(state.tokens.slice(0, draft.start), draft.tokens, (tokens) => this.#decode(tokens)) });
      },
      onToken: () => {
        this.#usage.completionTokens++;
      },
      onForward: () => {
        this.#usage.forwardCount++;
        this.#progressTeller.tell();
      },
    };
    this.#progressTeller = new ProgressTeller(
      options,
      () => this.now(),
      () => this.#progress(),
    );
    if (options.readsWholePrompt) host.prefixes.exclude(promptTokens);
    this.#sampling = resolveSampling(options.sampling, host.sampling);
  }

  /** Reads the prompt. Its tokens must fit the context with room to spare. */
  static async open(host: LocalSessionHost, promptTokens: readonly number[], options: SessionOptions): Promise<LocalSession> {
    const session = new LocalSession(host, promptTokens, options);
    try {
      await new Promise<void>((resolve, reject) => {
        const { clock } = session.#context;
        const onForward = (): void => void session.#usage.forwardCount++;
        const { deadlineAt = Infinity, signal } = options;
        const state = (): BranchState => session.#begin();
        // Before the next prompt is begun.
        const share = (): void => host.prefixes.share(host.model, promptTokens, state().sequence);
        host.loop.prefill({ state, clock, deadlineAt, signal, onForward, resolve: () => resolve(share()), reject });
      });
      return session;
    } catch (error) {
      await session.dispose();
      throw error;
    }
  }

  /** The prompt with what is known of it. */
  #begin(): BranchState {
    if (this.#prompt) return this.#prompt;
    const { promptTokens } = this.#context;
    const sequence = this.#host.prefixes.open(this.#host.model, promptTokens);
    this.#usage.cachedPromptTokens = sequence.length;
    this.#prompt = { sequence, tokens: [], pending: promptTokens.slice(sequence.length), logits: undefined, stream: 0, sampling: this.#sampling };
    return this.#prompt;
  }

  get promptTokens(): number {
    return this.#context.promptTokens.length;
  }

  get answerSuffix(): string | undefined {
    return this.#host.tokenizer.answerSuffix;
  }

  get opensThought(): boolean {
    return this.#host.tokenizer.decode(this.#context.promptTokens.slice(-THOUGHT_TOKENS)).trimEnd().endsWith('<think>');
  }

  branch(count: number, options: BranchOptions = {}): Branch[] {
    requireBranchOptions(count, options);
    const sampling = resolveSampling(options.sampling, this.#sampling);
    return Array.from({ length: count }, () => this.#addBranch(() => ({ ...this.#prompt!, sampling }), this.#branches.length, { text: '', tokenCount: 0 }));
  }

  usage(): EngineUsage {
    return { promptTokens: this.promptTokens, ...this.#usage, ...(this.#host.speculation && { speculation: this.#tally.usage() }) };
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#reader.close();
    for (const branch of this.#branches) branch.abort();
    this.#host.loop.whenIdle(() => {
      for (const branch of this.#branches) this.#release(branch);
      if (this.#prompt) this.#keep(this.#prompt);
      this.#prompt?.sequence.dispose();
      this.#host.speculation?.forget(this.#context.promptTokens);
    });
  }

  /** @internal Called by a branch that has ended: frees its caches, keeps its text. */
  release(branch: LocalBranch): void {
    this.#host.loop.whenIdle(() => this.#release(branch));
  }

  #release({ state }: LocalBranch): void {
    if (!state) return;
    // What the next turn of a chat begins with. Of several branches only the caller knows which one that will be.
    if (this.#branches.length === 1) this.#keep(state);
    state.sequence.dispose();
    this.#host.speculation?.forget(state);
  }

  #keep({ sequence, tokens }: BranchState): void {
    this.#host.prefixes.keep(this.#host.model, this.#context.promptTokens, sequence, tokens);
  }

  /** `from` is called when the model is idle: only then is the parent sure to have a state. */
  #addBranch(from: () => BranchState, stream: number, start: Pick<Branch, 'text' | 'tokenCount'>): LocalBranch {
    if (this.#isDisposed) throw new DisposedError('session');
    const branch = new LocalBranch(this, this.#branches.length, stream, start);
    this.#branches.push(branch);
    this.#host.loop.whenIdle(() => {
      const { sequence, tokens, pending, logits, sampling } = from();
      branch.state = { sequence: sequence.fork(), tokens: [...tokens], pending: [...pending], logits, stream, sampling };
    });
    return branch;
  }

  /** @internal Called by a branch. */
  fork(parent: LocalBranch, ordinal: number): Branch {
    return this.#addBranch(() => parent.state!, forkStream(parent.stream, ordinal), parent);
  }

  /** @internal Called by a branch. */
  append(branch: LocalBranch, text: string): Promise<void> {
    const tokens = this.#host.tokenizer.encode(text);
    return new Promise((resolve) => {
      this.#host.loop.whenIdle(() => {
        const state = branch.state!;
        if (tokens.length === 0) return resolve();
        state.logits = undefined;
        state.tokens.push(...tokens);
        state.pending = [...state.pending, ...tokens];
        this.#usage.forcedTokens += tokens.length;
        resolve();
      });
    });
  }

  /** @internal Called by a branch. */
  logprobsOf(branch: LocalBranch, text: string): Promise<readonly number[] | undefined> {
    return this.#reader.logprobsOf(() => branch.state!, this.#host.tokenizer.encode(text));
  }

  /** @internal Called by a branch. */
  decode(state: BranchState): string {
    return this.#decode(state.tokens);
  }

  #decode(tokens: readonly number[]): string {
    const text = this.#host.tokenizer.decode(tokens);
    // The last character may still lack bytes that the next token brings.
    return text.replace(/\uFFFD+$/, '');
  }

  /** @internal Called by a branch. */
  advance(branch: LocalBranch, options: AdvanceOptions): { readonly lane: Promise<Lane>; readonly outcome: Promise<LaneOutcome> } {
    let admit!: (lane: Lane) => void;
    const lane = new Promise<Lane>((resolve) => (admit = resolve));
    const outcome = new Promise<LaneOutcome>((resolve, reject) => {
      this.#host.loop.whenIdle(() => {
        const opened = new Lane(this.#context, branch.state!, { ...options, matcher: this.#matcher(options.until?.stop) }, { resolve, reject });
        admit(opened);
        this.#host.loop.add(opened);
      });
    });
    return { lane, outcome };
  }

  /** @internal The session's time. */
  now(): number {
    return this.#context.clock.now();
  }

  #matcher(stops: readonly string[] = []): StopMatcher | undefined {
    if (stops.length === 0) return undefined;
    const key = JSON.stringify(stops);
    let memory = this.#stopMemory.get(key);
    if (!memory) this.#stopMemory.set(key, (memory = new Map()));
    return new StopMatcher(this.#host.tokenizer, stops, memory);
  }

  #progress(): BranchProgress[] {
    const progress: BranchProgress[] = [];
    for (const branch of this.#branches) {
      if (branch.isAdvancing && branch.state) progress.push({ branch: branch.number, tokenCount: branch.state.tokens.length, text: this.decode(branch.state) });
    }
    return progress;
  }
}

/** @throws {InvalidOptionError} */
function confidenceRequest({ topLogprobs = 0, selfCertainty = false }: SessionOptions): ConfidenceRequest | undefined {
  requireWholeNumber('topLogprobs', topLogprobs);
  return topLogprobs > 0 || selfCertainty ? { topLogprobs, selfCertainty } : undefined;
}

class LocalBranch extends LaneBranch {
  /** Set as soon as the model is idle, before any lane of the branch. */
  state: BranchState | undefined;
  /** Which random numbers the branch draws. */
  readonly stream: number;
  readonly #session: LocalSession;
  /** Of the last `advance`. */
  #lane: Promise<Lane> | undefined;
  #forkCount = 0;

  constructor(session: LocalSession, number: number, stream: number, start: Pick<Branch, 'text' | 'tokenCount'>) {
    super(number, start);
    this.#session = session;
    this.stream = stream;
  }

  fork(): Branch {
    this.requireResting('fork');
    return this.#session.fork(this, this.#forkCount++);
  }

  async logprobsOf(text: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<readonly number[] | undefined> {
    this.requireResting('logprobsOf');
    signal?.throwIfAborted();
    const logprobs = await this.#session.logprobsOf(this, text);
    signal?.throwIfAborted();
    return logprobs;
  }

  protected now(): number {
    return this.#session.now();
  }

  protected decode(options: AdvanceOptions): Promise<LaneOutcome> {
    const { lane, outcome } = this.#session.advance(this, options);
    this.#lane = lane;
    return outcome;
  }

  protected abortLane(): void {
    void this.#lane!.then((lane) => lane.abort());
  }

  protected append(text: string): Promise<void> {
    return this.#session.append(this, text);
  }

  protected read(): Pick<Branch, 'text' | 'tokenCount'> {
    return { text: this.#session.decode(this.state!), tokenCount: this.state!.tokens.length };
  }

  protected override release(): void {
    this.#session.release(this);
  }
}

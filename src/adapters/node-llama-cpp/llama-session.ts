import type { AdvanceOptions, Branch, BranchOptions, BranchProgress, EngineUsage, Session, SessionOptions } from '../../contracts/engine.ts';
import { ContextLengthError, DisposedError } from '../../errors.ts';
import { draftText } from '../../engines/draft-text.ts';
import { forkStream } from '../../engines/fork-stream.ts';
import { LaneBranch, type LaneSegment } from '../../engines/lane-branch.ts';
import { StopMatcher } from '../../engines/local/stop-matcher.ts';
import { ProgressTeller } from '../../engines/progress-teller.ts';
import { SpeculationTally } from '../../engines/speculation/speculation-tally.ts';
import { tellListener } from '../../engines/tell-listener.ts';
import { resolveSampling, type Sampling } from '../../maths/sampling.ts';
import { requireWholeNumber } from '../../options.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { LlamaLane, type LlamaLaneContext, type LlamaState } from './llama-lane.ts';
import type { LlamaLoop } from './llama-loop.ts';
import { PromptReading, TextReading } from './llama-readings.ts';
import type { LlamaTokenizer } from './llama-tokenizer.ts';
import { requireBranchOptions } from '../../engines/advance-options.ts';

/** What a session shares with its engine. */
export interface LlamaSessionHost {
  readonly tokenizer: LlamaTokenizer;
  readonly loop: LlamaLoop;
  readonly sampling: Sampling;
  readonly contextTokens: number;
  /** Whether token predictors draft. */
  readonly isSpeculating: boolean;
}

/** A prompt in the caches of llama.cpp, and its branches. */
export class LlamaSession implements Session {
  readonly #host: LlamaSessionHost;
  readonly #context: LlamaLaneContext;
  readonly #sampling: Sampling;
  readonly #branches: LlamaBranch[] = [];
  readonly #stopMemory = new Map<string, Map<number, boolean>>();
  readonly #tally = new SpeculationTally();
  readonly #usage = { completionTokens: 0, forcedTokens: 0, forwardCount: 0 };
  readonly #progressTeller: ProgressTeller;
  #isDisposed = false;

  private constructor(host: LlamaSessionHost, promptTokens: readonly number[], options: SessionOptions) {
    this.#host = host;
    this.#sampling = resolveSampling(options.sampling, host.sampling);
    requireWholeNumber('topLogprobs', options.topLogprobs ?? 0);
    const { clock = systemClock, seed = 0, draftLength = Infinity, onDraft } = options;
    this.#context = {
      clock,
      seed,
      promptTokens,
      contextTokens: host.contextTokens,
      draftLength,
      isEnd: (token) => host.tokenizer.isEnd(token),
      onToken: () => void this.#usage.completionTokens++,
      onForward: () => {
        this.#usage.forwardCount++;
        this.#progressTeller.tell();
      },
      onDraft: (state, start, drafted, accepted) => {
        const outcome = { proposed: drafted.length, accepted };
        this.#tally.add(outcome);
        if (!onDraft) return;
        const number = this.#branches.findIndex((branch) => branch.state === state);
        tellListener(onDraft, number, { ...outcome, ...draftText(state.tokens.slice(promptTokens.length, start), drafted, (tokens) => this.#decode(tokens)) });
      },
    };
    this.#progressTeller = new ProgressTeller(
      options,
      () => this.now(),
      () => this.#progress(),
    );
  }

  /** Reads the prompt. Its tokens must fit the context with room to spare. */
  static async open(host: LlamaSessionHost, promptTokens: readonly number[], options: SessionOptions): Promise<LlamaSession> {
    const session = new LlamaSession(host, promptTokens, options);
    const { deadlineAt = Infinity, signal } = options;
    const { clock, onForward } = session.#context;
    const prompt = { tokens: promptTokens.slice(0, -1) };
    try {
      await new Promise<void>((resolve, reject) => {
        host.loop.add(new PromptReading(prompt, { clock, deadlineAt, signal, onForward }, { resolve, reject }));
      });
    } finally {
      host.loop.release(prompt);
    }
    return session;
  }

  get promptTokens(): number {
    return this.#context.promptTokens.length;
  }

  branch(count: number, options: BranchOptions = {}): Branch[] {
    requireBranchOptions(count, options);
    const sampling = resolveSampling(options.sampling, this.#sampling);
    return Array.from({ length: count }, () => {
      const tokens = [...this.#context.promptTokens];
      return this.#addBranch({ tokens, stream: this.#branches.length, sampling }, { text: '', tokenCount: 0 });
    });
  }

  usage(): EngineUsage {
    return { promptTokens: this.promptTokens, ...this.#usage, ...(this.#host.isSpeculating && { speculation: this.#tally.usage() }) };
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const branch of this.#branches) branch.abort();
  }

  #addBranch(state: LlamaState, start: Pick<Branch, 'text' | 'tokenCount'>): LlamaBranch {
    if (this.#isDisposed) throw new DisposedError('session');
    const branch = new LlamaBranch(this, this.#branches.length, state, start);
    this.#branches.push(branch);
    return branch;
  }

  /** @internal Called by a branch. */
  fork(parent: LlamaBranch, ordinal: number): Branch {
    const { tokens, stream, sampling } = parent.state;
    return this.#addBranch({ tokens: [...tokens], stream: forkStream(stream, ordinal), sampling }, parent);
  }

  /** @internal Called by a branch. */
  advance(state: LlamaState, options: AdvanceOptions): { readonly lane: LlamaLane; readonly outcome: Promise<LaneSegment> } {
    let lane!: LlamaLane;
    const outcome = new Promise<LaneSegment>((resolve, reject) => {
      lane = new LlamaLane(this.#context, state, { ...options, matcher: this.#matcher(options.until?.stop) }, { resolve, reject });
      this.#host.loop.add(lane);
    });
    return { lane, outcome };
  }

  /** @internal Called by a branch. */
  append({ tokens }: LlamaState, text: string): void {
    const forced = this.#host.tokenizer.encode(text);
    tokens.push(...forced);
    this.#usage.forcedTokens += forced.length;
  }

  /** @internal Called by a branch. */
  async logprobsOf(user: LlamaState, text: string): Promise<readonly number[] | undefined> {
    const tokens = this.#host.tokenizer.encode(text);
    if (tokens.length === 0) return [];
    const needed = user.tokens.length + tokens.length;
    if (needed > this.#context.contextTokens) throw new ContextLengthError(needed, this.#context.contextTokens);
    return new Promise((resolve, reject) => {
      const reading = new TextReading(this.#context, { user, text: tokens, isClosed: () => this.#isDisposed }, { resolve, reject });
      this.#host.loop.add(reading);
    });
  }

  /** @internal Called by a branch that has ended. */
  release(state: LlamaState): void {
    this.#host.loop.release(state);
  }

  /** @internal Called by a branch. */
  read({ tokens }: LlamaState): Pick<Branch, 'text' | 'tokenCount'> {
    const own = tokens.slice(this.promptTokens);
    return { text: this.#decode(own), tokenCount: own.length };
  }

  /** @internal The session's time. */
  now(): number {
    return this.#context.clock.now();
  }

  /** The last character may still lack bytes that the next token brings. */
  #decode(tokens: readonly number[]): string {
    return this.#host.tokenizer.decodeAfter(this.#context.promptTokens, tokens).replace(/\uFFFD+$/, '');
  }

  #matcher(stops: readonly string[] = []): StopMatcher | undefined {
    if (stops.length === 0) return undefined;
    const key = JSON.stringify(stops);
    let memory = this.#stopMemory.get(key);
    if (!memory) this.#stopMemory.set(key, (memory = new Map()));
    return new StopMatcher(this.#host.tokenizer, stops, memory);
  }

  #progress(): BranchProgress[] {
    return this.#branches.filter(({ isAdvancing }) => isAdvancing).map((branch) => ({ branch: branch.number, ...this.read(branch.state) }));
  }
}

class LlamaBranch extends LaneBranch {
  readonly state: LlamaState;
  readonly #session: LlamaSession;
  /** Of the last `advance`. */
  #lane: LlamaLane | undefined;
  #forkCount = 0;

  constructor(session: LlamaSession, number: number, state: LlamaState, start: Pick<Branch, 'text' | 'tokenCount'>) {
    super(number, start);
    this.#session = session;
    this.state = state;
  }

  fork(): Branch {
    this.requireResting('fork');
    return this.#session.fork(this, this.#forkCount++);
  }

  async logprobsOf(text: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<readonly number[] | undefined> {
    this.requireResting('logprobsOf');
    signal?.throwIfAborted();
    const logprobs = await this.#session.logprobsOf(this.state, text);
    signal?.throwIfAborted();
    return logprobs;
  }

  protected now(): number {
    return this.#session.now();
  }

  protected decode(options: AdvanceOptions): Promise<LaneSegment> {
    const { lane, outcome } = this.#session.advance(this.state, options);
    this.#lane = lane;
    return outcome;
  }

  protected abortLane(): void {
    this.#lane!.abort();
  }

  protected async append(text: string): Promise<void> {
    this.#session.append(this.state, text);
  }

  protected read(): Pick<Branch, 'text' | 'tokenCount'> {
    return this.#session.read(this.state);
  }

  protected override release(): void {
    this.#session.release(this.state);
  }
}

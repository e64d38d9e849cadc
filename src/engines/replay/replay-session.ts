import type { AdvanceOptions, Branch, BranchOptions, BranchProgress, EngineUsage, SamplingOptions, Session, SessionOptions } from '../../contracts/engine.ts';
import type { ProblemTrace } from '../../contracts/trace.ts';
import { DisposedError, NotRecordedError } from '../../errors.ts';
import { resolveSampling } from '../../maths/sampling.ts';
import { samplingKey } from '../../maths/sampling-key.ts';
import { LaneBranch } from '../lane-branch.ts';
import { ProgressTeller } from '../progress-teller.ts';
import { SpeculationTally } from '../speculation/speculation-tally.ts';
import { tellListener } from '../tell-listener.ts';
import { ReplayLane, type ReplayLaneContext, type ReplayOutcome, type ReplayState } from './replay-lane.ts';
import type { ReplayLoop } from './replay-loop.ts';
import { shuffledOrder } from './shuffled-order.ts';
import { Tape } from './tape.ts';
import { requireBranchOptions } from '../advance-options.ts';

/** What a session shares with its engine. */
export interface ReplaySessionHost {
  readonly loop: ReplayLoop;
  readonly promptTokens: number;
  /** What was recorded of the prompt. @throws {NotRecordedError} where nothing was that is sampled so. */
  recorded(sampling: SamplingOptions | undefined): ProblemTrace;
  readonly speculates: boolean;
  /** Milliseconds that a branch costs beside its passes. */
  readonly branchMs: number;
  /** Passes that reading the prompt took. */
  readonly promptForwards: number;
  now(): number;
  /** A text has been played to its end. */
  onPlayed(text: string, scores: readonly number[] | undefined): void;
  /** @param limit - Tokens of a draft that could have stood. */
  onDraft(limit: number, accepted: number): void;
}

/** Recorded branches, and how many of them have been launched. */
interface Reel {
  readonly problem: ProblemTrace;
  /** Which recorded branch plays the n-th. */
  readonly order: readonly number[];
  launched: number;
}

/** A recorded problem and its branches. */
export class ReplaySession implements Session {
  readonly #host: ReplaySessionHost;
  readonly #context: ReplayLaneContext;
  readonly #sampling: SamplingOptions | undefined;
  readonly #reels = new Map<ProblemTrace, Reel>();
  readonly #branches: ReplayBranch[] = [];
  readonly #tally = new SpeculationTally();
  readonly #usage: { cachedPromptTokens: number; completionTokens: number; forcedTokens: number; forwardCount: number };
  readonly #progressTeller: ProgressTeller;
  #isDisposed = false;

  constructor(host: ReplaySessionHost, options: SessionOptions) {
    this.#host = host;
    this.#sampling = options.sampling;
    this.#progressTeller = new ProgressTeller(
      options,
      () => host.now(),
      () => this.#progress(),
    );
    this.#usage = { cachedPromptTokens: 0, completionTokens: 0, forcedTokens: 0, forwardCount: host.promptForwards };
    this.#context = {
      seed: options.seed ?? 0,
      promptTokens: host.promptTokens,
      hasDraftedPrompt: false,
      draftLength: options.draftLength,
      now: () => host.now(),
      onToken: () => void this.#usage.completionTokens++,
      onDraft: (state, { limit, ...outcome }) => {
        this.#tally.add(outcome);
        host.onDraft(limit, outcome.accepted);
        if (!options.onDraft) return;
        const branch = this.#branches.findIndex((other) => other.state === state);
        tellListener(options.onDraft, branch, { ...outcome, offset: state.text.length, drafted: Array.from({ length: outcome.proposed }, () => '') });
      },
      onForward: () => {
        this.#usage.forwardCount++;
        this.#progressTeller.tell();
      },
    };
  }

  get promptTokens(): number {
    return this.#host.promptTokens;
  }

  /** What branches were asked with when they were recorded: another text is not known. */
  get answerSuffix(): string | undefined {
    const suffixes = this.#recorded().flatMap(({ branches }) => branches.flatMap(({ probes = [] }) => probes.map(({ suffix }) => suffix)));
    return suffixes.find((suffix) => suffix.startsWith('\n')) ?? suffixes[0];
  }

  branch(count: number, options: BranchOptions = {}): Branch[] {
    requireBranchOptions(count, options);
    resolveSampling(options.sampling);
    const reel = this.#reelOf(options.sampling ? { ...this.#sampling, ...options.sampling } : this.#sampling);
    const { problem, order, launched } = reel;
    if (launched + count > problem.branches.length) {
      const needed = `${launched + count} recorded branches of the problem ${problem.id} but has ${problem.branches.length}`;
      throw new NotRecordedError(needed, 'Record more branches, or ask for fewer.');
    }
    this.#host.loop.owe(count * this.#host.branchMs);
    const sampling = samplingKey(problem.sampling);
    return Array.from({ length: count }, () => {
      const trace = order[reel.launched++]!;
      return this.#add({ tape: Tape.of(problem.branches[trace]!), stream: trace, sampling, text: '', tokenCount: 0, pendingTokens: 0, rounds: 0 });
    });
  }

  usage(): EngineUsage {
    return { promptTokens: this.promptTokens, ...this.#usage, ...(this.#host.speculates && { speculation: this.#tally.usage() }) };
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const branch of this.#branches) branch.abort();
  }

  /** @internal Called by a branch. */
  fork({ tape, ...state }: ReplayState): Branch {
    return this.#add({ ...state, tape: tape.fork() });
  }

  /** @internal Called by a branch. */
  force(state: ReplayState, text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#host.loop.whenIdle(() => {
        const tokens = state.tape.force(text);
        state.text += text;
        state.tokenCount += tokens;
        state.pendingTokens += tokens;
        this.#usage.forcedTokens += tokens;
        resolve();
      });
    });
  }

  /** @internal Called by a branch. */
  now(): number {
    return this.#host.now();
  }

  /** @internal Called by a branch. */
  async advance(state: ReplayState, options: AdvanceOptions, admit: (lane: ReplayLane) => void): Promise<ReplayOutcome> {
    const outcome = await new Promise<ReplayOutcome>((resolve, reject) => {
      const lane = new ReplayLane(this.#context, state, options, { resolve, reject });
      admit(lane);
      this.#host.loop.add(lane);
    });
    if (state.tape.isOver) this.#host.onPlayed(state.text, state.tape.probe?.scores);
    return outcome;
  }

  /** What was recorded in the session's way; nothing where only its branches say how they are sampled. */
  #recorded(): ProblemTrace[] {
    try {
      return [this.#host.recorded(this.#sampling)];
    } catch {
      return [...this.#reels.keys()];
    }
  }

  #reelOf(sampling: SamplingOptions | undefined): Reel {
    const problem = this.#host.recorded(sampling);
    const known = this.#reels.get(problem);
    if (known) return known;
    const { seed } = this.#context;
    const count = problem.branches.length;
    const reel = { problem, order: seed === problem.seed ? problem.branches.map((_, index) => index) : shuffledOrder(count, seed), launched: 0 };
    this.#reels.set(problem, reel);
    return reel;
  }

  #add(state: ReplayState): ReplayBranch {
    if (this.#isDisposed) throw new DisposedError('session');
    const branch = new ReplayBranch(this, this.#branches.length, state);
    this.#branches.push(branch);
    return branch;
  }

  #progress(): BranchProgress[] {
    const open = this.#branches.filter(({ isAdvancing }) => isAdvancing);
    return open.map(({ number, state }) => ({ branch: number, tokenCount: state.tokenCount, text: state.text }));
  }
}

class ReplayBranch extends LaneBranch {
  readonly state: ReplayState;
  readonly #session: ReplaySession;
  /** Of the last `advance`. */
  #lane: ReplayLane | undefined;

  constructor(session: ReplaySession, number: number, state: ReplayState) {
    super(number, state);
    this.#session = session;
    this.state = state;
  }

  fork(): Branch {
    this.requireResting('fork');
    return this.#session.fork(this.state);
  }

  protected now(): number {
    return this.#session.now();
  }

  protected decode(options: AdvanceOptions): Promise<ReplayOutcome> {
    return this.#session.advance(this.state, options, (lane) => (this.#lane = lane));
  }

  protected abortLane(): void {
    this.#lane!.abort();
  }

  protected append(text: string): Promise<void> {
    return text === '' ? Promise.resolve() : this.#session.force(this.state, text);
  }

  protected read(): Pick<Branch, 'text' | 'tokenCount'> {
    return this.state;
  }
}

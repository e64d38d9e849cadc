import type { AdvanceOptions, Branch, BranchOptions, Engine, EngineUsage, Segment, Session, SessionOptions } from '../../contracts/engine.ts';
import type { EngineAnatomy, PassMeter } from '../../contracts/profile.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { DisposedError, InvalidOptionError } from '../../errors.ts';
import type { WorkerPort } from '../../models/local-model.ts';
import { resolveSampling } from '../../maths/sampling.ts';
import { PortCaller, untilAborted, type CallOf } from '../../port/port-caller.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { requireAdvanceOptions, requireBranchOptions, requireResting, requireSessionOptions } from '../advance-options.ts';
import { tellListener } from '../tell-listener.ts';
import type { BranchAddress, BranchResult, EngineNotice, EngineRequest, LoadProgressReport, OpenResult, ReadyResult } from './messages.ts';

type Caller = PortCaller<EngineRequest, EngineNotice>;
/** Messages between the last step and the end of a run: the segment, the request to free the session, its answer. */
const LAST_MESSAGES = 3;
/** What a session wants to hear of while calls are open. */
type SessionListeners = Pick<SessionOptions, 'onProgress' | 'onDraft'>;

/** An engine on the other side of a port: in a worker thread, where decoding does not hold up this one. */
export class PortEngine implements Engine {
  readonly #caller: Caller;
  readonly #terminate: () => Promise<void>;
  readonly #listeners = new Map<number, SessionListeners>();
  readonly #meter: PassMeter = {
    anatomy: ({ signal } = {}) => this.#caller.ask<EngineAnatomy>({ type: 'anatomy' }, signal),
    measure: (part, shapes, { signal, ...options }) => this.#caller.ask<number[][]>({ type: 'measure', part, shapes, options }, signal),
  };
  #nextSession = 0;
  #about: ReadyResult | undefined;

  /**
   * @param terminate - Ends the other side.
   * @param onLoadProgress - Hears what the other side tells while it loads its models.
   */
  constructor(port: WorkerPort, terminate: () => Promise<void>, onLoadProgress?: (report: LoadProgressReport) => void) {
    this.#caller = new PortCaller(port, (notice: EngineNotice) => {
      if (notice.type === 'load-progress') return onLoadProgress?.(notice);
      const listeners = this.#listeners.get(notice.session);
      if (notice.type === 'progress') return tellListener(listeners?.onProgress, notice.progress);
      return tellListener(listeners?.onDraft, notice.branch, notice.draft);
    });
    this.#terminate = terminate;
  }

  get name(): string {
    return this.#about?.name ?? 'worker';
  }

  /** Known once the engine is ready. */
  get contextTokens(): number | undefined {
    return this.#about?.contextTokens;
  }

  async ready({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#caller.requireOpen();
    this.#about ??= await this.#caller.ask<ReadyResult>({ type: 'ready' }, signal);
  }

  /** Known once the engine is ready. */
  get passes(): PassMeter | undefined {
    return this.#about?.hasPasses ? this.#meter : undefined;
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    requireSessionOptions(options);
    const { onProgress, onDraft, signal, clock = systemClock, ...plain } = options;
    if (clock !== systemClock) {
      throw new InvalidOptionError('clock', 'the system clock', 'another one', 'A worker has its own time; decode in the calling thread to use another clock.');
    }
    await this.ready(signal ? { signal } : {});
    const session = this.#nextSession++;
    this.#listeners.set(session, { ...(onProgress && { onProgress }), ...(onDraft && { onDraft }) });
    const passed = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
    try {
      const opened = await this.#caller.ask<OpenResult>(
        { type: 'open', session, prompt, options: passed, hasProgress: onProgress !== undefined, hasDrafts: onDraft !== undefined },
        signal,
      );
      return new PortSession(this.#caller, session, opened, () => this.#listeners.delete(session));
    } catch (error) {
      this.#listeners.delete(session);
      // An abort can cross the answer: whatever was opened over there must not stay.
      void this.#caller.ask({ type: 'dispose-session', session }).catch(() => undefined);
      throw error;
    }
  }

  async dispose(): Promise<void> {
    // Ending a thread within a native call would end the process.
    await this.#caller.end(new DisposedError('engine'));
    await this.#terminate();
  }
}

class PortSession implements Session {
  readonly promptTokens: number;
  readonly answerSuffix: string | undefined;
  readonly opensThought: boolean;
  readonly #caller: Caller;
  readonly #number: number;
  readonly #branches: PortBranch[] = [];
  readonly #onDispose: () => void;
  #usage: EngineUsage;
  #isDisposed = false;

  constructor(caller: Caller, number: number, { usage, ...opened }: OpenResult, onDispose: () => void) {
    this.#caller = caller;
    this.#number = number;
    this.#onDispose = onDispose;
    this.promptTokens = opened.promptTokens;
    this.answerSuffix = opened.answerSuffix;
    this.opensThought = opened.opensThought;
    this.#usage = usage;
  }

  branch(count: number, options: BranchOptions = {}): Branch[] {
    requireBranchOptions(count, options);
    resolveSampling(options.sampling);
    this.#requireOpen();
    this.#caller.tell({ type: 'branch', session: this.#number, count, options });
    return Array.from({ length: count }, () => this.#addBranch('', 0));
  }

  usage(): EngineUsage {
    return this.#usage;
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#onDispose();
    for (const branch of this.#branches) branch.ended ??= 'aborted';
    try {
      await this.#caller.ask({ type: 'dispose-session', session: this.#number });
    } catch (error) {
      // With the other side gone there is nothing left to free.
      if (!this.#caller.isClosed) throw error;
    }
  }

  #addBranch(text: string, tokenCount: number): PortBranch {
    const address = { session: this.#number, branch: this.#branches.length };
    const fork = (parent: PortBranch): PortBranch => {
      this.#requireOpen();
      this.#caller.tell({ type: 'fork', session: this.#number, branch: parent.number });
      return this.#addBranch(parent.text, parent.tokenCount);
    };
    const branch = new PortBranch(this.#caller, address, { text, tokenCount, fork, onUsage: (usage) => (this.#usage = usage) });
    this.#branches.push(branch);
    return branch;
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('session');
  }
}

class PortBranch implements Branch {
  readonly number: number;
  text: string;
  tokenCount: number;
  ended: Branch['ended'];
  readonly #caller: Caller;
  readonly #address: BranchAddress;
  readonly #fork: (parent: PortBranch) => PortBranch;
  readonly #onUsage: (usage: EngineUsage) => void;
  #isCalling = false;
  /** A call that the other side has not answered yet; a caller's abort does not wait for the answer. */
  #unanswered: Promise<void> | undefined;

  constructor(
    caller: Caller,
    address: BranchAddress,
    start: { text: string; tokenCount: number; fork: (parent: PortBranch) => PortBranch; onUsage: (usage: EngineUsage) => void },
  ) {
    this.#caller = caller;
    this.#address = address;
    this.number = address.branch;
    this.text = start.text;
    this.tokenCount = start.tokenCount;
    this.#fork = start.fork;
    this.#onUsage = start.onUsage;
  }

  async advance(given: AdvanceOptions = {}): Promise<Segment> {
    requireAdvanceOptions(given, systemClock.now());
    const { signal, ...options } = given;
    const { deadlineAt } = options;
    const passed = deadlineAt === undefined ? options : { ...options, deadlineAt: deadlineAt - this.#caller.crossingMs(LAST_MESSAGES) };
    const result = await this.#call('advance', { type: 'advance', ...this.#address, options: passed }, signal);
    return result.segment!;
  }

  fork(): Branch {
    requireResting('fork', { number: this.number, ended: this.ended, isAdvancing: this.#unanswered !== undefined });
    return this.#fork(this);
  }

  async force(text: string): Promise<void> {
    await this.#call('force', { type: 'force', ...this.#address, text });
  }

  async logprobsOf(text: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<readonly number[] | undefined> {
    return (await this.#call('logprobsOf', { type: 'logprobs', ...this.#address, text }, signal)).logprobs;
  }

  abort(): void {
    this.ended ??= 'aborted';
    if (!this.#caller.isClosed) this.#caller.tell({ type: 'abort', ...this.#address });
  }

  async #call(verb: string, request: CallOf<EngineRequest>, signal?: AbortSignal): Promise<BranchResult> {
    requireResting(verb, { number: this.number, ended: this.ended, isAdvancing: this.#isCalling });
    signal?.throwIfAborted();
    this.#isCalling = true;
    try {
      // An earlier call that was given up may still be winding down over there.
      if (this.#unanswered) await this.#unanswered;
      signal?.throwIfAborted();
      const { answer, cancel } = this.#caller.start<BranchResult>(request);
      const received = answer.then((result) => this.#receive(result));
      const rest = (): void => (this.#unanswered = undefined);
      this.#unanswered = received.then(rest, rest);
      return await untilAborted({ answer: received, cancel }, signal);
    } finally {
      this.#isCalling = false;
    }
  }

  #receive(result: BranchResult): BranchResult {
    this.text = result.text;
    this.tokenCount = result.tokenCount;
    this.ended = result.ended ?? this.ended;
    this.#onUsage(result.usage);
    return result;
  }
}

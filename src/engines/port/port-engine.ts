import type { AdvanceOptions, Branch, Engine, EngineUsage, Segment, Session, SessionOptions } from '../../contracts/engine.ts';
import type { EngineAnatomy, PassMeter } from '../../contracts/profile.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { DisposedError, InvalidOptionError, ModelError } from '../../errors.ts';
import type { EnginePort } from '../../models/local-model.ts';
import { requireWholeNumber } from '../../options.ts';
import { onAbort } from '../../runtime/on-abort.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { requireAdvanceOptions, requireResting } from '../advance-options.ts';
import { tellListener } from '../tell-listener.ts';
import type { BranchAddress, BranchResult, EngineRequest, EngineResponse, LoadProgressReport, OpenResult, ReadyResult } from './messages.ts';
import { Outbox } from './outbox.ts';
import { receiveError } from './transferred-error.ts';

interface OpenCall {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type Numbered = Extract<EngineRequest, { call: number }>;
type WithoutCall<Request> = Request extends unknown ? Omit<Request, 'call'> : never;

interface StartedCall<Result> {
  readonly answer: Promise<Result>;
  cancel(): void;
}

function untilAborted<Result>({ answer, cancel }: StartedCall<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return answer;
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(signal.reason);
      cancel();
    };
    const forget = onAbort(signal, giveUp);
    void answer.then(resolve, reject).then(forget);
  });
}

/** Calls over a port, with answers matched by number and aborts passed on. */
class PortCaller {
  readonly #outbox: Outbox<EngineRequest>;
  readonly #onLoadProgress: ((report: LoadProgressReport) => void) | undefined;
  readonly #calls = new Map<number, OpenCall>();
  /** What sessions want to hear of while calls are open, by session. */
  readonly listeners = new Map<number, Pick<SessionOptions, 'onProgress' | 'onDraft'>>();
  #nextCall = 0;
  #closedBy: Error | undefined;

  constructor(port: EnginePort, onLoadProgress?: (report: LoadProgressReport) => void) {
    this.#outbox = new Outbox(
      (requests) => port.post(requests),
      (request, error) => 'call' in request && this.#take(request.call)?.reject(error),
    );
    this.#onLoadProgress = onLoadProgress;
    port.onMessage((responses) => {
      for (const response of responses as readonly EngineResponse[]) this.#receive(response);
    });
    port.onClose((error) => this.close(new ModelError('The worker that runs the model has stopped.', { cause: error })));
  }

  /** Rejects everything open and everything to come, but for the request to end, whose answer it waits for. */
  async end(error: Error): Promise<void> {
    if (this.#closedBy) return;
    const open = [...this.#calls.values()];
    const { answer } = this.start({ type: 'dispose' });
    this.#closedBy = error;
    for (const call of open) call.reject(error);
    // A worker that has stopped, or that fails to free its models, is ended all the same.
    await answer.catch(() => undefined);
  }

  /** Rejects everything open and everything to come. */
  close(error: Error): void {
    this.#closedBy ??= error;
    for (const call of this.#calls.values()) call.reject(this.#closedBy);
    this.#calls.clear();
  }

  get isClosed(): boolean {
    return this.#closedBy !== undefined;
  }

  /** @throws what closed the port, once it is. */
  requireOpen(): void {
    if (this.#closedBy) throw this.#closedBy;
  }

  tell(request: Exclude<EngineRequest, Numbered>): void {
    this.requireOpen();
    this.#outbox.add(request);
  }

  /** Sends a request whose answer settles `answer`; `cancel` tells the other side to give it up. */
  start<Result>(request: WithoutCall<Numbered>): StartedCall<Result> {
    this.requireOpen();
    const call = this.#nextCall++;
    const answer = new Promise<Result>((resolve, reject) => {
      this.#calls.set(call, { resolve: resolve as (value: unknown) => void, reject });
      this.#outbox.add({ ...request, call });
    });
    return { answer, cancel: () => this.#outbox.add({ type: 'cancel', target: call }) };
  }

  /** Rejects with the signal's reason as soon as it is aborted; the other side is told to give up. */
  async ask<Result>(request: WithoutCall<Numbered>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    return untilAborted(this.start<Result>(request), signal);
  }

  #receive(response: EngineResponse): void {
    if (response.type === 'progress') return tellListener(this.listeners.get(response.session)?.onProgress, response.progress);
    if (response.type === 'draft') return tellListener(this.listeners.get(response.session)?.onDraft, response.branch, response.draft);
    if (response.type === 'load-progress') return this.#onLoadProgress?.(response);
    const call = this.#take(response.call);
    if (response.type === 'result') call?.resolve(response.value);
    else call?.reject(receiveError(response.error));
  }

  /** The open call of this number, which is no longer open. */
  #take(number: number): OpenCall | undefined {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    return call;
  }
}

/** An engine on the other side of a port: in a worker thread, where decoding does not hold up this one. */
export class PortEngine implements Engine {
  readonly #caller: PortCaller;
  readonly #terminate: () => Promise<void>;
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
  constructor(port: EnginePort, terminate: () => Promise<void>, onLoadProgress?: (report: LoadProgressReport) => void) {
    this.#caller = new PortCaller(port, onLoadProgress);
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
    const { onProgress, onDraft, signal, clock = systemClock, sampling, seed, deadlineAt, progressIntervalMs, topLogprobs, selfCertainty } = options;
    if (clock !== systemClock) {
      throw new InvalidOptionError('clock', 'the system clock', 'another one', 'A worker has its own time; decode in the calling thread to use another clock.');
    }
    await this.ready(signal ? { signal } : {});
    const session = this.#nextSession++;
    this.#caller.listeners.set(session, { ...(onProgress && { onProgress }), ...(onDraft && { onDraft }) });
    const plain = { sampling, seed, deadlineAt, progressIntervalMs, topLogprobs, selfCertainty };
    const passed = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
    try {
      const opened = await this.#caller.ask<OpenResult>(
        { type: 'open', session, prompt, options: passed, hasProgress: onProgress !== undefined, hasDrafts: onDraft !== undefined },
        signal,
      );
      return new PortSession(this.#caller, session, opened);
    } catch (error) {
      this.#caller.listeners.delete(session);
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
  readonly #caller: PortCaller;
  readonly #number: number;
  readonly #branches: PortBranch[] = [];
  #usage: EngineUsage;
  #isDisposed = false;

  constructor(caller: PortCaller, number: number, { promptTokens, usage }: OpenResult) {
    this.#caller = caller;
    this.#number = number;
    this.promptTokens = promptTokens;
    this.#usage = usage;
  }

  branch(count: number): Branch[] {
    requireWholeNumber('count', count, 1);
    this.#requireOpen();
    this.#caller.tell({ type: 'branch', session: this.#number, count });
    return Array.from({ length: count }, () => this.#addBranch('', 0));
  }

  usage(): EngineUsage {
    return this.#usage;
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#caller.listeners.delete(this.#number);
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
  readonly #caller: PortCaller;
  readonly #address: BranchAddress;
  readonly #fork: (parent: PortBranch) => PortBranch;
  readonly #onUsage: (usage: EngineUsage) => void;
  #isCalling = false;
  /** A call that the other side has not answered yet; a caller's abort does not wait for the answer. */
  #unanswered: Promise<void> | undefined;

  constructor(
    caller: PortCaller,
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

  async advance({ signal, ...options }: AdvanceOptions = {}): Promise<Segment> {
    requireAdvanceOptions(options);
    const result = await this.#call('advance', { type: 'advance', ...this.#address, options }, signal);
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

  async #call(verb: string, request: WithoutCall<Numbered>, signal?: AbortSignal): Promise<BranchResult> {
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

import type { AdvanceOptions, Branch, Engine, EngineUsage, Segment, Session, SessionOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { DisposedError, InvalidOptionError, ModelError } from '../../errors.ts';
import type { EnginePort } from '../../models/local-model.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { requireAdvanceOptions } from '../advance-options.ts';
import type { BranchAddress, BranchResult, EngineRequest, EngineResponse, OpenResult, ReadyResult } from './messages.ts';
import { receiveError } from './transferred-error.ts';

interface OpenCall {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type Numbered = Extract<EngineRequest, { call: number }>;
type WithoutCall<Request> = Request extends unknown ? Omit<Request, 'call'> : never;

/** Calls over a port, with answers matched by number and aborts passed on. */
class PortCaller {
  readonly #port: EnginePort;
  readonly #calls = new Map<number, OpenCall>();
  /** What sessions want to hear of while calls are open, by session. */
  readonly listeners = new Map<number, Pick<SessionOptions, 'onProgress' | 'onDraft'>>();
  #nextCall = 0;
  #closedBy: Error | undefined;

  constructor(port: EnginePort) {
    this.#port = port;
    port.onMessage((message) => this.#receive(message as EngineResponse));
    port.onClose((error) => this.close(new ModelError('The worker that runs the model has stopped.', { cause: error })));
  }

  /** Rejects everything open and everything to come. */
  close(error: Error): void {
    this.#closedBy ??= error;
    for (const call of this.#calls.values()) call.reject(this.#closedBy);
    this.#calls.clear();
  }

  tell(request: Exclude<EngineRequest, Numbered>): void {
    if (this.#closedBy) throw this.#closedBy;
    this.#port.post(request);
  }

  /** Rejects with the signal's reason as soon as it is aborted; the other side is told to give up. */
  async ask<Result>(request: WithoutCall<Numbered>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    if (this.#closedBy) throw this.#closedBy;
    const call = this.#nextCall++;
    const answer = new Promise<Result>((resolve, reject) => {
      this.#calls.set(call, { resolve: resolve as (value: unknown) => void, reject });
      this.#port.post({ ...request, call });
    });
    const cancel = (): void => {
      this.#calls.get(call)?.reject(signal!.reason);
      this.#calls.delete(call);
      this.#port.post({ type: 'cancel', target: call } satisfies EngineRequest);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await answer;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  #receive(response: EngineResponse): void {
    if (response.type === 'progress') return this.listeners.get(response.session)?.onProgress?.(response.progress);
    if (response.type === 'draft') return this.listeners.get(response.session)?.onDraft?.(response.branch, response.outcome);
    const call = this.#calls.get(response.call);
    this.#calls.delete(response.call);
    if (response.type === 'result') call?.resolve(response.value);
    else call?.reject(receiveError(response.error));
  }
}

/** An engine on the other side of a port: in a worker thread, where decoding does not hold up this one. */
export class PortEngine implements Engine {
  readonly #caller: PortCaller;
  readonly #terminate: () => Promise<void>;
  #nextSession = 0;
  #about: ReadyResult | undefined;

  /** @param terminate - Ends the other side. */
  constructor(port: EnginePort, terminate: () => Promise<void>) {
    this.#caller = new PortCaller(port);
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
    this.#about ??= await this.#caller.ask<ReadyResult>({ type: 'ready' }, signal);
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    const { sampling, seed, deadlineAt, progressIntervalMs, onProgress, onDraft, signal, clock = systemClock } = options;
    if (clock !== systemClock) {
      throw new InvalidOptionError('clock', 'the system clock', 'another one', 'A worker has its own time; decode in the calling thread to use another clock.');
    }
    await this.ready(signal ? { signal } : {});
    const session = this.#nextSession++;
    this.#caller.listeners.set(session, { ...(onProgress && { onProgress }), ...(onDraft && { onDraft }) });
    const passed = Object.fromEntries(Object.entries({ sampling, seed, deadlineAt, progressIntervalMs }).filter(([, value]) => value !== undefined));
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
    this.#caller.close(new DisposedError('engine'));
    await this.#terminate();
  }
}

class PortSession implements Session {
  readonly promptTokens: number;
  readonly #caller: PortCaller;
  readonly #number: number;
  #branchCount = 0;
  #usage: EngineUsage;
  #isDisposed = false;

  constructor(caller: PortCaller, number: number, { promptTokens, usage }: OpenResult) {
    this.#caller = caller;
    this.#number = number;
    this.promptTokens = promptTokens;
    this.#usage = usage;
  }

  branch(count: number): Branch[] {
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
    await this.#caller.ask({ type: 'dispose-session', session: this.#number });
  }

  #addBranch(text: string, tokenCount: number): PortBranch {
    const address = { session: this.#number, branch: this.#branchCount++ };
    const fork = (parent: PortBranch): PortBranch => {
      this.#requireOpen();
      this.#caller.tell({ type: 'fork', session: this.#number, branch: parent.number });
      return this.#addBranch(parent.text, parent.tokenCount);
    };
    return new PortBranch(this.#caller, address, { text, tokenCount, fork, onUsage: (usage) => (this.#usage = usage) });
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
    const result = await this.#caller.ask<BranchResult>({ type: 'advance', ...this.#address, options }, signal);
    return this.#receive(result).segment!;
  }

  fork(): Branch {
    return this.#fork(this);
  }

  async force(text: string): Promise<void> {
    this.#receive(await this.#caller.ask<BranchResult>({ type: 'force', ...this.#address, text }));
  }

  abort(): void {
    this.ended ??= 'aborted';
    this.#caller.tell({ type: 'abort', ...this.#address });
  }

  #receive(result: BranchResult): BranchResult {
    this.text = result.text;
    this.tokenCount = result.tokenCount;
    this.ended = result.ended;
    this.#onUsage(result.usage);
    return result;
  }
}

import type { Branch, Engine, Session } from '../../contracts/engine.ts';
import type { PassMeter } from '../../contracts/profile.ts';
import { DisposedError, InvalidOptionError } from '../../errors.ts';
import type { WorkerPort } from '../../models/local-model.ts';
import { CallHost } from '../../port/call-host.ts';
import type { BranchAddress, BranchResult, CallResult, EngineNotice, EngineRequest, OpenResult, ReadyResult } from './messages.ts';

interface HostedSession {
  readonly session: Session;
  readonly branches: Branch[];
}

/** Serves an engine to the other side of a port; `PortEngine` is that side. */
export function hostEngine(engine: Engine, port: WorkerPort): void {
  new EngineHost(engine, port);
}

class EngineHost {
  readonly #engine: Engine;
  readonly #sessions = new Map<number, HostedSession>();
  readonly #calls: CallHost<EngineRequest, CallResult, EngineNotice>;

  constructor(engine: Engine, port: WorkerPort) {
    this.#engine = engine;
    this.#calls = new CallHost(port, (request) => this.#receive(request));
  }

  #receive(request: EngineRequest): void {
    switch (request.type) {
      case 'ready':
        return void this.#calls.answer(request.call, (signal) => this.#ready(signal));
      case 'open':
        return void this.#calls.answer(request.call, (signal) => this.#open(request, signal));
      case 'advance':
        return void this.#calls.answer(request.call, async (signal) => {
          // Looked up once: the session may be disposed, and unknown here, before the segment is there.
          const [session, branch] = this.#branchAt(request);
          const segment = await branch.advance({ ...request.options, signal });
          return standing(session, branch, segment);
        });
      case 'force':
        return void this.#calls.answer(request.call, async () => {
          const [session, branch] = this.#branchAt(request);
          await branch.force(request.text);
          return standing(session, branch, undefined);
        });
      case 'logprobs':
        return void this.#calls.answer(request.call, async (signal) => {
          const [session, branch] = this.#branchAt(request);
          const logprobs = await branch.logprobsOf?.(request.text, { signal });
          return { ...standing(session, branch, undefined), ...(logprobs && { logprobs }) };
        });
      case 'anatomy':
        return void this.#calls.answer(request.call, async (signal) => this.#meter().anatomy({ signal }));
      case 'measure':
        return void this.#calls.answer(request.call, async (signal) => this.#meter().measure(request.part, request.shapes, { ...request.options, signal }));
      case 'dispose':
        return void this.#calls.answer(request.call, () => this.#dispose());
      case 'dispose-session':
        return void this.#calls.answer(request.call, () => this.#disposeSession(request.session));
      case 'branch':
        return this.#addBranches(request.session, (session) => session.branch(request.count, request.options));
      case 'fork':
        return this.#addBranches(request.session, () => [this.#branchAt(request)[1].fork()]);
      case 'abort':
        this.#sessions.get(request.session)?.branches[request.branch]?.abort();
        return;
      case 'cancel':
        return this.#calls.cancel(request.target);
    }
  }

  async #ready(signal: AbortSignal): Promise<ReadyResult> {
    await this.#engine.ready({ signal });
    return { name: this.#engine.name, contextTokens: this.#engine.contextTokens, hasPasses: this.#engine.passes !== undefined };
  }

  #meter(): PassMeter {
    const { passes } = this.#engine;
    if (!passes) throw new InvalidOptionError('engine', 'one that times its passes', this.#engine.name);
    return passes;
  }

  async #open(
    { session: number, prompt, options, hasProgress, hasDrafts }: Extract<EngineRequest, { type: 'open' }>,
    signal: AbortSignal,
  ): Promise<OpenResult> {
    const session = await this.#engine.open(prompt, {
      ...options,
      signal,
      ...(hasDrafts && { onDraft: (branch, draft) => this.#calls.tell({ type: 'draft', session: number, branch, draft }) }),
      ...(hasProgress && { onProgress: (progress) => this.#calls.tell({ type: 'progress', session: number, progress }) }),
    });
    if (signal.aborted) {
      // The other side has given the call up: it will never dispose of this session.
      await session.dispose();
      signal.throwIfAborted();
    }
    this.#sessions.set(number, { session, branches: [] });
    const { promptTokens, answerSuffix, opensThought = false } = session;
    return { promptTokens, answerSuffix, opensThought, usage: session.usage() };
  }

  async #disposeSession(number: number): Promise<undefined> {
    await this.#sessions.get(number)?.session.dispose();
    this.#sessions.delete(number);
  }

  async #dispose(): Promise<undefined> {
    await Promise.all([...this.#sessions.keys()].map((number) => this.#disposeSession(number)));
    await this.#engine.dispose();
  }

  #addBranches(number: number, make: (session: Session) => readonly Branch[]): void {
    const hosted = this.#sessions.get(number);
    // The session may have been disposed while the message was on its way; its branches are gone with it.
    hosted?.branches.push(...make(hosted.session));
  }

  #branchAt({ session, branch }: BranchAddress): readonly [Session, Branch] {
    const hosted = this.#sessions.get(session);
    const found = hosted?.branches[branch];
    if (!found) throw new DisposedError('session');
    return [hosted.session, found];
  }
}

function standing(session: Session, { text, tokenCount, ended }: Branch, segment: BranchResult['segment']): BranchResult {
  return { segment, text, tokenCount, ended, usage: session.usage() };
}

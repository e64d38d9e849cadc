import type { AdvanceOptions, Branch, BranchOptions, BranchProgress, EngineUsage, Segment, Session, SessionOptions } from '../../contracts/engine.ts';
import type { Clock } from '../../contracts/clock.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { DisposedError } from '../../errors.ts';
import { resolveSampling, type Sampling } from '../../maths/sampling.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { onAbort } from '../../runtime/on-abort.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { MovingAlarm } from '../../runtime/moving-alarm.ts';
import { requireSupportedSampling } from '../../servers/dialects.ts';
import { requireAdvanceOptions, requireBranchOptions, requireResting } from '../advance-options.ts';
import { forkStream } from '../fork-stream.ts';
import { ProgressTeller } from '../progress-teller.ts';
import { LeadRequest } from './lead-request.ts';
import type { RemoteHost } from './remote-host.ts';
import type { SessionAccount } from './session-account.ts';
import { writeSegment, type WritingSession } from './write-segment.ts';
import { Writing } from './writing.ts';

/** Why an open call ends before its boundary. */
export type Cut = { readonly finish: 'deadline' | 'aborted' } | { readonly error: unknown };

export interface RemoteSessionParts {
  readonly host: RemoteHost;
  readonly prompt: Prompt;
  readonly sampling: Sampling;
  readonly account: SessionAccount;
}

/** A prompt that is sent with every request. */
export class RemoteSession implements Session, WritingSession {
  readonly host: RemoteHost;
  readonly prompt: Prompt;
  readonly sampling: Sampling;
  readonly clock: Clock;
  readonly seed: number;
  readonly topLogprobs: number;
  readonly account: SessionAccount;
  readonly lead = new LeadRequest();
  readonly #branches: RemoteBranch[] = [];
  readonly #forget: () => void;
  readonly #progressTeller: ProgressTeller;
  #isDisposed = false;

  /** @param forget - Called once the session is disposed. */
  constructor({ host, prompt, sampling, account }: RemoteSessionParts, options: SessionOptions, forget: (session: RemoteSession) => void) {
    this.host = host;
    this.prompt = prompt;
    this.sampling = sampling;
    this.clock = options.clock ?? systemClock;
    this.seed = options.seed ?? 0;
    this.topLogprobs = options.topLogprobs ?? 0;
    this.account = account;
    this.#progressTeller = new ProgressTeller(
      options,
      () => this.clock.now(),
      () => this.#branches.flatMap((branch) => branch.takeProgress() ?? []),
    );
    this.#forget = () => forget(this);
  }

  get promptTokens(): number {
    return this.account.promptTokens;
  }

  /** Known once one text has shown it. */
  get opensThought(): boolean {
    return this.host.opensThought;
  }

  branch(count: number, options: BranchOptions = {}): Branch[] {
    requireBranchOptions(count, options);
    const sampling = resolveSampling(options.sampling, this.sampling);
    requireSupportedSampling(this.host.dialect, sampling);
    return Array.from({ length: count }, () => this.#addBranch(this.#branches.length, { text: '', tokenCount: 0, sampling }));
  }

  usage(): EngineUsage {
    return this.account.usage(Math.max(0, ...this.#branches.map(({ sampledTokens }) => sampledTokens)));
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const branch of this.#branches) branch.abort();
    this.#forget();
  }

  /** @internal The engine has been disposed. */
  fail(error: Error): void {
    for (const branch of this.#branches) branch.cut({ error });
  }

  /** @internal Called by a branch. */
  fork(parent: RemoteBranch, ordinal: number): Branch {
    return this.#addBranch(forkStream(parent.stream, ordinal), parent);
  }

  /** @internal Called by a branch. */
  countForced(text: string): Promise<number> {
    return this.host.countForced(text, this.clock);
  }

  /** @internal Called by a branch whenever something came. */
  reportProgress(): void {
    this.#progressTeller.tell();
  }

  #addBranch(stream: number, start: Pick<RemoteBranch, 'text' | 'tokenCount' | 'sampling'>): RemoteBranch {
    this.host.requireOpen();
    if (this.#isDisposed) throw new DisposedError('session');
    const branch = new RemoteBranch(this, this.#branches.length, stream, start);
    this.#branches.push(branch);
    return branch;
  }
}

/** One continuation of a prompt on a server: its text, which every request sends again. */
export class RemoteBranch implements Branch {
  readonly number: number;
  /** Which seeds the branch sends. */
  readonly stream: number;
  readonly sampling: Sampling;
  readonly #session: RemoteSession;
  #text: string;
  #tokenCount: number;
  #sampledTokens = 0;
  #toldTokens: number;
  /** Characters of thoughts. */
  #toldReasoning = 0;
  #reasoning = '';
  #ended: Branch['ended'];
  #forkCount = 0;
  #open: { readonly cut: (cut: Cut) => void; readonly writing: Writing } | undefined;
  #isForcing = false;

  constructor(session: RemoteSession, number: number, stream: number, { text, tokenCount, sampling }: Pick<RemoteBranch, 'text' | 'tokenCount' | 'sampling'>) {
    this.#session = session;
    this.number = number;
    this.stream = stream;
    this.sampling = sampling;
    this.#text = text;
    this.#tokenCount = tokenCount;
    this.#toldTokens = tokenCount;
  }

  get text(): string {
    return this.#text;
  }

  get tokenCount(): number {
    return this.#tokenCount;
  }

  /** Tokens the server sampled for this branch. */
  get sampledTokens(): number {
    return this.#sampledTokens;
  }

  get ended(): Branch['ended'] {
    return this.#ended;
  }

  /** Where an open call stands, where it has written something since this was last asked. */
  takeProgress(): BranchProgress | undefined {
    const writing = this.#open?.writing;
    const tokenCount = this.#tokenCount + (writing?.tokenCount ?? 0);
    const reasoning = this.#reasoning + (writing?.reasoning ?? '');
    if (!writing || (tokenCount <= this.#toldTokens && reasoning.length <= this.#toldReasoning)) return undefined;
    this.#toldTokens = tokenCount;
    this.#toldReasoning = reasoning.length;
    return { branch: this.number, tokenCount, text: this.#text + writing.text, ...(reasoning !== '' && { reasoning }) };
  }

  async advance(options: AdvanceOptions = {}): Promise<Segment> {
    this.#session.host.requireOpen();
    requireAdvanceOptions(options, this.#session.clock.now());
    this.#requireResting('advance');
    options.signal?.throwIfAborted();
    const { clock, topLogprobs, account } = this.#session;
    const startedAt = clock.now();
    const { stop = [], tokens = Infinity } = options.until ?? {};
    const writing = new Writing({ stop, isStopSent: this.#session.host.sendsStop, tokens });
    const finish = await this.#finishOf(writing, options);
    const written = writing.written(topLogprobs);
    this.#text += written.text;
    this.#reasoning += written.reasoning ?? '';
    this.#tokenCount += written.tokenCount;
    this.#sampledTokens += written.tokenCount;
    if (finish === 'end' || finish === 'context' || finish === 'aborted') this.#ended = finish;
    account.keep(writing);
    const { stop: met, ...fields } = written;
    return { ...fields, finish, ...(finish === 'stop' && met !== undefined && { stop: met }), startedAt, endedAt: clock.now() };
  }

  fork(): Branch {
    this.#requireResting('fork');
    return this.#session.fork(this, this.#forkCount++);
  }

  async force(text: string): Promise<void> {
    this.#session.host.requireOpen();
    this.#requireResting('force');
    if (text === '') return;
    this.#isForcing = true;
    try {
      const tokens = await this.#session.countForced(text);
      this.#text += text;
      this.#tokenCount += tokens;
      this.#session.account.addForced(tokens);
    } finally {
      this.#isForcing = false;
    }
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = 'aborted';
    this.cut({ finish: 'aborted' });
  }

  /** Ends an open call. */
  cut(cut: Cut): void {
    this.#open?.cut(cut);
  }

  /** Runs the requests of one call until a boundary, or until something else ends it. */
  async #finishOf(writing: Writing, options: AdvanceOptions): Promise<Segment['finish']> {
    const { clock, account } = this.#session;
    const { signal } = options;
    const endsAt = this.#endOf(options);
    if (clock.now() >= endsAt()) return 'deadline';
    const ending = new AbortScope();
    let forget: (() => void) | undefined;
    const alarm = new MovingAlarm(clock, endsAt);
    const cut = new Promise<Cut>((resolve) => {
      this.#open = { cut: resolve, writing };
      forget = signal && onAbort(signal, () => resolve({ error: signal.reason }));
      void alarm.wait().then((isOver) => isOver && resolve({ finish: 'deadline' }));
    });
    try {
      const onToken = (): void => alarm.move();
      const work = writeSegment(this.#session, this, writing, { ...options, endsAt, onToken, ending: ending.signal });
      const outcome = await Promise.race([work, cut]);
      if (typeof outcome === 'string') return outcome;
      if ('error' in outcome) throw outcome.error;
      return outcome.finish;
    } catch (error) {
      account.discard(writing);
      throw error;
    } finally {
      forget?.();
      alarm.stop();
      this.#open = undefined;
      ending.end();
      writing.settleRequest();
    }
  }

  /**
   * When a call ends: what is kept in reserve is known better with every token, not when the call begins, on a new engine not at
   * all. More than half of the call's time it never is.
   */
  #endOf({ deadlineAt = Infinity, reserveSteps = 0 }: AdvanceOptions): () => number {
    if (reserveSteps === 0 || !Number.isFinite(deadlineAt)) return () => deadlineAt;
    const { clock, host } = this.#session;
    const mostMs = (deadlineAt - clock.now()) / 2;
    return () => deadlineAt - Math.min(host.reserveMs(reserveSteps), mostMs);
  }

  #requireResting(verb: string): void {
    requireResting(verb, { number: this.number, ended: this.#ended, isAdvancing: this.#open !== undefined || this.#isForcing });
  }
}

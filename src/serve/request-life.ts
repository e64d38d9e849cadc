import type { Clock } from '../contracts/clock.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import { onAbort } from '../runtime/on-abort.ts';
import { ApiError, toApiError } from './api-error.ts';
import type { Completion } from './completion.ts';
import type { CompletionTask, Endpoint } from './completion-task.ts';
import type { RequestOutcome, RequestRecord } from './metrics.ts';
import type { ReplyTiming } from './reply-body.ts';

export interface RequestLifeOptions {
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  /** Time on the clock at which it arrived. */
  readonly startedAt: number;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Called once. */
  readonly onEnd: (record: RequestRecord) => void;
}

/** One request from its arrival to the end of its reply: its signal, its turn, its record. */
export class RequestLife {
  readonly id: string;
  /** Time on the clock. */
  readonly startedAt: number;
  readonly #options: RequestLifeOptions;
  readonly #scope = new AbortScope();
  readonly #forgetClient: () => void;
  #isEnded = false;
  #task: CompletionTask | undefined;
  #release: (() => void) | undefined;
  #understoodAt: number | undefined;
  #turnAt: number | undefined;

  constructor(options: RequestLifeOptions) {
    this.id = options.id;
    this.#options = options;
    this.startedAt = options.startedAt;
    const { signal } = options;
    this.#forgetClient = onAbort(signal, () => this.abort(signal.reason));
  }

  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  abort(reason: unknown): void {
    this.#scope.end(reason);
  }

  /** Its body has been read; from now on it waits for its turn. */
  understand(task: CompletionTask): void {
    this.#task = task;
    this.#understoodAt = this.#options.clock.now();
  }

  /** The turn, to be given back. */
  set release(release: () => void) {
    this.#turnAt = this.#options.clock.now();
    this.#release = release;
  }

  giveBack(): void {
    this.#release?.();
  }

  timing(): ReplyTiming {
    const now = this.#options.clock.now();
    return { queuedMs: this.#understoodAt === undefined ? 0 : (this.#turnAt ?? now) - this.#understoodAt, totalMs: now - this.startedAt };
  }

  end({ completion }: { readonly completion: Completion }): void {
    this.#finish(completion.report.stopReason === 'deadline' ? 'deadline' : 'completed', 200, completion, undefined);
  }

  /** @returns what the client is told, if it is still there. */
  fail(error: unknown): ApiError {
    const { signal } = this.#scope;
    // An abort by the server itself has an error for the client as its reason; any other is the client's.
    const isGone = signal.aborted && !(signal.reason instanceof ApiError);
    const told = isGone
      ? new ApiError(499, 'client_closed_request', 'The client closed the connection.', { cause: error })
      : toApiError(signal.aborted ? signal.reason : error);
    this.#finish(told.code === 'client_closed_request' ? 'aborted' : told.code, told.status, undefined, told.cause ?? told);
    return told;
  }

  #finish(outcome: RequestOutcome, status: number, completion: Completion | undefined, error: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    // The signal itself is left alone: an abort after the end would reach listeners that are still there.
    this.#forgetClient();
    this.giveBack();
    const task = this.#task;
    const { totalMs, queuedMs } = this.timing();
    const deadlineMs = task?.deadlineMs ?? Infinity;
    this.#options.onEnd({
      id: this.id,
      endpoint: this.#options.endpoint,
      model: task?.modelId,
      strategy: task?.strategy.name,
      isStreamed: task?.isStreamed ?? false,
      outcome,
      status,
      totalMs,
      queuedMs,
      deadlineMs,
      isMiss: outcome === 'deadline_exceeded' || outcome === 'queue_timeout' || ((outcome === 'completed' || outcome === 'deadline') && totalMs > deadlineMs),
      usage: completion?.usage,
      warnings: completion?.report.warnings ?? [],
      error,
    });
  }
}

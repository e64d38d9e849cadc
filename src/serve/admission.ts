import type { Clock } from '../contracts/clock.ts';
import { ApiError } from './api-error.ts';
import type { ServiceTimes } from './service-times.ts';

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly times: ServiceTimes;
  /** Requests worked on at once. */
  readonly maxRunning: number;
  /** Requests that may wait. */
  readonly maxQueued: number;
  /** Told whenever one of the numbers has changed. */
  readonly onLoad: (load: Load) => void;
}

export interface Load {
  readonly queued: number;
  readonly running: number;
}

/** A request before the gate. */
export interface Ticket {
  /** What work it is, to the service times. */
  readonly kind: string;
  /** Time on the clock. */
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
}

interface Running extends Ticket {
  readonly startedAt: number;
}

interface Queued extends Ticket {
  /** Gives it its turn, or sends it away where that would be too late. */
  readonly call: () => void;
}

/** The gate before the models: so many at once, so many waiting in order, and none that would wait in vain. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #running = new Set<Running>();
  readonly #queue: Queued[] = [];
  #idle: (() => void)[] = [];
  #isClosed = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get load(): Load {
    return { queued: this.#queue.length, running: this.#running.size };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Waits for a turn.
   *
   * @returns what gives the turn back; safe to call twice.
   * @throws {ApiError} where there is no room, or the deadline cannot be met, as soon as that is known.
   * @throws the signal's reason when it is aborted.
   */
  async admit(ticket: Ticket): Promise<() => void> {
    ticket.signal.throwIfAborted();
    if (this.#isClosed) throw new ApiError(503, 'shutting_down', 'The server is shutting down and takes no further requests.', { retryAfterMs: 1000 });
    this.#refuseHopeless(ticket);
    return this.#isBusy() ? this.#wait(ticket) : this.#start(ticket);
  }

  /** Lets nobody in any more; those who wait keep their turns. */
  close(): void {
    this.#isClosed = true;
  }

  /** Resolves once nobody waits or works. */
  async idle(): Promise<void> {
    if (this.#running.size === 0 && this.#queue.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Milliseconds until a request of now would have its turn, if everything takes as long as it did of late. */
  expectedWaitMs(): number {
    const { clock, times, maxRunning } = this.#options;
    const now = clock.now();
    const freeAt = [...this.#running].map(({ kind, startedAt, deadlineAt }) =>
      Math.max(now, Math.min(now + times.remainingMs(kind, now - startedAt), deadlineAt)),
    );
    while (freeAt.length < maxRunning) freeAt.push(now);
    for (const { kind, deadlineAt } of this.#queue) {
      const slot = freeAt.indexOf(Math.min(...freeAt));
      freeAt[slot] = Math.max(freeAt[slot]!, Math.min(freeAt[slot]! + times.typicalMs(kind), deadlineAt));
    }
    return Math.min(...freeAt) - now;
  }

  #refuseHopeless({ kind, deadlineAt }: Ticket): void {
    const { clock, times, maxQueued } = this.#options;
    const waitMs = this.expectedWaitMs();
    if (this.#isBusy() && this.#queue.length >= maxQueued) {
      throw new ApiError(503, 'queue_full', `${this.#queue.length} requests wait already.`, { retryAfterMs: Math.max(waitMs, 100) });
    }
    const leastMs = times.leastMs(kind);
    const leftMs = deadlineAt - clock.now();
    if (waitMs + leastMs <= leftMs) return;
    throw unattainable(leftMs, leastMs, waitMs);
  }

  #isBusy(): boolean {
    return this.#running.size >= this.#options.maxRunning || this.#queue.length > 0;
  }

  /** Resolves when the turn has come; rejects as soon as it cannot come in time. */
  #wait(ticket: Ticket): Promise<() => void> {
    const { clock, times } = this.#options;
    const { signal, kind, deadlineAt } = ticket;
    const latestStart = deadlineAt - times.leastMs(kind);
    return new Promise((resolve, reject) => {
      const left = new AbortController();
      const leave = (): void => {
        left.abort();
        const place = this.#queue.indexOf(queued);
        if (place >= 0) this.#queue.splice(place, 1);
        this.#tell();
      };
      const giveUp = (): void => {
        const waitMs = this.expectedWaitMs();
        leave();
        reject(unattainable(deadlineAt - clock.now(), times.leastMs(kind), waitMs));
      };
      const start = (): void => {
        // Starts before it leaves, so that the place is never seen empty.
        resolve(this.#start(ticket));
        leave();
      };
      const queued: Queued = { ...ticket, call: () => (clock.now() > latestStart ? giveUp() : start()) };
      const onAbort = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { signal: left.signal });
      this.#queue.push(queued);
      this.#tell();
      if (latestStart < Infinity) void waitUntil(clock, latestStart, left.signal).then((isTime) => isTime && giveUp());
    });
  }

  #start(ticket: Ticket): () => void {
    const running: Running = { ...ticket, startedAt: this.#options.clock.now() };
    this.#running.add(running);
    this.#tell();
    return () => {
      if (!this.#running.delete(running)) return;
      while (this.#queue.length > 0 && this.#running.size < this.#options.maxRunning) this.#queue[0]!.call();
      this.#tell();
    };
  }

  #tell(): void {
    this.#options.onLoad(this.load);
    if (this.#running.size > 0 || this.#queue.length > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}

function unattainable(leftMs: number, leastMs: number, waitMs: number): ApiError {
  const [left, least, wait] = [leftMs, leastMs, waitMs].map((milliseconds) => Math.max(0, Math.round(milliseconds)));
  const isTooShort = leastMs > leftMs;
  return new ApiError(
    503,
    'deadline_unattainable',
    isTooShort
      ? `${left} ms are left until the deadline; nine in ten such requests took ${least} ms or more of late. Allow more time.`
      : `${left} ms are left until the deadline; ${wait} ms of waiting and ${least} ms of work or more are expected.`,
    { param: 'deadline_ms', retryAfterMs: Math.max(waitMs + leastMs - leftMs, 1), ...(isTooShort && { shouldRetry: false }) },
  );
}

/** Whether the time came before the signal; never where the clock cannot wait. */
async function waitUntil(clock: Clock, time: number, signal: AbortSignal): Promise<boolean> {
  if (!clock.wait) return false;
  while (clock.now() < time && !signal.aborted) await clock.wait(time - clock.now(), signal);
  return !signal.aborted;
}

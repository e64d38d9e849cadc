import type { Clock } from '../contracts/clock.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import { onAbort } from '../runtime/on-abort.ts';
import { waitUntil } from '../runtime/wait-until.ts';
import { ApiError } from './api-error.ts';
import type { ServiceTimes, Work } from './service-times.ts';

/** Nobody is told to stay away for longer because of others: they may not come back. */
const LONGEST_COME_BACK_MS = 10_000;

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
  readonly work: Work;
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
  /** Time on the clock at which the last of those turned away was told to come back. */
  #comesBackAt = -Infinity;
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
    const freeAt = this.#expectedEnds(now);
    while (freeAt.length < maxRunning) freeAt.push(now);
    for (const { work, deadlineAt } of this.#queue) {
      const slot = freeAt.indexOf(Math.min(...freeAt));
      freeAt[slot] = Math.max(freeAt[slot]!, Math.min(freeAt[slot]! + times.plannedMs(work), deadlineAt));
    }
    return Math.min(...freeAt) - now;
  }

  /** Times on the clock at which those at work are likely to be done. */
  #expectedEnds(now: number): number[] {
    const { times } = this.#options;
    return [...this.#running].map(({ work, startedAt, deadlineAt }) => Math.max(now, Math.min(now + times.remainingMs(work, now - startedAt), deadlineAt)));
  }

  #refuseHopeless({ work, deadlineAt }: Ticket): void {
    const { clock, times, maxQueued } = this.#options;
    const waitMs = this.expectedWaitMs();
    if (this.#isBusy() && this.#queue.length >= maxQueued) {
      throw new ApiError(503, 'queue_full', `${this.#queue.length} requests wait already.`, { retryAfterMs: this.#comeBackMs(work, Math.max(waitMs, 100)) });
    }
    const leftMs = deadlineAt - clock.now();
    const leastMs = times.leastMs(work);
    // Who can start at once may try with little time. Who would have to wait is not taken in for half an answer.
    const neededMs = this.#isBusy() ? times.neededMs(work) : leastMs;
    if (waitMs + neededMs <= leftMs) return;
    if (leastMs > leftMs) throw tooShort(leftMs, leastMs, waitMs);
    // Nothing changes before somebody is done. Once nobody has to wait, less time than is planned for is enough for a try.
    const changeMs = Math.min(...this.#expectedEnds(clock.now())) - clock.now();
    const retryAfterMs = this.#comeBackMs(work, Math.max(Math.min(waitMs + neededMs - leftMs, waitMs), changeMs, 1));
    const [left, wait, needed] = [leftMs, waitMs, neededMs].map(rounded);
    const message = `${left} ms are left until the deadline; ${wait} ms of waiting and ${needed} ms of work are expected.`;
    throw new ApiError(503, 'deadline_unattainable', message, { param: 'deadline_ms', retryAfterMs });
  }

  /** Those turned away come back one by one, as places become free: all at once, they would be turned away again. */
  #comeBackMs(work: Work, leastMs: number): number {
    const { clock, times, maxRunning } = this.#options;
    const now = clock.now();
    const next = Math.max(now + leastMs, this.#comesBackAt + times.plannedMs(work) / maxRunning);
    this.#comesBackAt = Math.min(next, now + Math.max(leastMs, LONGEST_COME_BACK_MS));
    return this.#comesBackAt - now;
  }

  #isBusy(): boolean {
    return this.#running.size >= this.#options.maxRunning || this.#queue.length > 0;
  }

  /** Resolves when the turn has come; rejects as soon as it cannot come in time. */
  #wait(ticket: Ticket): Promise<() => void> {
    const { clock, times } = this.#options;
    const { signal, work, deadlineAt } = ticket;
    const latestStart = deadlineAt - times.leastMs(work);
    return new Promise((resolve, reject) => {
      const left = new AbortScope();
      const leave = (): void => {
        left.end();
        forget();
        const place = this.#queue.indexOf(queued);
        if (place >= 0) this.#queue.splice(place, 1);
        this.#tell();
      };
      const giveUp = (): void => {
        const waitMs = this.expectedWaitMs();
        leave();
        const message = `${this.#queue.length + this.#running.size} others took longer than expected, and no time was left for work.`;
        reject(new ApiError(503, 'queue_timeout', message, { param: 'deadline_ms', retryAfterMs: Math.max(waitMs, 1) }));
      };
      const start = (): void => {
        // Starts before it leaves, so that the place is never seen empty.
        resolve(this.#start(ticket));
        leave();
      };
      const queued: Queued = { ...ticket, call: () => (clock.now() > latestStart ? giveUp() : start()) };
      const forget = onAbort(signal, () => {
        leave();
        reject(signal.reason as Error);
      });
      this.#queue.push(queued);
      this.#tell();
      void waitUntil(clock, latestStart, left.signal).then((isTime) => isTime && giveUp());
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

function tooShort(leftMs: number, leastMs: number, waitMs: number): ApiError {
  const message = `${rounded(leftMs)} ms are left until the deadline; nine in ten such requests took ${rounded(leastMs)} ms or more of late. Allow more time.`;
  return new ApiError(503, 'deadline_unattainable', message, { param: 'deadline_ms', retryAfterMs: waitMs + leastMs - leftMs, shouldRetry: false });
}

function rounded(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds));
}

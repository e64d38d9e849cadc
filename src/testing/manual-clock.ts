import type { Clock } from '../contracts/clock.ts';

/** A clock that moves only when told to: by a test, or by a scripted model for each step it takes. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #waiting = new Set<{ readonly until: number; readonly resolve: () => void }>();

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  advance(milliseconds: number): void {
    this.#nowMs += milliseconds;
    for (const { until, resolve } of this.#waiting) if (until <= this.#nowMs) resolve();
  }

  wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || milliseconds <= 0) return resolve();
      const waiting = { until: this.#nowMs + milliseconds, resolve: done };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', done);
      const waitings = this.#waiting;
      function done(): void {
        waitings.delete(waiting);
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}

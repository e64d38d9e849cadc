import type { Clock } from 'latency-tts';

interface Waiting {
  readonly until: number;
  readonly resolve: () => void;
}

/**
 * Time that stands still while anything computes and leaps to the next moment that something waits for. Unlike the library's
 * simulated clock it can also be held for work that leaves the turn, such as a pass of a real model.
 */
export class SimulationClock implements Clock {
  #nowMs = 0;
  #waiting: Waiting[] = [];
  #held = 0;
  #isScheduled = false;

  now(): number {
    return this.#nowMs;
  }

  wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        signal?.removeEventListener('abort', settle);
        resolve();
      };
      const waiting: Waiting = { until: this.#nowMs + milliseconds, resolve: settle };
      this.#waiting.push(waiting);
      signal?.addEventListener('abort', settle);
      this.#schedule();
    });
  }

  /** Work that takes no simulated time, whatever turns of the event loop it needs. */
  async hold<Result>(work: Promise<Result>): Promise<Result> {
    this.#held++;
    try {
      return await work;
    } finally {
      this.#held--;
      this.#schedule();
    }
  }

  /** Everything that goes on at this moment does so before the next turn. */
  #schedule(): void {
    if (this.#isScheduled || this.#held > 0 || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#held > 0 || this.#waiting.length === 0) return;
      this.#nowMs = Math.min(...this.#waiting.map(({ until }) => until));
      for (const { until, resolve } of [...this.#waiting]) if (until <= this.#nowMs) resolve();
      this.#schedule();
    });
  }
}

import type { Clock } from '../contracts/clock.ts';
import { onAbort } from './on-abort.ts';

interface Waiting {
  readonly until: number;
  resolve(): void;
}

/**
 * A clock for simulations: time stands still while anything computes and leaps to the next moment that something waits for.
 * What runs on it must wait for nothing but this clock and other promises of the simulation.
 */
export class SimulatedClock implements Clock {
  #nowMs = 0;
  readonly #waiting = new Set<Waiting>();
  #isLeaping = false;

  now(): number {
    return this.#nowMs;
  }

  wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#waiting.delete(waiting);
        forget?.();
        resolve();
      };
      const waiting: Waiting = { until: this.#nowMs + milliseconds, resolve: settle };
      this.#waiting.add(waiting);
      const forget = signal && onAbort(signal, settle);
      if (!this.#isLeaping) void this.#leap();
    });
  }

  /** Moves on to the next moment whenever nothing is left to do in the present one. */
  async #leap(): Promise<void> {
    this.#isLeaping = true;
    const turns = turnsOfTheLoop();
    try {
      for (;;) {
        // Everything that goes on at this moment does so before the next turn of the event loop.
        await turns.next();
        if (this.#waiting.size === 0) return;
        let until = Infinity;
        for (const waiting of this.#waiting) until = Math.min(until, waiting.until);
        this.#nowMs = until;
        for (const waiting of [...this.#waiting]) if (waiting.until === until) waiting.resolve();
      }
    } finally {
      this.#isLeaping = false;
      turns.end();
    }
  }
}

interface Turns {
  next(): Promise<void>;
  end(): void;
}

/** Turns of the event loop, by the fastest means that there is. */
function turnsOfTheLoop(): Turns {
  if (typeof globalThis.setImmediate !== 'function') return new ChannelTurns();
  return { next: () => new Promise((resolve) => globalThis.setImmediate(resolve)), end: () => undefined };
}

/** Where there is no `setImmediate`: in browsers. */
class ChannelTurns implements Turns {
  readonly #channel = new MessageChannel();
  #resolve: () => void = () => undefined;

  constructor() {
    this.#channel.port1.onmessage = () => this.#resolve();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#channel.port2.postMessage(undefined);
    });
  }

  end(): void {
    this.#channel.port1.close();
  }
}

import type { Clock } from '../contracts/clock.ts';
import { quantile } from '../maths/quantile.ts';
import { AbortScope } from '../runtime/abort-scope.ts';

const INTERVAL_MS = 20;
const KEPT = 64;
/** Share of delays that `ms` covers. */
const COVERED = 0.95;

/**
 * How late things happen here. A model that computes in this thread, or a busy machine, keeps requests that have arrived from
 * being seen: their time runs, and nothing on this side tells. Timers are kept waiting alike, so they are looked at instead.
 */
export class LoopLag {
  readonly #clock: Clock;
  readonly #delays: number[] = [];
  #watching: AbortScope | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks from now on, until `rest`. Safe to call again. */
  watch(): void {
    if (this.#watching || !this.#clock.wait) return;
    this.#watching = new AbortScope();
    void this.#look(this.#clock, this.#watching.signal);
  }

  rest(): void {
    this.#watching?.end();
    this.#watching = undefined;
  }

  /** Milliseconds that nineteen in twenty delays of late stayed below; 0 before any. */
  get ms(): number {
    return this.#delays.length > 0 ? quantile(this.#delays, COVERED) : 0;
  }

  async #look(clock: Clock, signal: AbortSignal): Promise<void> {
    for (;;) {
      const dueAt = clock.now() + INTERVAL_MS;
      await clock.wait!(INTERVAL_MS, signal);
      if (signal.aborted) return;
      this.#delays.push(Math.max(0, clock.now() - dueAt));
      if (this.#delays.length > KEPT) this.#delays.shift();
    }
  }
}

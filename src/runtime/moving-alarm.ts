import type { Clock } from '../contracts/clock.ts';
import { AbortScope } from './abort-scope.ts';
import { waitUntil } from './wait-until.ts';

/** Waits for a time that may move, either way, while it is waited for. */
export class MovingAlarm {
  readonly #clock: Clock;
  readonly #time: () => number;
  #wait = new AbortScope();
  #setFor = Infinity;
  #isStopped = false;

  /** @param time - On the clock, as far as is known at the moment. */
  constructor(clock: Clock, time: () => number) {
    this.#clock = clock;
    this.#time = time;
  }

  /** Whether the time came before `stop`. May be called once; stays open where the clock cannot wait, and for Infinity. */
  async wait(): Promise<boolean> {
    while (!this.#isStopped) {
      this.#setFor = this.#time();
      if (this.#clock.now() >= this.#setFor) return true;
      this.#wait = new AbortScope();
      await waitUntil(this.#clock, this.#setFor, this.#wait.signal);
    }
    return false;
  }

  /** To be called when the time may have moved. One that has moved on is seen when the old one has come. */
  move(): void {
    if (this.#time() < this.#setFor) this.#wait.end();
  }

  /** Ends the waiting. */
  stop(): void {
    this.#isStopped = true;
    this.#wait.end();
  }
}

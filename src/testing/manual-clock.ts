import type { Clock } from '../contracts/clock.ts';

/** A clock that moves only when told to: by a test, or by a scripted model for each step it takes. */
export class ManualClock implements Clock {
  #nowMs: number;

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  advance(milliseconds: number): void {
    this.#nowMs += milliseconds;
  }
}

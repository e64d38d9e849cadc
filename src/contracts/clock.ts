/** Where time comes from. Everything in the library that reads or waits for time takes one. */
export interface Clock {
  /** Milliseconds on a monotonic scale; only differences and comparisons mean something. */
  now(): number;
  /**
   * Resolves after some milliseconds, or as soon as the signal is aborted. Optional: without it a run cannot end its wait for
   * a scorer that ignores its deadline.
   */
  wait?(milliseconds: number, signal: AbortSignal): Promise<void>;
}

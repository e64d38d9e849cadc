/** Where time comes from. Everything in the library that reads or waits for time takes one. */
export interface Clock {
  /** Milliseconds on a monotonic scale; only differences and comparisons mean something. */
  now(): number;
}

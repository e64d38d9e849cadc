/**
 * Parts of an engine whose passes are timed. `target`: decoding, and verifying drafts. `draft`: the draft model. `prefill`:
 * reading a prompt, chunk by chunk. `scorer`: a reward model over a batch of texts.
 */
export type ProfiledPart = 'target' | 'draft' | 'prefill' | 'scorer';

/** One pass of a model. */
export interface PassShape {
  /** Sequences in the batch. At least 1. */
  readonly rows: number;
  /** Tokens each row brings. At least 1: decoding brings 1, verifying a draft of k tokens k + 1. */
  readonly newTokens: number;
  /** Tokens each row holds before the pass; the mean where rows differ. */
  readonly contextTokens: number;
}

/** Predicts how long an engine's passes take on a machine, whether measured there or computed for hardware not at hand. */
export interface LatencyProfile {
  /** Model, device and origin in one line, for messages. */
  readonly label: string;
  /** Parts the engine has. `target` and `prefill` always. */
  readonly parts: readonly ProfiledPart[];
  /**
   * Milliseconds of one pass, the engine's own work between passes included: the median. Does not fall as any field of the
   * shape grows.
   *
   * @throws {InvalidOptionError} for a part the profile does not have.
   */
  passMs(part: ProfiledPart, shape: PassShape): number;
  /**
   * One pass's time over its median at a probability in (0, 1): 1 at 0.5, above 1 beyond it. What makes single passes vary,
   * not what a run's length adds.
   */
  spread(part: ProfiledPart, probability: number): number;
  /** Milliseconds that a request costs outside of passes, once: template, tokens, messages between threads. Median. */
  readonly requestMs: number;
  /** What fits, where it is known. */
  readonly memory?: MemoryBudget;
}

/** Memory an engine's branches are limited by. */
export interface MemoryBudget {
  /** Bytes there are for weights and caches together. */
  readonly availableBytes: number;
  readonly targetWeightBytes: number;
  /** Cache of one token of one branch. */
  readonly targetBytesPerToken: number;
  readonly draftWeightBytes: number;
  readonly draftBytesPerToken: number;
}

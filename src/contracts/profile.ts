/**
 * Parts of an engine whose passes are timed. `target`: decoding, and verifying drafts. `draft`: the draft model. `prefill`:
 * reading a prompt, chunk by chunk; `draft-prefill`: the same by the draft model. `scorer`: a reward model over a batch of texts.
 */
export type ProfiledPart = 'target' | 'draft' | 'prefill' | 'draft-prefill' | 'scorer';

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
  /** Milliseconds that a request costs outside of passes, once: template, tokens, messages between threads, a machine that has to be woken. */
  readonly requestMs: number;
  /** Further milliseconds for each branch. @default 0 */
  readonly branchMs?: number;
  /** Further milliseconds of a request that drafts, once. @default 0 */
  readonly draftRequestMs?: number;
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

/** What a profile was measured on, to be told from another. */
export interface ModelIdentity {
  readonly name: string;
  /** Equal for models that go on alike behind a fixed text; another one under the same name, where it differs. */
  readonly fingerprint?: string;
  readonly vocabularySize?: number;
  readonly contextTokens?: number;
  /** How it runs, as its loader was told: device or providers, precision, threads. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** The largest passes of one part that can be timed. */
export interface MeteredPart {
  readonly part: Exclude<ProfiledPart, 'scorer'>;
  readonly mostRows: number;
  readonly mostNewTokens: number;
  readonly mostContextTokens: number;
}

export interface EngineAnatomy {
  readonly target: ModelIdentity;
  readonly draft?: ModelIdentity;
  /** What `measure` can time. `target` and `prefill` always. */
  readonly parts: readonly MeteredPart[];
}

export interface MeasureOptions {
  /** Timed passes of each shape; the shapes take turns. Whole number ≥ 1. */
  readonly repetitions: number;
  /** Passes of each shape before those. Whole number ≥ 0. */
  readonly warmUp: number;
  /** Milliseconds after which no further repetition starts; every shape is timed once all the same. @default Infinity */
  readonly budgetMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Times single passes of an engine: what its decoding would take for them, sampling and its own work included. Passes of
 * open sessions go on in between.
 */
export interface PassMeter {
  anatomy(options?: { readonly signal?: AbortSignal }): Promise<EngineAnatomy>;
  /**
   * @param shapes - With whole numbers, within the limits that `anatomy` gives.
   * @returns `[shapes][1 to repetitions]` milliseconds.
   * @throws {InvalidOptionError | ModelError | DisposedError}
   * @throws the `signal`'s reason when it is aborted.
   */
  measure(part: MeteredPart['part'], shapes: readonly PassShape[], options: MeasureOptions): Promise<number[][]>;
}

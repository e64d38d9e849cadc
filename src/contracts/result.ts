import type { EngineUsage, Segment } from './engine.ts';

/**
 * What ended a run. `deadline`: it cut a branch, or left no time for one that was still wanted, whatever was decided after that.
 * `consensus`: pending branches could no longer change the answer. `completed`: everything planned was done.
 */
export type StopReason = 'completed' | 'consensus' | 'deadline';

export interface StrategyResult {
  /** Text of the chosen branch. */
  readonly text: string;
  /** The answer in it, or `undefined` when none was found in any branch. */
  readonly answer: string | undefined;
  /** Strategy's confidence in the answer, in [0, 1]; each strategy says what it measures. */
  readonly confidence: number;
  readonly stopReason: StopReason;
  readonly branches: readonly BranchReport[];
  readonly usage: EngineUsage;
  readonly timing: RunTiming;
  /** What its reader should know, a sentence each: branches that failed, scores that are missing. Empty when all went well. */
  readonly warnings: readonly string[];
  /** What listeners of `events` threw, in order. */
  readonly listenerErrors: readonly unknown[];
}

/** What became of one branch. */
export interface BranchReport {
  readonly branch: number;
  readonly text: string;
  /** Its thoughts, where a server keeps them apart from the text. */
  readonly reasoning?: string;
  readonly answer: string | undefined;
  /** Tokens of its text: sampled, forced, and taken over. */
  readonly tokenCount: number;
  /** Of these, appended by the strategy. */
  readonly forcedTokenCount: number;
  /** Of these, taken over from the branch it was forked off, which counts them as its own. Absent where it was not forked. */
  readonly inheritedTokenCount?: number;
  /** Mean natural-log probability of the sampled tokens; `undefined` when there is none. */
  readonly meanLogprob: number | undefined;
  /** How its last segment ended; `failed` carries `error`. */
  readonly finish: Segment['finish'] | 'failed';
  /** Whether the strategy cut it, at the deadline or at its token limit, and asked for the answer at once. */
  readonly isForced: boolean;
  readonly error?: unknown;
  /** Milliseconds since the start of the run. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface RunTiming {
  readonly totalMs: number;
  /** Until the prompt was read and branches could start. */
  readonly openMs: number;
  /** Infinity when there was none. */
  readonly deadlineMs: number;
}

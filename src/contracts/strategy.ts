import type { Clock } from './clock.ts';
import type { Engine, EngineUsage, Segment } from './engine.ts';
import type { RunEventTarget } from './event.ts';
import type { Prompt } from './prompt.ts';

/** A way of spending inference on one prompt. Holds no state between runs; one instance may run many at once. */
export interface Strategy<Result extends StrategyResult = StrategyResult> {
  readonly name: string;
  /**
   * Works until it is sure, done, or out of time, and returns the best answer it has.
   *
   * @throws {InvalidOptionError} before any work starts.
   * @throws {NoCandidateError} when the run ended with nothing to return.
   * @throws the `signal`'s reason when it is aborted.
   */
  run(request: StrategyRequest): Promise<Result>;
}

/** The occasion of a run; policy lives in the strategy's constructor. */
export interface StrategyRequest {
  readonly engine: Engine;
  readonly prompt: Prompt;
  /** Milliseconds from the call to the answer, everything included. Positive. @default Infinity */
  readonly deadlineMs?: number;
  /** Fixes every random choice. @default 0 */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** Where the run reports what happens. A listener that throws does not end the run; see `StrategyResult.listenerErrors`. */
  readonly events?: RunEventTarget;
  /** @default the system clock */
  readonly clock?: Clock;
}

/** Why a run ended. `consensus`: pending branches could no longer change the answer. */
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
  /** What listeners of `events` threw, in order. */
  readonly listenerErrors: readonly unknown[];
}

/** What became of one branch. */
export interface BranchReport {
  readonly branch: number;
  readonly text: string;
  readonly answer: string | undefined;
  /** Sampled and forced tokens. */
  readonly tokenCount: number;
  /** Of these, appended by the strategy. */
  readonly forcedTokenCount: number;
  /** Mean natural-log probability of the sampled tokens; `undefined` when there is none. */
  readonly meanLogprob: number | undefined;
  /** How its last segment ended; `failed` carries `error`. */
  readonly finish: Segment['finish'] | 'failed';
  /** Whether the strategy cut it at the deadline and asked for the answer at once. */
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

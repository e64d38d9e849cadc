import type { Clock } from './clock.ts';
import type { Engine } from './engine.ts';
import type { RunEventTarget } from './event.ts';
import type { Prompt } from './prompt.ts';
import type { StrategyResult } from './result.ts';

/** A way of spending inference on one prompt. Holds no state between runs; one instance may run many at once. */
export interface Strategy<Result extends StrategyResult = StrategyResult> {
  readonly name: string;
  /** Whether a run has one branch and returns its text, which may then be shown while it grows. @default false */
  readonly isSingleBranch?: boolean;
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

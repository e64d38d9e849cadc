import type { Clock } from './clock.ts';
import type { Prompt } from './prompt.ts';

/** A text to be judged. */
export interface ScoredText {
  /** What follows the prompt. */
  readonly text: string;
  /** Whether the model ended the text; only then is its last step complete. */
  readonly isFinished: boolean;
}

export interface ScoreOptions {
  readonly signal?: AbortSignal;
  /** Time on `clock` by which the scores are needed; texts that no batch has reached by then stay without one. @default Infinity */
  readonly deadlineAt?: number;
  /** @default the system clock */
  readonly clock?: Clock;
  /** Called with what the scoring of a text failed with, once for each such text, which has no score then. Must not throw. */
  readonly onError?: (error: unknown, text: ScoredText) => void;
}

interface AnyScorer {
  readonly name: string;
  /**
   * Loads what is needed before the first call, and measures what scoring costs, so that `estimateMs` can tell. Optional:
   * `score` does the same, but for the measurement. Safe to call twice.
   *
   * @throws what a call would throw. @throws the `signal`'s reason when it is aborted.
   */
  ready?(options?: Pick<ScoreOptions, 'signal' | 'clock'>): Promise<void>;
  /** Milliseconds that scoring this many texts is likely to take, from what `ready` and calls have taken so far; `undefined` before any. */
  estimateMs?(texts: number): number | undefined;
  /**
   * Tells what is likely to be scored before long: texts so far of branches that still decode, or none as long as only the
   * prompt is known. A scorer that goes on from what it has read may read them while nothing is to be scored. A hint: it gives
   * no scores and throws nothing, and one that comes at a bad time is dropped. Missing where it would save nothing.
   */
  readonly readAhead?: (prompt: Prompt, texts: readonly string[]) => void;
  /** Frees the model. Safe to call twice. */
  dispose(): Promise<void>;
}

/** Judges whole texts: an outcome reward model, a verifier, a judge. */
export interface OutcomeScorer extends AnyScorer {
  readonly kind: 'outcome';
  /**
   * Scores texts, always in batches. Higher is better; each scorer says on what scale.
   *
   * @returns One score a text, in order; `undefined` where there was no time or scoring that text failed.
   * @throws the `signal`'s reason when it is aborted.
   */
  score(prompt: Prompt, texts: readonly ScoredText[], options?: ScoreOptions): Promise<(number | undefined)[]>;
}

/** A process reward model: judges solutions step by step. */
export interface StepScorer extends AnyScorer {
  readonly kind: 'step';
  /**
   * Scores every complete step of every text, always in batches.
   *
   * @returns `[texts][steps]`, each the probability in [0, 1] that the solution is right so far; `undefined` for a text there
   *   was no time for, or whose scoring failed.
   * @throws the `signal`'s reason when it is aborted.
   */
  score(prompt: Prompt, texts: readonly ScoredText[], options?: ScoreOptions): Promise<(readonly number[] | undefined)[]>;
}

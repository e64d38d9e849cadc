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
}

/** A process reward model: judges solutions step by step. */
export interface StepScorer {
  readonly name: string;
  /**
   * Scores every complete step of every text, always in batches.
   *
   * @returns `[texts][steps]`, each the probability in [0, 1] that the solution is right so far.
   * @throws the `signal`'s reason when it is aborted.
   */
  score(prompt: Prompt, texts: readonly ScoredText[], options?: ScoreOptions): Promise<number[][]>;
  /** Frees the model. Safe to call twice. */
  dispose(): Promise<void>;
}

/** A process reward model whose scores are a function of the text, at a cost on the run's virtual clock. */
import type { Prompt } from '../../src/contracts/prompt.ts';
import type { ScoredText, ScoreOptions, StepScorer } from '../../src/contracts/scorer.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';
import { hang } from './text-scorers.ts';

export interface ScriptedScorerOptions {
  /** Scores of the complete steps of a text; `undefined` leaves it without. */
  readonly steps: (text: ScoredText) => readonly number[] | undefined;
  /** Milliseconds of a call, by its texts. @default 0 */
  readonly costMs?: (texts: number) => number;
  /** What it says a call will take, if it says so. */
  readonly estimateMs?: number;
  /** Thrown in place of scores by the calls it is given for, counted from 0. */
  readonly fault?: (call: number) => Error | undefined;
  /** The call, counted from 0, that never answers, while time goes by. */
  readonly hangsAt?: number;
}

export class ScriptedStepScorer implements StepScorer {
  readonly name = 'scripted';
  readonly kind = 'step';
  /** The texts of every call. */
  readonly calls: (readonly ScoredText[])[] = [];
  readonly #options: ScriptedScorerOptions;

  constructor(options: ScriptedScorerOptions) {
    this.#options = options;
  }

  async score(_prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<(readonly number[] | undefined)[]> {
    const { steps, costMs = () => 0, fault, hangsAt } = this.#options;
    const { signal, clock, deadlineAt = Infinity } = options;
    const call = this.calls.push(texts) - 1;
    signal?.throwIfAborted();
    if (call === hangsAt) await hang(clock!, options);
    const cost = costMs(texts.length);
    if (clock && clock.now() + cost > deadlineAt) return texts.map(() => undefined);
    (clock as ManualClock | undefined)?.advance(cost);
    await Promise.resolve();
    signal?.throwIfAborted();
    const error = fault?.(call);
    if (error) throw error;
    return texts.map(steps);
  }

  estimateMs(): number | undefined {
    return this.#options.estimateMs;
  }

  async dispose(): Promise<void> {}
}

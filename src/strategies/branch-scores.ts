import type { Prompt } from '../contracts/prompt.ts';
import type { BranchReport } from '../contracts/result.ts';
import type { OutcomeScorer, StepScorer } from '../contracts/scorer.ts';
import { InvalidOptionError } from '../errors.ts';
import { aggregateSteps, type StepAggregation } from '../maths/aggregate-steps.ts';
import type { RunScope } from '../runtime/run-scope.ts';
import { ScoreQueue } from '../runtime/score-queue.ts';

/** How solutions are scored. */
export interface ScoringOptions {
  readonly scorer: OutcomeScorer | StepScorer;
  /** How the scores of steps become one. @default 'last' */
  readonly aggregation?: StepAggregation;
}

/** How many of the solutions that were to be scored have a score. */
export type ScoringCoverage = 'complete' | 'partial' | 'none';

export type ScoringPolicy = Required<ScoringOptions>;

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveScoring({ scorer, aggregation = 'last' }: ScoringOptions): ScoringPolicy {
  const kind: unknown = scorer?.kind;
  if (kind !== 'outcome' && kind !== 'step') throw new InvalidOptionError('scorer', 'an outcome or step scorer', scorer);
  aggregateSteps([1], aggregation);
  return { scorer, aggregation };
}

/** Scores of the branches of one run, as they come. */
export class BranchScores {
  /** Called when a score has come or is known not to come. */
  onScore: (() => void) | undefined;
  readonly #queue: ScoreQueue<number | readonly number[]>;
  readonly #aggregation: StepAggregation;
  /** By branch; `undefined` while there is none. */
  readonly #scores = new Map<number, number | undefined>();
  readonly #pending = new Set<number>();

  constructor(scope: RunScope, prompt: Prompt, { scorer, aggregation }: ScoringPolicy) {
    this.#queue = new ScoreQueue<number | readonly number[]>(scope, prompt, scorer);
    this.#aggregation = aggregation;
  }

  /** What calls of the scorer failed with. */
  get errors(): readonly unknown[] {
    return this.#queue.errors;
  }

  /** Has a branch scored. */
  add({ branch, text, finish }: BranchReport): void {
    this.#scores.set(branch, undefined);
    this.#pending.add(branch);
    void this.#queue.add({ text, isFinished: finish === 'end' }).then((score) => {
      const number = typeof score === 'object' ? aggregateSteps(score, this.#aggregation) : score;
      // A score that is no number would win or lose every comparison.
      if (Number.isFinite(number)) this.#scores.set(branch, number);
      this.#pending.delete(branch);
      this.onScore?.();
    });
  }

  of(branch: number): number | undefined {
    return this.#scores.get(branch);
  }

  isPending(branch: number): boolean {
    return this.#pending.has(branch);
  }

  coverage(): ScoringCoverage {
    const scored = [...this.#scores.values()].filter((score) => score !== undefined).length;
    if (scored === 0) return 'none';
    return scored === this.#scores.size ? 'complete' : 'partial';
  }

  /** The scores there are, by branch. */
  entries(): ReadonlyMap<number, number> {
    return new Map([...this.#scores].flatMap(([branch, score]) => (score === undefined ? [] : [[branch, score] as const])));
  }

  /** Waits for every score, at most until the deadline. @throws the run's abort reason. */
  async settle(): Promise<void> {
    await this.#queue.settle();
    // Scores that have just come are taken in behind this turn.
    await Promise.resolve();
  }

  /** Ends scoring. Safe to call twice. */
  close(): void {
    this.#queue.close();
  }
}

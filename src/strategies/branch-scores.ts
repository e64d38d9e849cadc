import * as v from 'valibot';
import type { Prompt } from '../contracts/prompt.ts';
import type { BranchReport } from '../contracts/result.ts';
import type { OutcomeScorer, StepScorer } from '../contracts/scorer.ts';
import { aggregateSteps, STEP_AGGREGATIONS, type StepAggregation } from '../maths/aggregate-steps.ts';
import { codeValue, oneOf, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import type { RunScope } from '../runtime/run-scope.ts';
import { ScoreQueue } from '../runtime/score-queue.ts';

/** How solutions are scored. */
export const scoringEntries = {
  /** Scores solutions. */
  scorer: scorerSchema(['outcome', 'step']),
  /** How the scores of steps become one. @default 'last' */
  aggregation: v.optional(oneOf(STEP_AGGREGATIONS), 'last'),
};

export interface ScoringOptions extends OptionsOf<typeof scoringEntries> {}

/** How many of the solutions that were to be scored have a score. */
export type ScoringCoverage = 'complete' | 'partial' | 'none';

export type ScoringPolicy = SettingsOf<typeof scoringEntries>;

/** A scorer of one of the kinds. */
/* @__NO_SIDE_EFFECTS__ */
export function scorerSchema<Kind extends (OutcomeScorer | StepScorer)['kind']>(
  kinds: readonly Kind[],
): v.GenericSchema<Extract<OutcomeScorer | StepScorer, { readonly kind: Kind }>> {
  const example = kinds.includes('outcome' as Kind) ? 'a `verifierScorer` or `PrmScorer`' : 'a `PrmScorer`';
  return codeValue(
    `a scorer of kind ${kinds.join(' or ')}`,
    (given) => kinds.some((kind) => typeof given === 'object' && given !== null && 'kind' in given && given.kind === kind),
    `Pass one such as ${example}.`,
  );
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

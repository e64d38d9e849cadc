import { InvalidOptionError } from '../errors.ts';

/** How step scores become one score of a solution (Lightman et al. 2023, arXiv:2305.20050; Snell et al. 2024, arXiv:2408.03314). */
export type StepAggregation = (typeof STEP_AGGREGATIONS)[number];

export const STEP_AGGREGATIONS = ['last', 'min', 'product', 'mean'] as const;

/** One score in [0, 1]; 0 for a solution without any complete step. @throws {InvalidOptionError} for an unknown aggregation. */
export function aggregateSteps(scores: readonly number[], aggregation: StepAggregation): number {
  if (scores.length === 0) return 0;
  switch (aggregation) {
    case 'last':
      return scores.at(-1)!;
    case 'min':
      return Math.min(...scores);
    case 'product':
      return scores.reduce((product, score) => product * score, 1);
    case 'mean':
      return scores.reduce((sum, score) => sum + score, 0) / scores.length;
    default:
      throw new InvalidOptionError('aggregation', "'last', 'min', 'product' or 'mean'", aggregation);
  }
}

import type { AnswerEquivalence } from '../../contracts/answer.ts';
import type { StepScorer } from '../../contracts/scorer.ts';
import { InvalidOptionError } from '../../errors.ts';
import { aggregateSteps, type StepAggregation } from '../../maths/aggregate-steps.ts';
import { requireWholeNumber } from '../../options.ts';
import { resolveSolutionPolicy, type SolutionOptions, type SolutionPolicy } from '../solution-policy.ts';

/**
 * Which solution is returned. `best`: the one with the highest score. `weighted-vote`: the best one of the answer whose
 * solutions have the highest sum of scores. `vote`: the best one of the answer with most solutions.
 */
export type SolutionSelection = 'best' | 'weighted-vote' | 'vote';

/** What all strategies share that go step by step and ask a process reward model after each step. */
export interface TreeOptions extends SolutionOptions {
  /** Judges solutions that are under way, step by step. It has to keep the deadline it is given. */
  readonly scorer: StepScorer;
  /** How scores of steps become one score. @default 'last' */
  readonly aggregation?: StepAggregation;
  /** Strings that end a step. At least one. @default ['\n'] */
  readonly stepStop?: readonly string[];
  /** Most tokens of one step; a longer one is judged and goes on in the next. Whole number ≥ 1. @default 256 */
  readonly maxStepTokens?: number;
  /** Most steps of a solution; the last one goes on to the end of the text. Whole number ≥ 1. @default 40 */
  readonly maxSteps?: number;
  /** Which of the complete solutions is returned. @default 'best' */
  readonly selection?: SolutionSelection;
  /** Whether two answers count as one in a vote. @default equal text */
  readonly isSame?: AnswerEquivalence;
}

/** `TreeOptions` with every default filled in. */
export interface TreePolicy {
  readonly solution: SolutionPolicy;
  readonly scorer: StepScorer;
  readonly aggregation: StepAggregation;
  readonly stepStop: readonly string[];
  readonly maxStepTokens: number;
  readonly maxSteps: number;
  readonly selection: SolutionSelection;
  readonly isSame: AnswerEquivalence;
}

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveTreeOptions(options: TreeOptions): TreePolicy {
  const { scorer, aggregation = 'last', stepStop = ['\n'], maxStepTokens = 256, maxSteps = 40, selection = 'best', isSame = Object.is } = options;
  requireStepScorer(scorer);
  // Throws for an unknown name.
  aggregateSteps([1], aggregation);
  if (!Array.isArray(stepStop) || stepStop.length === 0 || stepStop.includes('')) {
    throw new InvalidOptionError('stepStop', 'a list of at least one string, none of them empty', stepStop);
  }
  requireWholeNumber('maxStepTokens', maxStepTokens, 1);
  requireWholeNumber('maxSteps', maxSteps, 1);
  if (!['best', 'weighted-vote', 'vote'].includes(selection)) throw new InvalidOptionError('selection', "'best', 'weighted-vote' or 'vote'", selection);
  return { solution: resolveSolutionPolicy(options), scorer, aggregation, stepStop, maxStepTokens, maxSteps, selection, isSame };
}

function requireStepScorer(scorer: unknown): asserts scorer is StepScorer {
  const isStepScorer = typeof scorer === 'object' && scorer !== null && 'kind' in scorer && scorer.kind === 'step';
  if (!isStepScorer) throw new InvalidOptionError('scorer', 'a StepScorer', scorer, 'Pass a process reward model, such as a PrmScorer.');
}

import { isSameMeaning } from '../../answers/same-meaning.ts';
import type { AnswerEquivalence } from '../../contracts/answer.ts';
import type { OutcomeScorer, StepScorer } from '../../contracts/scorer.ts';
import { InvalidOptionError } from '../../errors.ts';
import { aggregateSteps, type StepAggregation } from '../../maths/aggregate-steps.ts';
import { requireWholeNumber } from '../../options.ts';
import { resolveSolutionPolicy, type SolutionOptions, type SolutionPolicy } from '../solution-policy.ts';

/**
 * Which solution is returned. `highest`: the one with the highest score. `by-answer`: the best one of the answer whose
 * solutions have the highest sum of scores. `votes`: the best one of the answer with most solutions.
 */
export type SolutionSelection = 'highest' | 'by-answer' | 'votes';

/** What all strategies share that judge solutions under way and choose among complete ones. */
export interface SearchOptions extends SolutionOptions {
  /** How scores of steps become one score. @default 'last' */
  readonly aggregation?: StepAggregation;
  /** Which of the complete solutions is returned. @default 'highest' */
  readonly select?: SolutionSelection;
  /** Whether two answers count as one in a vote. @default by meaning, as `equivalent` says */
  readonly isSame?: AnswerEquivalence;
}

/** What all strategies share that go step by step and ask a process reward model after each step. */
export interface TreeOptions extends SearchOptions {
  /** Judges solutions that are under way, step by step. */
  readonly scorer: StepScorer;
  /** Strings that end a step. At least one. @default ['\n'] */
  readonly stepStop?: readonly string[];
  /** Most tokens of one step; a longer one is judged and goes on in the next. Whole number ≥ 1. @default 256 */
  readonly maxStepTokens?: number;
  /** Most steps of a solution; the last one goes on to the end of the text. Whole number ≥ 1. @default 40 */
  readonly maxSteps?: number;
  /**
   * Steps that are taken greedily from each path before it is judged, and rolled back: the score looks ahead (lookahead
   * search, Snell et al. 2024, arXiv:2408.03314, §5.2). Costs as many more steps. Whole number ≥ 0. @default 0
   */
  readonly lookahead?: number;
}

/** `SearchOptions` with every default filled in. */
export interface SearchPolicy {
  readonly solution: SolutionPolicy;
  readonly aggregation: StepAggregation;
  readonly select: SolutionSelection;
  readonly isSame: AnswerEquivalence;
}

/** `TreeOptions` with every default filled in. */
export interface TreePolicy extends SearchPolicy {
  readonly scorer: StepScorer;
  readonly stepStop: readonly string[];
  readonly maxStepTokens: number;
  readonly maxSteps: number;
  readonly lookahead: number;
}

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveSearchOptions(options: SearchOptions): SearchPolicy {
  const { aggregation = 'last', select = 'highest', isSame = isSameMeaning } = options;
  // Throws for an unknown name.
  aggregateSteps([1], aggregation);
  if (!['highest', 'by-answer', 'votes'].includes(select)) throw new InvalidOptionError('select', "'highest', 'by-answer' or 'votes'", select);
  return { solution: resolveSolutionPolicy(options), aggregation, select, isSame };
}

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveTreeOptions(options: TreeOptions): TreePolicy {
  const { scorer, stepStop = ['\n'], maxStepTokens = 256, maxSteps = 40, lookahead = 0 } = options;
  requireScorer(scorer, ['step']);
  if (!Array.isArray(stepStop) || stepStop.length === 0 || stepStop.includes('')) {
    throw new InvalidOptionError('stepStop', 'a list of at least one string, none of them empty', stepStop);
  }
  requireWholeNumber('maxStepTokens', maxStepTokens, 1);
  requireWholeNumber('maxSteps', maxSteps, 1);
  requireWholeNumber('lookahead', lookahead);
  return { ...resolveSearchOptions(options), scorer, stepStop, maxStepTokens, maxSteps, lookahead };
}

/** @throws {InvalidOptionError} unless it is a scorer of one of the kinds. */
export function requireScorer(scorer: unknown, kinds: readonly (StepScorer | OutcomeScorer)['kind'][]): void {
  if (kinds.some((kind) => typeof scorer === 'object' && scorer !== null && 'kind' in scorer && scorer.kind === kind)) return;
  throw new InvalidOptionError('scorer', `a scorer of kind ${kinds.join(' or ')}`, scorer, 'Pass a process reward model, such as a PrmScorer.');
}

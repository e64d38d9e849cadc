import * as v from 'valibot';
import { STEP_AGGREGATIONS } from '../../maths/aggregate-steps.ts';
import { oneOf, wholeNumber, type OptionsOf, type SettingsOf } from '../../option-schemas.ts';
import { scorerSchema } from '../branch-scores.ts';
import { sameAnswerEntries, solutionEntries, stepEntries, type SolutionPolicy } from '../solution-policy.ts';

/**
 * Which solution is returned. `highest`: the one with the highest score. `by-answer`: the best one of the answer whose
 * solutions have the highest sum of scores. `votes`: the best one of the answer with most solutions.
 */
export type SolutionSelection = (typeof SELECTIONS)[number];

export const SELECTIONS = ['highest', 'by-answer', 'votes'] as const;

/** What all strategies share that judge solutions under way and choose among complete ones. */
export const searchEntries = {
  ...solutionEntries,
  /** How scores of steps become one score. @default 'last' */
  aggregation: v.optional(oneOf(STEP_AGGREGATIONS), 'last'),
  /** Which of the complete solutions is returned. @default 'highest' */
  select: v.optional(oneOf(SELECTIONS), 'highest'),
  ...sameAnswerEntries,
};

/** What all strategies share that go step by step and ask a process reward model after each step. */
export const treeEntries = {
  ...searchEntries,
  /** Judges solutions that are under way, step by step. */
  scorer: scorerSchema(['step']),
  ...stepEntries,
  /** Most steps of a solution; the last one goes on to the end of the text. Whole number ≥ 1. @default 40 */
  maxSteps: v.optional(wholeNumber(1), 40),
  /**
   * Steps that are taken greedily from each path before it is judged, and rolled back: the score looks ahead (lookahead
   * search, Snell et al. 2024, arXiv:2408.03314, §5.2). Costs as many more steps. Whole number ≥ 0. @default 0
   */
  lookahead: v.optional(wholeNumber(), 0),
};

export interface SearchOptions extends OptionsOf<typeof searchEntries> {}
export interface TreeOptions extends OptionsOf<typeof treeEntries> {}

export type SearchPolicy = SettingsOf<typeof searchEntries> & { readonly solution: SolutionPolicy };
export type TreePolicy = SettingsOf<typeof treeEntries> & { readonly solution: SolutionPolicy };

/**
 * Outcome reward models: a sequence classifier that gives a prompt with its answer one reward (Cobbe et al. 2021,
 * arXiv:2110.14168), or says which label it deserves.
 *
 * @module
 */
import * as v from 'valibot';
import type { OutcomeScorer } from '../contracts/scorer.ts';
import { ModelError } from '../errors.ts';
import { anyText, oneOf, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { ClassifierScoring, classifierScoringEntries, labelProbability } from './classifier-scoring.ts';
import { answeredPrompt } from './conversation.ts';
import { LocalScorer } from './local-scorer.ts';
import type { Scoring } from './scoring.ts';

export const ormScorerEntries = {
  /** What the model's chat template writes after an answer: its reward is read at the end. @default '' */
  ending: v.optional(anyText, ''),
  /**
   * Of a model with one label: `sigmoid` gives the reward through the logistic function, from 0 to 1 and in the same order,
   * as votes need it; `raw` as it is. @default 'sigmoid'
   */
  scale: v.optional(oneOf(['sigmoid', 'raw']), 'sigmoid'),
  /** Of a model with several labels, the one whose probability is the score, from 0. Whole number ≥ 0. @default 1 */
  good: v.optional(wholeNumber(), 1),
  ...classifierScoringEntries,
};

export interface OrmScorerOptions extends OptionsOf<typeof ormScorerEntries> {}

interface AnsweredTokens {
  readonly tokens: readonly number[];
}

/**
 * Scores in a worker thread where the platform has one; calls take turns batch by batch. Without a cache: every call
 * reads the whole texts.
 */
export class OrmScorer extends LocalScorer<number> implements OutcomeScorer {
  readonly kind = 'outcome';

  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor(options: OrmScorerOptions) {
    super('orm', options, ormScoring(options));
  }
}

/** @internal The scorer's work in the calling thread. @throws {InvalidOptionError} */
export function ormScoring(options: OrmScorerOptions): Scoring<number> {
  const { ending, scale, good, ...settings } = readOptions(ormScorerEntries, options);
  const { name } = settings.model;
  return new ClassifierScoring<AnsweredTokens, number>(settings, {
    reads: 'text',
    separator: '\n',
    layOut: (tokenizer, prompt, { text }) => ({ tokens: tokenizer.encodePrompt(answeredPrompt(prompt, text + ending)) }),
    score: (_, logits, labels) => {
      if (labels > 1 && good >= labels) throw new ModelError(`${name} has ${labels} labels, and none with the number ${good}.`);
      if (labels > 1) return labelProbability(logits, 0, labels, good);
      return scale === 'raw' ? logits[0]! : 1 / (1 + Math.exp(-logits[0]!));
    },
  });
}

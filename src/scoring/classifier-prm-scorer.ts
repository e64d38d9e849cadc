/**
 * Process reward models with a head for each token, in the form of Qwen2.5-Math-PRM (Zhang et al. 2025, arXiv:2501.07301): a
 * marker token stands behind each step of the answer, and the labels of the marker say whether the step is good.
 *
 * @module
 */
import * as v from 'valibot';
import type { Prompt } from '../contracts/prompt.ts';
import type { StepScorer } from '../contracts/scorer.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ModelError } from '../errors.ts';
import { anyText, readOptions, text, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { ClassifierScoring, classifierScoringEntries, labelProbability } from './classifier-scoring.ts';
import { answeredPrompt, completeSteps, markedPlaces, turnsOf } from './conversation.ts';
import { LocalScorer } from './local-scorer.ts';
import type { Scoring } from './scoring.ts';

export const classifierPrmScorerEntries = {
  /** Text of the token after each step. Taken out of the steps themselves. @default '<extra_0>' */
  marker: v.optional(text, '<extra_0>'),
  /** Text between the steps of a solution. @default '\n\n' */
  separator: v.optional(text, '\n\n'),
  /** Which label says that a step is good, from 0. Whole number ≥ 0. @default 1 */
  good: v.optional(wholeNumber(), 1),
  /** What the model is told first, where the prompt has no turn of the system. @default nothing */
  system: v.optional(anyText),
  ...classifierScoringEntries,
};

export interface ClassifierPrmScorerOptions extends OptionsOf<typeof classifierPrmScorerEntries> {}

interface MarkedTokens {
  readonly tokens: readonly number[];
  /** Where the markers stand. */
  readonly places: readonly number[];
}

/**
 * Scores in a worker thread where the platform has one; calls take turns batch by batch. Without a cache: every call
 * reads the whole texts.
 */
export class ClassifierPrmScorer extends LocalScorer<readonly number[]> implements StepScorer {
  readonly kind = 'step';

  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor(options: ClassifierPrmScorerOptions) {
    super('classifier-prm', options, classifierPrmScoring(options));
  }
}

/** @internal The scorer's work in the calling thread. @throws {InvalidOptionError} */
export function classifierPrmScoring(options: ClassifierPrmScorerOptions): Scoring<readonly number[]> {
  const { marker, separator, good, system, ...settings } = readOptions(classifierPrmScorerEntries, options);
  const { name } = settings.model;
  return new ClassifierScoring<MarkedTokens, readonly number[]>(settings, {
    reads: 'tokens',
    separator,
    layOut: (tokenizer, prompt, text) => layOut(tokenizer, withSystem(prompt, system), completeSteps(text, separator), marker),
    score: ({ places }, logits, labels) => {
      if (good >= labels) throw new ModelError(`${name} has ${labels} labels, and none with the number ${good}.`);
      return places.map((place) => labelProbability(logits, place * labels, labels, good));
    },
  });
}

function withSystem(prompt: Prompt, system: string | undefined): Prompt {
  if (system === undefined || (typeof prompt === 'object' && 'text' in prompt)) return prompt;
  const turns = turnsOf(prompt);
  return turns[0]?.role === 'system' ? turns : [{ role: 'system', content: system }, ...turns];
}

function layOut(tokenizer: Tokenizer, prompt: Prompt, steps: readonly string[], marker: string): MarkedTokens {
  const content = steps.map((step) => step.replaceAll(marker, '') + marker).join('');
  const tokens = tokenizer.encodePrompt(answeredPrompt(prompt, content));
  return { tokens, places: markedPlaces(tokenizer, tokens, marker, steps.length) };
}

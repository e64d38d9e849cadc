/**
 * Process reward models with a head for each token, in the form of Qwen2.5-Math-PRM (Zhang et al. 2025, arXiv:2501.07301): a
 * marker token stands behind each step of the answer, and the labels of the marker say whether the step is good.
 *
 * @module
 */
import type { Prompt } from '../contracts/prompt.ts';
import type { StepScorer } from '../contracts/scorer.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { InvalidOptionError, ModelError } from '../errors.ts';
import { requireWholeNumber } from '../options.ts';
import { ClassifierScoring, labelProbability, requireClassifier, type ClassifierScoringOptions } from './classifier-scoring.ts';
import { answeredPrompt, completeSteps, markedPlaces, turnsOf } from './conversation.ts';
import { LocalScorer } from './local-scorer.ts';
import type { Scoring } from './scoring.ts';

export interface ClassifierPrmScorerOptions extends ClassifierScoringOptions {
  /** Text of the token behind each step. Taken out of the steps themselves. @default '<extra_0>' */
  readonly marker?: string;
  /** Text between the steps of a solution. @default '\n\n' */
  readonly separator?: string;
  /** Which label says that a step is good, from 0. @default 1 */
  readonly good?: number;
  /** What the model is told first, where the prompt has no turn of the system. @default nothing */
  readonly system?: string;
}

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
export function classifierPrmScoring({
  marker = '<extra_0>',
  separator = '\n\n',
  good = 1,
  system,
  ...options
}: ClassifierPrmScorerOptions): Scoring<readonly number[]> {
  for (const [name, text] of Object.entries({ marker, separator })) if (text === '') throw new InvalidOptionError(name, 'text that is not empty', text);
  requireWholeNumber('good', good);
  const { name } = requireClassifier(options.model);
  return new ClassifierScoring<MarkedTokens, readonly number[]>(options, {
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

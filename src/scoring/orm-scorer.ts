/**
 * Outcome reward models: a sequence classifier that gives a prompt with its answer one reward (Cobbe et al. 2021,
 * arXiv:2110.14168), or says which label it deserves.
 *
 * @module
 */
import type { Prompt } from '../contracts/prompt.ts';
import type { OutcomeScorer, ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import { InvalidOptionError, ModelError } from '../errors.ts';
import { requireWholeNumber } from '../options.ts';
import { ClassifierScoring, labelProbability, type ClassifierScoringOptions } from './classifier-scoring.ts';
import { answeredPrompt } from './conversation.ts';

export interface OrmScorerOptions extends ClassifierScoringOptions {
  /** What the model's chat template writes behind an answer: its reward is read at the end. @default '' */
  readonly ending?: string;
  /**
   * Of a model with one label: `sigmoid` gives the reward through the logistic function, from 0 to 1 and in the same order,
   * as votes need it; `raw` as it is. @default 'sigmoid'
   */
  readonly scale?: 'sigmoid' | 'raw';
  /** Of a model with several labels, the one whose probability is the score, from 0. @default 1 */
  readonly good?: number;
}

interface AnsweredTokens {
  readonly tokens: readonly number[];
}

/**
 * Scores in the calling thread, which stands still for each pass; calls take turns batch by batch. Without a cache: every call
 * reads the whole texts.
 */
export class OrmScorer implements OutcomeScorer {
  readonly name: string;
  readonly kind = 'outcome';
  readonly #scoring: ClassifierScoring<AnsweredTokens, number>;

  /** @throws {InvalidOptionError} */
  constructor({ ending = '', scale = 'sigmoid', good = 1, ...options }: OrmScorerOptions) {
    if (scale !== 'sigmoid' && scale !== 'raw') throw new InvalidOptionError('scale', "'sigmoid' or 'raw'", scale);
    requireWholeNumber('good', good);
    this.name = options.model.name;
    this.#scoring = new ClassifierScoring(options, {
      reads: 'text',
      separator: '\n',
      layOut: (tokenizer, prompt, { text }) => ({ tokens: tokenizer.encodePrompt(answeredPrompt(prompt, text + ending)) }),
      score: (_, logits, labels) => {
        if (labels > 1 && good >= labels) throw new ModelError(`${this.name} has ${labels} labels, and none with the number ${good}.`);
        if (labels > 1) return labelProbability(logits, 0, labels, good);
        return scale === 'raw' ? logits[0]! : 1 / (1 + Math.exp(-logits[0]!));
      },
    });
  }

  ready(options?: Pick<ScoreOptions, 'signal' | 'clock'>): Promise<void> {
    return this.#scoring.ready(options);
  }

  score(prompt: Prompt, texts: readonly ScoredText[], options?: ScoreOptions): Promise<(number | undefined)[]> {
    return this.#scoring.score(prompt, texts, options);
  }

  estimateMs(texts: number): number | undefined {
    return this.#scoring.estimateMs(texts);
  }

  dispose(): Promise<void> {
    return this.#scoring.dispose();
  }
}

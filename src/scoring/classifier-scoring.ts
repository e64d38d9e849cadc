import type { Prompt } from '../contracts/prompt.ts';
import type { ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ContextLengthError, ModelError, ModelLoadError } from '../errors.ts';
import { loadWhole } from '../models/load-whole.ts';
import type { LocalClassifier } from '../models/load-onnx-classifier.ts';
import { localModelSchema } from '../models/local-model.ts';
import type { TextClassifier } from '../models/onnx-classifier.ts';
import type { SettingsOf } from '../option-schemas.ts';
import type { BatchCosts } from './batch-timer.ts';
import { LoadedOnce } from './loaded-once.ts';
import { SAMPLE_PROMPT, sampleTexts } from './sample-texts.ts';
import { localScoringEntries, type Scoring } from './scoring.ts';
import { ScoringQueue, type BatchWork } from './scoring-queue.ts';

export const classifierScoringEntries = {
  /** Judges. */
  model: localModelSchema<LocalClassifier>('`await loadOnnxClassifier(id)`'),
  ...localScoringEntries,
};

/** How a classifier's logits become scores. */
export interface ClassifierReading<Item extends { readonly tokens: readonly number[] }, Score> {
  /** What the model must give labels to. */
  readonly reads: TextClassifier['reads'];
  /** What ends a step of made-up texts. */
  readonly separator: string;
  layOut(tokenizer: Tokenizer, prompt: Prompt, text: ScoredText): Item;
  /** @param logits - Of the item's row. */
  score(item: Item, logits: Float32Array, labels: number): Score;
}

/** Scores texts by a classifier, whole texts each time, in the calling thread. */
export class ClassifierScoring<Item extends { readonly tokens: readonly number[] }, Score> implements Scoring<Score> {
  readonly #source: LocalClassifier;
  readonly #reading: ClassifierReading<Item, Score>;
  readonly #queue: ScoringQueue;
  readonly #loaded = new LoadedOnce(() => this.#load());
  #sampleCount = 0;

  constructor({ model, ...batch }: SettingsOf<typeof classifierScoringEntries>, reading: ClassifierReading<Item, Score>) {
    this.#source = model;
    this.#reading = reading;
    this.#queue = new ScoringQueue(batch);
  }

  ready(options: Pick<ScoreOptions, 'signal' | 'clock'> = {}): Promise<void> {
    const sample = (count: number): readonly ScoredText[] => sampleTexts(count, this.#reading.separator, (this.#sampleCount += count) - count);
    return this.#queue.measure(sample, options, () => this.#open(SAMPLE_PROMPT));
  }

  score(prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<(Score | undefined)[]> {
    return this.#queue.run(texts, options, () => this.#open(prompt));
  }

  get costs(): BatchCosts {
    return this.#queue.costs;
  }

  dispose(): Promise<void> {
    return this.#queue.close(async () => (await this.#loaded.known())?.model.dispose());
  }

  async #open(prompt: Prompt): Promise<BatchWork<Item, Score>> {
    const { model, tokenizer } = await this.#loaded.get();
    return {
      prepare: (text) => {
        const item = this.#reading.layOut(tokenizer, prompt, text);
        if (item.tokens.length > model.contextTokens) throw new ContextLengthError(item.tokens.length, model.contextTokens);
        return item;
      },
      score: async (items: readonly Item[]) => {
        const logits = await model.classify(items.map(({ tokens }) => tokens));
        const scores = items.map((item, row) => this.#reading.score(item, logits[row]!, model.labels));
        if (scores.flat().some(Number.isNaN)) throw new ModelError(`${this.#source.name} gave logits that are not numbers.`);
        return scores;
      },
    };
  }

  async #load(): Promise<{ readonly model: TextClassifier; readonly tokenizer: Tokenizer }> {
    const { model, tokenizer } = await loadWhole(this.#source);
    if (model.reads !== this.#reading.reads) {
      await model.dispose();
      const [has, needs] = [model.reads, this.#reading.reads].map((reads) => (reads === 'tokens' ? 'each token' : 'a whole text'));
      throw new ModelLoadError(this.#source.name, `${this.#source.name} gives labels to ${has}; this scorer needs them for ${needs}.`);
    }
    return { model, tokenizer };
  }
}

/** Probability of one label among those of `logits[start, start + labels)`. */
export function labelProbability(logits: Float32Array, start: number, labels: number, label: number): number {
  let sum = 0;
  for (let index = start; index < start + labels; index++) sum += Math.exp(logits[index]! - logits[start + label]!);
  return 1 / sum;
}

import * as v from 'valibot';
import type { Prompt } from '../contracts/prompt.ts';
import type { ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import type { TokenModel } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ContextLengthError, InvalidOptionError, ModelLoadError } from '../errors.ts';
import { wholeSteps } from '../maths/whole-steps.ts';
import { loadWhole } from '../models/load-whole.ts';
import { localModelSchema, type LocalModel } from '../models/local-model.ts';
import { flag, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import type { BatchCosts } from './batch-timer.ts';
import { LoadedOnce } from './loaded-once.ts';
import { PrefixJudge, type JudgedTokens, type ValueReader } from './prefix-judge.ts';
import { SAMPLE_PROMPT, sampleTexts } from './sample-texts.ts';
import { localScoringEntries, type Scoring } from './scoring.ts';
import { ScoringQueue, type BatchWork } from './scoring-queue.ts';

export const tokenModelScoringEntries = {
  /** Judges. */
  model: localModelSchema(),
  /**
   * How many texts' key-value caches are kept between calls, so that a text that goes on from an earlier one feeds only its
   * new tokens. At least as many as a search has branches. Whole number ≥ 1. @default 32
   */
  cachedTexts: v.optional(wholeNumber(1), 32),
  /**
   * Whether the prompt, and steps of branches that still decode, are read before they are to be scored, where strategies tell of
   * them: scores come sooner after the last token. @default in a worker thread, where it takes nothing from decoding
   */
  readAhead: v.optional(flag),
  ...localScoringEntries,
};

export interface TokenModelScoringOptions extends OptionsOf<typeof tokenModelScoringEntries> {}

/** How the texts of one prompt are judged. */
export interface PromptReading<Item extends JudgedTokens> {
  /** Tokens of the prompt alone. */
  readonly promptTokens: number;
  layOut(text: ScoredText): Item;
  /** Step scores of a text from the values at its positions. */
  stepScores(item: Item, values: readonly number[]): readonly number[];
}

/** How a model's logits become scores. */
export interface Reading<Item extends JudgedTokens> {
  readonly reader: ValueReader;
  forPrompt(prompt: Prompt): PromptReading<Item>;
}

interface Loaded<Item extends JudgedTokens> {
  readonly model: TokenModel;
  readonly reading: Reading<Item>;
  readonly judge: PrefixJudge;
}

/** Scores steps by reading a token model, in the calling thread. */
export class TokenModelScoring<Item extends JudgedTokens> implements Scoring<readonly number[]> {
  readonly #source: LocalModel;
  readonly #cachedTexts: number;
  readonly #makeReading: (model: TokenModel, tokenizer: Tokenizer) => Reading<Item>;
  readonly #queue: ScoringQueue;
  readonly #loaded = new LoadedOnce(() => this.#load());
  readonly #separator: string;
  #sampleCount = 0;

  /**
   * @param separator - What ends a step.
   * @param makeReading - Called once the model is loaded; what it throws fails the call.
   */
  constructor(
    { model, cachedTexts, separator, ...batch }: SettingsOf<typeof tokenModelScoringEntries> & { readonly separator: string },
    makeReading: (model: TokenModel, tokenizer: Tokenizer) => Reading<Item>,
  ) {
    this.#source = model;
    this.#cachedTexts = cachedTexts;
    this.#makeReading = makeReading;
    this.#queue = new ScoringQueue(batch);
    this.#separator = separator;
  }

  ready(options: Pick<ScoreOptions, 'signal' | 'clock'> = {}): Promise<void> {
    const sample = (count: number): readonly ScoredText[] => sampleTexts(count, this.#separator, (this.#sampleCount += count) - count);
    return this.#queue.measure(sample, options, () => this.#open(SAMPLE_PROMPT));
  }

  score(prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<(readonly number[] | undefined)[]> {
    return this.#queue.run(texts, options, () => this.#open(prompt));
  }

  readAhead(prompt: Prompt, texts: readonly string[]): Promise<void> {
    return this.#queue.whileIdle(async (isIdle) => {
      const { reading, judge } = await this.#loaded.get();
      const { layOut } = reading.forPrompt(prompt);
      const begun = texts.map((text) => wholeSteps(text, this.#separator)).filter((text) => text !== '');
      const items = (begun.length > 0 ? begun : ['']).slice(0, this.#cachedTexts).map((text) => layOut({ text, isFinished: false }));
      for (const item of items) judge.requireRoom(item);
      if (begun.length > 0) await judge.judge(items, isIdle);
      else await judge.read(items[0]!.tokens);
    });
  }

  get costs(): BatchCosts {
    return this.#queue.costs;
  }

  dispose(): Promise<void> {
    return this.#queue.close(async () => {
      const loaded = await this.#loaded.known();
      loaded?.judge.dispose();
      await loaded?.model.dispose();
    });
  }

  async #open(prompt: Prompt): Promise<BatchWork<Item, readonly number[]>> {
    const { model, reading, judge } = await this.#loaded.get();
    const { promptTokens, layOut, stepScores } = reading.forPrompt(prompt);
    if (promptTokens === 0) throw new InvalidOptionError('prompt', 'text that has a token', prompt);
    if (promptTokens > model.contextTokens) throw new ContextLengthError(promptTokens, model.contextTokens);
    return {
      prepare: (text) => {
        const item = layOut(text);
        judge.requireRoom(item);
        return item;
      },
      score: async (items, proceed) => {
        const values = await judge.judge(items, proceed);
        return values?.map((valuesOf, index) => stepScores(items[index]!, valuesOf));
      },
    };
  }

  async #load(): Promise<Loaded<Item>> {
    const { model, tokenizer } = await loadWhole(this.#source);
    try {
      if (model.cannotVerify !== undefined) throw new ModelLoadError(this.#source.name, `${this.#source.name} cannot score steps: ${model.cannotVerify}.`);
      const reading = this.#makeReading(model, tokenizer);
      return { model, reading, judge: new PrefixJudge(model, reading.reader, this.#cachedTexts) };
    } catch (error) {
      await model.dispose();
      throw error;
    }
  }
}

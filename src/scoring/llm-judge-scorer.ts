/**
 * A language model as judge: a grade from 0 to 10 for one text at a time (Zheng et al. 2023, arXiv:2306.05685).
 *
 * @module
 */
import * as v from 'valibot';
import type { Engine } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { OutcomeScorer, ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import { ModelError } from '../errors.ts';
import { objectWith, readOptions, text, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { askEngine, isLate } from './ask-engine.ts';
import { plainTextOf } from './conversation.ts';
import { concurrencyEntries, OneByOne } from './one-by-one.ts';

export const judgeEntries = {
  /** Stays its owner's: not disposed with the judge. The engine that writes can judge its own texts. */
  engine: objectWith<Engine>('open', 'an engine', 'A model becomes one by `new Decoder({ model })`.'),
  /** What makes a text good, as a sentence or two for the model. @default 'A good solution is right: every step holds, and the final answer is correct.' */
  criteria: v.optional(text, 'A good solution is right: every step holds, and the final answer is correct.'),
  /** Most tokens of a reply; more for a model that thinks aloud first. Whole number ≥ 1. @default 64 */
  maxTokens: v.optional(wholeNumber(1), 64),
  ...concurrencyEntries,
};

export interface JudgeOptions extends OptionsOf<typeof judgeEntries> {}

/**
 * Asks a model for a grade and gives it as a score from 0 to 1, a tenth of the grade. Greedy, one short reply a text and a
 * second where the first has no grade; texts are graded at the same time. A text whose replies have no grade has no score.
 */
export class LlmJudgeScorer implements OutcomeScorer {
  readonly name: string;
  readonly kind = 'outcome';
  readonly #engine: Engine;
  readonly #criteria: string;
  readonly #maxTokens: number;
  readonly #calls: OneByOne;

  /** @throws {InvalidOptionError} */
  constructor(options: JudgeOptions) {
    const { engine, criteria, maxTokens, ...settings } = readOptions(judgeEntries, options);
    this.name = `judge ${engine.name}`;
    this.#engine = engine;
    this.#criteria = criteria;
    this.#maxTokens = maxTokens;
    this.#calls = new OneByOne(settings);
  }

  score(prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<(number | undefined)[]> {
    return this.#calls.run(texts, options, async (text, signal) => {
      const question = { prompt: this.#question(prompt, text), read: parseGrade, beginning: '{"score": ', maxTokens: this.#maxTokens };
      const grade = await askEngine(this.#engine, question, { ...options, signal });
      if (grade === undefined && !isLate(options)) throw new ModelError(`${this.#engine.name} gave no grade from 0 to 10, asked twice.`);
      return grade === undefined ? undefined : grade / 10;
    });
  }

  estimateMs(texts: number): number | undefined {
    return this.#calls.estimateMs(texts);
  }

  /** Ends open calls; the engine goes on. */
  dispose(): Promise<void> {
    return this.#calls.dispose();
  }

  #question(prompt: Prompt, { text, isFinished }: ScoredText): string {
    return [
      'Grade the solution of a problem.',
      `Problem:\n${plainTextOf(prompt)}`,
      `${isFinished ? 'Solution' : 'Solution so far, not finished'}:\n${text}`,
      this.#criteria,
      'Grade it from 0, worthless, to 10, perfect. Reply with JSON and nothing else: {"score": <number from 0 to 10>}',
    ].join('\n\n');
  }
}

const Grade = v.pipe(v.union([v.number(), v.pipe(v.string(), v.trim(), v.decimal(), v.transform(Number))]), v.minValue(0), v.maxValue(10));
const Reply = v.looseObject({ score: Grade });

/**
 * The grade in a judge's reply: the last JSON object with a `score` from 0 to 10, else the last number named as a score or
 * given out of 10, else a reply that is nothing but a number.
 */
export function parseGrade(reply: string): number | undefined {
  for (const [object] of [...reply.matchAll(/\{[^{}]*\}/g)].reverse()) {
    const parsed = v.safeParse(Reply, parseJson(object));
    if (parsed.success) return parsed.output.score;
  }
  const numbers = [/\b(?:score|grade|rating)\b[^\d\n-]{0,20}(\d+(?:\.\d+)?)/gi, /(?<![\d.-])(\d+(?:\.\d+)?) ?\/ ?10\b/g, /^\s*\**(\d+(?:\.\d+)?)\**\.?\s*$/g];
  for (const pattern of numbers) {
    const found = [...reply.matchAll(pattern)].at(-1);
    const parsed = v.safeParse(Grade, found?.[1]);
    if (parsed.success) return parsed.output;
  }
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A process reward model whose graph gives one logit a position: "right so far" (Lightman et al. 2023, arXiv:2305.20050).
 * The score of a step is read at its separator, that of the last step at the end token.
 *
 * @module
 */
import type { Prompt } from '../contracts/prompt.ts';
import type { ScoredText, ScoreOptions, StepScorer } from '../contracts/scorer.ts';
import type { ForwardRow, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { DisposedError, ModelLoadError } from '../errors.ts';
import type { LocalModel } from '../models/local-model.ts';
import { requireWholeNumber } from '../options.ts';

export interface PrmScorerOptions {
  readonly model: LocalModel;
  /** Text whose last token ends a step. @default '\n' */
  readonly separator?: string;
  /** Most texts in one model pass. Whole number ≥ 1. @default 16 */
  readonly maxRows?: number;
}

interface Loaded {
  readonly model: TokenModel;
  readonly tokenizer: Tokenizer;
  readonly separatorToken: number;
  readonly endToken: number;
}

/** Scores in the calling thread. One call at a time; further ones wait. */
export class PrmScorer implements StepScorer {
  readonly name: string;
  readonly #options: Required<PrmScorerOptions>;
  #loaded: Promise<Loaded> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  constructor({ model, separator = '\n', maxRows = 16 }: PrmScorerOptions) {
    requireWholeNumber('maxRows', maxRows, 1);
    this.name = model.name;
    this.#options = { model, separator, maxRows };
  }

  score(prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<number[][]> {
    const scored = this.#last.then(() => this.#score(prompt, texts, options));
    this.#last = scored.catch(() => undefined);
    return scored;
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#last;
    const loaded = await this.#loaded?.catch(() => undefined);
    await loaded?.model.dispose();
  }

  async #score(prompt: Prompt, texts: readonly ScoredText[], { signal }: ScoreOptions): Promise<number[][]> {
    if (this.#isDisposed) throw new DisposedError('scorer');
    this.#loaded ??= this.#load();
    const loaded = await this.#loaded;
    const promptSequence = loaded.model.openSequence();
    try {
      signal?.throwIfAborted();
      await loaded.model.forward([{ sequence: promptSequence, tokens: loaded.tokenizer.encodePrompt(prompt), logitCount: 0 }]);
      const scores: number[][] = [];
      for (let start = 0; start < texts.length; start += this.#options.maxRows) {
        signal?.throwIfAborted();
        scores.push(...(await scoreBatch(loaded, promptSequence, texts.slice(start, start + this.#options.maxRows))));
      }
      return scores;
    } finally {
      promptSequence.dispose();
    }
  }

  async #load(): Promise<Loaded> {
    const { model: source, separator } = this.#options;
    const [model, tokenizer] = await Promise.all([source.load(), source.loadTokenizer()]);
    const separatorToken = tokenizer.encode(separator).at(-1);
    const [endToken] = model.endTokens;
    if (model.vocabularySize !== 1) {
      await model.dispose();
      throw new ModelLoadError(source.name, `${source.name} gives ${model.vocabularySize} numbers a position; a process reward model of this kind gives 1.`);
    }
    if (separatorToken === undefined || endToken === undefined) {
      throw new ModelLoadError(source.name, `${source.name} has no token for the separator ${JSON.stringify(separator)} or no end token.`);
    }
    return { model, tokenizer, separatorToken, endToken };
  }
}

async function scoreBatch({ model, tokenizer, separatorToken, endToken }: Loaded, prompt: TokenSequence, texts: readonly ScoredText[]): Promise<number[][]> {
  const rows: ForwardRow[] = [];
  const tokensOf = texts.map(({ text, isFinished }) => [...tokenizer.encode(text), ...(isFinished ? [endToken] : [])]);
  try {
    for (const tokens of tokensOf) if (tokens.length > 0) rows.push({ sequence: prompt.fork(), tokens, logitCount: tokens.length });
    if (rows.length === 0) return texts.map(() => []);
    const logits = await model.forward(rows);
    let next = 0;
    return tokensOf.map((tokens) => {
      const scores: number[] = [];
      for (const token of tokens) {
        const logit = logits[next++]!;
        if (token === separatorToken || token === endToken) scores.push(1 / (1 + Math.exp(-logit)));
      }
      return scores;
    });
  } finally {
    for (const { sequence } of rows) sequence.dispose();
  }
}

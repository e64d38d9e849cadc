/**
 * A process reward model made of a language model that was trained on right solutions only. The probability it gives to
 * a text is its belief that a right solution begins so, and the score of a step is that probability up to the step's end:
 * a step that the model would not have written that way, with everything before it, lowers every score from there on.
 *
 * A likelihood is such a belief only where a problem has one worked solution, as those of `latency-tts/problems` have.
 * Where a solution can be written in many ways, a reward model with a trained head is needed instead.
 *
 * Process supervision: Lightman et al. 2023 (arXiv:2305.20050). Likelihood as verifier: Zhang et al. 2024 (arXiv:2408.15240).
 *
 * @module
 */
import type { Prompt } from '../contracts/prompt.ts';
import type { ScoredText, ScoreOptions, StepScorer } from '../contracts/scorer.ts';
import type { ForwardRow, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ContextLengthError, DisposedError, ModelLoadError } from '../errors.ts';
import { logSumExp } from '../maths/sampling.ts';
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
  readonly kind = 'step';
  readonly #options: Required<PrmScorerOptions>;
  #loaded: Promise<Loaded> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  /** @throws {InvalidOptionError} */
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
    signal?.throwIfAborted();
    this.#loaded ??= this.#load();
    const loaded = await this.#loaded;
    const promptTokens = loaded.tokenizer.encodePrompt(prompt);
    const tokensOf = texts.map(({ text, isFinished }) => [...loaded.tokenizer.encode(text), ...(isFinished ? [loaded.endToken] : [])]);
    const longest = promptTokens.length + Math.max(0, ...tokensOf.map((tokens) => tokens.length));
    if (longest > loaded.model.contextTokens) throw new ContextLengthError(longest, loaded.model.contextTokens);
    const sequence = loaded.model.openSequence();
    try {
      // The prompt's last token goes in with each text, since the text's first token is judged behind it.
      if (promptTokens.length > 1) await loaded.model.forward([{ sequence, tokens: promptTokens.slice(0, -1), logitCount: 0 }]);
      const scores: number[][] = [];
      for (let start = 0; start < texts.length; start += this.#options.maxRows) {
        signal?.throwIfAborted();
        const batch = tokensOf.slice(start, start + this.#options.maxRows);
        scores.push(...(await scoreBatch(loaded, sequence, promptTokens.at(-1)!, batch)));
      }
      return scores;
    } finally {
      sequence.dispose();
    }
  }

  async #load(): Promise<Loaded> {
    const { model: source, separator } = this.#options;
    const [model, tokenizer] = await Promise.all([source.load(), source.loadTokenizer()]);
    const separatorToken = tokenizer.encode(separator).at(-1);
    const [endToken] = model.endTokens;
    if (separatorToken === undefined || endToken === undefined) {
      await model.dispose();
      throw new ModelLoadError(source.name, `${source.name} has no token for the separator ${JSON.stringify(separator)} or no end token.`);
    }
    return { model, tokenizer, separatorToken, endToken };
  }
}

async function scoreBatch(loaded: Loaded, prompt: TokenSequence, lastPromptToken: number, texts: readonly (readonly number[])[]): Promise<number[][]> {
  const { model } = loaded;
  const rows: ForwardRow[] = [];
  try {
    for (const tokens of texts) {
      if (tokens.length > 0) rows.push({ sequence: prompt.fork(), tokens: [lastPromptToken, ...tokens.slice(0, -1)], logitCount: tokens.length });
    }
    if (rows.length === 0) return texts.map(() => []);
    const logits = await model.forward(rows);
    let next = 0;
    return texts.map((tokens) => stepScores(loaded, tokens, logits.subarray(next, (next += tokens.length * model.vocabularySize))));
  } finally {
    for (const { sequence } of rows) sequence.dispose();
  }
}

/** @param logits - Behind the token before each of `tokens`, `[tokens, vocabularySize]`. */
function stepScores({ model, separatorToken, endToken }: Loaded, tokens: readonly number[], logits: Float32Array): number[] {
  const size = model.vocabularySize;
  const scores: number[] = [];
  let logprob = 0;
  for (const [position, token] of tokens.entries()) {
    logprob += logits[position * size + token]! - logSumExp(logits, position * size, size);
    if (token === separatorToken || token === endToken) scores.push(Math.min(1, Math.exp(logprob)));
  }
  return scores;
}

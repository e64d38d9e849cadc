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
import type { TokenModel } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ModelLoadError } from '../errors.ts';
import { logSumExp } from '../maths/sampling.ts';
import type { JudgedTokens } from './prefix-judge.ts';
import { TokenModelScoring, type Reading, type TokenModelScoringOptions } from './token-model-scoring.ts';

export interface PrmScorerOptions extends TokenModelScoringOptions {
  /** Text whose last token ends a step. @default '\n' */
  readonly separator?: string;
}

/**
 * Scores in the calling thread, which stands still for each pass; calls take turns batch by batch. A text that goes on from
 * one scored before costs only its new tokens.
 */
export class PrmScorer implements StepScorer {
  readonly name: string;
  readonly kind = 'step';
  readonly #scoring: TokenModelScoring<JudgedTokens>;

  /** @throws {InvalidOptionError} */
  constructor({ separator = '\n', ...options }: PrmScorerOptions) {
    this.name = options.model.name;
    this.#scoring = new TokenModelScoring({ ...options, separator }, (model, tokenizer) => likelihoodReading(this.name, model, tokenizer, separator));
  }

  ready(options?: Pick<ScoreOptions, 'signal' | 'clock'>): Promise<void> {
    return this.#scoring.ready(options);
  }

  score(prompt: Prompt, texts: readonly ScoredText[], options?: ScoreOptions): Promise<(readonly number[] | undefined)[]> {
    return this.#scoring.score(prompt, texts, options);
  }

  estimateMs(texts: number): number | undefined {
    return this.#scoring.estimateMs(texts);
  }

  dispose(): Promise<void> {
    return this.#scoring.dispose();
  }
}

/** @throws {ModelLoadError} */
function likelihoodReading(name: string, { vocabularySize, endTokens }: TokenModel, tokenizer: Tokenizer, separator: string): Reading<JudgedTokens> {
  const separatorToken = tokenizer.encode(separator).at(-1);
  const [endToken] = endTokens;
  if (separatorToken === undefined || endToken === undefined) {
    throw new ModelLoadError(name, `${name} has no token for the separator ${JSON.stringify(separator)} or no end token.`);
  }
  return {
    reader: { readsToken: true, read: (logits, start, token) => logits[start + token!]! - logSumExp(logits, start, vocabularySize) },
    forPrompt: (prompt) => {
      const promptTokens = tokenizer.encodePrompt(prompt);
      return {
        promptTokens: promptTokens.length,
        layOut({ text, isFinished }) {
          const textTokens = [...tokenizer.encode(text), ...(isFinished ? [endToken] : [])];
          return { tokens: [...promptTokens, ...textTokens], positions: textTokens.map((_, index) => promptTokens.length + index) };
        },
        stepScores({ tokens, positions }, logprobs) {
          const scores: number[] = [];
          let logprob = 0;
          for (const [index, position] of positions.entries()) {
            logprob += logprobs[index]!;
            if (tokens[position] === separatorToken || tokens[position] === endToken) scores.push(Math.min(1, Math.exp(logprob)));
          }
          return scores;
        },
      };
    },
  };
}

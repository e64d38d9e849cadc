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
import * as v from 'valibot';
import type { StepScorer } from '../contracts/scorer.ts';
import type { TokenModel } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ModelLoadError } from '../errors.ts';
import { logSumExp } from '../maths/sampling.ts';
import { readOptions, text, type OptionsOf } from '../option-schemas.ts';
import { LocalScorer } from './local-scorer.ts';
import type { JudgedTokens } from './prefix-judge.ts';
import type { Scoring } from './scoring.ts';
import { TokenModelScoring, tokenModelScoringEntries, type Reading } from './token-model-scoring.ts';

export const prmScorerEntries = {
  /** Text whose last token ends a step. @default '\n' */
  separator: v.optional(text, '\n'),
  ...tokenModelScoringEntries,
};

export interface PrmScorerOptions extends OptionsOf<typeof prmScorerEntries> {}

/**
 * Scores in a worker thread where the platform has one; calls take turns batch by batch. A text that goes on from
 * one scored before costs only its new tokens.
 */
export class PrmScorer extends LocalScorer<readonly number[]> implements StepScorer {
  readonly kind = 'step';

  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor(options: PrmScorerOptions) {
    super('prm', options, prmScoring(options));
  }
}

/** @internal The scorer's work in the calling thread. @throws {InvalidOptionError} */
export function prmScoring(options: PrmScorerOptions): Scoring<readonly number[]> {
  const settings = readOptions(prmScorerEntries, options);
  const {
    model: { name },
    separator,
  } = settings;
  return new TokenModelScoring(settings, (model, tokenizer) => likelihoodReading(name, model, tokenizer, separator));
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

/**
 * Process reward models that are causal language models: behind each step they say a good or a bad token, and the score of the
 * step is the probability of the good one of the two.
 *
 * Step markers in the text: Math-Shepherd, Wang et al. 2023 (arXiv:2312.08935), marker `ки`, tokens `+` and `-`. Turns of a
 * conversation: RLHFlow, Xiong et al. 2024 (github.com/RLHFlow/RLHF-Reward-Modeling), where each step is a turn of the user
 * and the good token is the assistant's answer.
 *
 * @module
 */
import type { Message, Prompt } from '../contracts/prompt.ts';
import type { StepScorer } from '../contracts/scorer.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { InvalidOptionError, ModelError, ModelLoadError } from '../errors.ts';
import { requireLocalModel } from '../models/local-model.ts';
import { answeredPrompt, completeSteps, markedPlaces, plainTextOf, turnsOf, wordTokens } from './conversation.ts';
import { LocalScorer } from './local-scorer.ts';
import type { JudgedTokens } from './prefix-judge.ts';
import type { Scoring } from './scoring.ts';
import { TokenModelScoring, type PromptReading, type Reading, type TokenModelScoringOptions } from './token-model-scoring.ts';

/** Each step is a turn of the user, answered with the good token by the assistant; the first step follows the question. */
export interface TurnLayout {
  readonly kind: 'turns';
  /** Between the question and the first step. @default ' ' */
  readonly joiner?: string;
}

/** Each step is followed by a marker, behind which the model judges it. */
export interface InlineLayout {
  readonly kind: 'inline';
  /** One token of the model. Taken out of the steps themselves. */
  readonly marker: string;
  /** Between a step and its marker. @default ' ' */
  readonly before?: string;
  /** Behind a marker. @default '\n' */
  readonly after?: string;
  /** Whether the question goes through the model's chat template, the steps being the assistant's answer, or all is plain text. @default 'plain' */
  readonly question?: 'template' | 'plain';
}

export interface CausalPrmScorerOptions extends TokenModelScoringOptions {
  readonly layout: TurnLayout | InlineLayout;
  /** Text between the steps of a solution. @default '\n\n' */
  readonly separator?: string;
  /** Text of the token for a good step. @default '+' */
  readonly good?: string;
  /** Text of the token for a bad step. @default '-' */
  readonly bad?: string;
}

/**
 * Scores in a worker thread where the platform has one; calls take turns batch by batch. A text that goes on from
 * one scored before costs only its new tokens. One pass a step, whatever the number of texts up to `maxRows`.
 */
export class CausalPrmScorer extends LocalScorer<readonly number[]> implements StepScorer {
  readonly kind = 'step';

  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor(options: CausalPrmScorerOptions) {
    super('causal-prm', options, causalPrmScoring(options));
  }
}

/** @internal The scorer's work in the calling thread. @throws {InvalidOptionError} */
export function causalPrmScoring({ layout, separator = '\n\n', good = '+', bad = '-', ...options }: CausalPrmScorerOptions): Scoring<readonly number[]> {
  if (layout.kind !== 'turns' && layout.kind !== 'inline') throw new InvalidOptionError('layout.kind', "'turns' or 'inline'", (layout as TurnLayout).kind);
  if (separator === '') throw new InvalidOptionError('separator', 'text that is not empty', separator);
  const { name } = requireLocalModel('model', options.model);
  const layOut = layout.kind === 'turns' ? turns(layout) : inline(layout);
  return new TokenModelScoring({ ...options, separator }, (_, tokenizer) => pairReading({ name, tokenizer, separator, good, layOut }, bad));
}

type LayOut = (tokenizer: Tokenizer, prompt: Prompt, steps: readonly string[], good: string) => JudgedTokens;

interface PairSource {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly separator: string;
  readonly good: string;
  readonly layOut: LayOut;
}

/** @throws {ModelLoadError} when the two tokens cannot be told apart. */
function pairReading({ name, tokenizer, separator, good, layOut }: PairSource, bad: string): Reading<JudgedTokens> {
  const [goodToken, badToken] = [good, bad].map((text) => wordTokens(tokenizer, text)[0]);
  if (goodToken === undefined || badToken === undefined || goodToken === badToken) {
    throw new ModelLoadError(name, `${name} has no two tokens for ${JSON.stringify(good)} and ${JSON.stringify(bad)}.`);
  }
  return {
    // Softmax over the two.
    reader: { readsToken: false, read: (logits, start) => 1 / (1 + Math.exp(logits[start + badToken]! - logits[start + goodToken]!)) },
    forPrompt: (prompt): PromptReading<JudgedTokens> => ({
      promptTokens: tokenizer.encodePrompt(prompt).length,
      layOut: (text) => layOut(tokenizer, prompt, completeSteps(text, separator), good),
      stepScores: (_, values) => values,
    }),
  };
}

function turns({ joiner = ' ' }: TurnLayout): LayOut {
  return (tokenizer, prompt, steps, good) => {
    const asked = turnsOf(prompt);
    const question = asked.at(-1)!;
    const conversation: Message[] = [...asked.slice(0, -1)];
    const positions: number[] = [];
    let tokens: readonly number[] = [];
    for (const [index, step] of steps.entries()) {
      conversation.push({ role: 'user', content: index === 0 ? question.content + joiner + step : step });
      const longer = tokenizer.encodePrompt(conversation);
      if (tokens.some((token, place) => longer[place] !== token)) {
        throw new ModelError('The chat template rewrites earlier turns when a conversation goes on, so its steps cannot be scored in one pass.');
      }
      tokens = longer;
      positions.push(tokens.length);
      conversation.push({ role: 'assistant', content: good });
    }
    return { tokens, positions };
  };
}

function inline({ marker, before = ' ', after = '\n', question = 'plain' }: InlineLayout): LayOut {
  if (typeof marker !== 'string' || marker === '') throw new InvalidOptionError('layout.marker', 'text that is not empty', marker);
  return (tokenizer, prompt, steps) => {
    const content = steps.map((step) => step.replaceAll(marker, '') + before + marker).join(after);
    const tokens = tokenizer.encodePrompt(question === 'plain' ? { text: `${plainTextOf(prompt)} ${content}` } : answeredPrompt(prompt, content, ' '));
    const positions = markedPlaces(tokenizer, tokens, marker, steps.length).map((place) => place + 1);
    return { tokens: tokens.slice(0, positions.at(-1)), positions };
  };
}

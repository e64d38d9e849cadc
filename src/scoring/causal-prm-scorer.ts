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
import * as v from 'valibot';
import type { Message, Prompt } from '../contracts/prompt.ts';
import type { StepScorer } from '../contracts/scorer.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ModelError, ModelLoadError } from '../errors.ts';
import { anyText, byKind, oneOf, readOptions, text, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { answeredPrompt, completeSteps, markedPlaces, plainTextOf, turnsOf, wordTokens } from './conversation.ts';
import { LocalScorer } from './local-scorer.ts';
import type { JudgedTokens } from './prefix-judge.ts';
import type { Scoring } from './scoring.ts';
import { TokenModelScoring, tokenModelScoringEntries, type PromptReading, type Reading } from './token-model-scoring.ts';

/** Each step is a turn of the user, answered with the good token by the assistant; the first step follows the question. */
export const turnLayoutEntries = {
  /** How steps are shown. */
  kind: v.literal('turns', "'turns'"),
  /** Between the question and the first step. @default ' ' */
  joiner: v.optional(anyText, ' '),
};

/** Each step is followed by a marker, after which the model judges it. */
export const markedLayoutEntries = {
  /** How steps are shown. */
  kind: v.literal('inline', "'inline'"),
  /** One token of the model. Taken out of the steps themselves. */
  marker: text,
  /** Between a step and its marker. @default ' ' */
  before: v.optional(anyText, ' '),
  /** After a marker. @default '\n' */
  after: v.optional(anyText, '\n'),
};

export const inlineLayoutEntries = {
  ...markedLayoutEntries,
  /** Whether the question goes through the model's chat template, the steps being the assistant's answer, or all is plain text. @default 'plain' */
  question: v.optional(oneOf(['template', 'plain']), 'plain'),
};

export interface TurnLayout extends OptionsOf<typeof turnLayoutEntries> {}
export interface InlineLayout extends OptionsOf<typeof inlineLayoutEntries> {}

/** Of models that say by a token whether a step is good. */
export const judgedStepsEntries = {
  /** Text between the steps of a solution. @default '\n\n' */
  separator: v.optional(text, '\n\n'),
  /** Text of the token for a good step. @default '+' */
  good: v.optional(text, '+'),
  /** Text of the token for a bad step. @default '-' */
  bad: v.optional(text, '-'),
};

export const causalPrmScorerEntries = {
  /** How the model is shown the steps. */
  layout: byKind<TurnLayout | InlineLayout, SettingsOf<typeof turnLayoutEntries> | SettingsOf<typeof inlineLayoutEntries>>({
    turns: turnLayoutEntries,
    inline: inlineLayoutEntries,
  }),
  ...judgedStepsEntries,
  ...tokenModelScoringEntries,
};

export interface CausalPrmScorerOptions extends OptionsOf<typeof causalPrmScorerEntries> {}

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
export function causalPrmScoring(options: CausalPrmScorerOptions): Scoring<readonly number[]> {
  const { layout, good, bad, ...settings } = readOptions(causalPrmScorerEntries, options);
  const {
    model: { name },
    separator,
  } = settings;
  const layOut = layout.kind === 'turns' ? turns(layout) : inline(layout);
  return new TokenModelScoring(settings, (_, tokenizer) => pairReading({ name, tokenizer, separator, good, layOut }, bad));
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

function turns({ joiner }: SettingsOf<typeof turnLayoutEntries>): LayOut {
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

function inline({ marker, before, after, question }: SettingsOf<typeof inlineLayoutEntries>): LayOut {
  return (tokenizer, prompt, steps) => {
    const content = steps.map((step) => step.replaceAll(marker, '') + before + marker).join(after);
    const tokens = tokenizer.encodePrompt(question === 'plain' ? { text: `${plainTextOf(prompt)} ${content}` } : answeredPrompt(prompt, content, ' '));
    const positions = markedPlaces(tokenizer, tokens, marker, steps.length).map((place) => place + 1);
    return { tokens: tokens.slice(0, positions.at(-1)), positions };
  };
}

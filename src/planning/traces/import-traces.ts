import { equivalent } from '../../answers/equivalent.ts';
import { extractAnswer } from '../../answers/extract-answer.ts';
import type { AnswerEquivalence, AnswerExtractor } from '../../contracts/answer.ts';
import type { SamplingOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { BranchTrace, ProblemTrace } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { resolveSampling } from '../../maths/sampling.ts';
import { TokenEnds } from './token-ends.ts';

/** One text that a model wrote, as logs have it. */
export interface ImportedText {
  readonly prompt: Prompt;
  readonly text: string;
  /** @default found in the text */
  readonly answer?: string;
  /** The right answer. */
  readonly reference?: string;
  /** @default a quarter of the characters */
  readonly tokens?: number;
  /** Tokens of the prompt. @default a quarter of its characters */
  readonly promptTokens?: number;
  /** @default numbered by prompt */
  readonly id?: string;
  readonly group?: string;
  /** Scores of its steps, or one of the whole. */
  readonly scores?: readonly number[];
}

export interface ImportTracesOptions {
  /**
   * How the texts were sampled. Of prompts whose texts were sampled in several ways, import those of each way apart, and plans
   * choose among the ways. @default as the engine does that plans will run on
   */
  readonly sampling?: SamplingOptions;
  /** @default after `####`, in `\boxed{}`, or the last number */
  readonly extract?: AnswerExtractor;
  /** Whether an answer is the reference. @default `equivalent` */
  readonly isSame?: AnswerEquivalence;
}

const CHARACTERS_A_TOKEN = 4;

/**
 * Traces from texts that exist already, so that a model can be planned for of which there are only logs. Texts with one prompt
 * are branches of one problem. Their tokens are spread evenly; what a branch would have answered early is not known.
 *
 * @throws {InvalidOptionError} without any text, and for sampling that makes no sense.
 */
export function importTraces(texts: readonly ImportedText[], options: ImportTracesOptions = {}): ProblemTrace[] {
  if (texts.length === 0) throw new InvalidOptionError('texts', 'a list of at least one', texts);
  resolveSampling(options.sampling);
  const byPrompt = new Map<string, ImportedText[]>();
  for (const text of texts) {
    const key = JSON.stringify(text.prompt);
    byPrompt.set(key, [...(byPrompt.get(key) ?? []), text]);
  }
  return [...byPrompt.values()].map((group, index) => {
    const [first] = group as [ImportedText];
    const { prompt, reference, id = String(index), promptTokens = tokensOf(JSON.stringify(prompt)) } = first;
    const branches = group.map((text) => branchOf(text, options));
    // No run with a seed has just these branches in this order.
    return {
      id,
      prompt,
      ...(reference !== undefined && { reference }),
      ...(first.group !== undefined && { group: first.group }),
      promptTokens,
      seed: -1,
      ...(options.sampling && { sampling: options.sampling }),
      branches,
    };
  });
}

function branchOf({ text, answer: given, reference, tokens = tokensOf(text), scores }: ImportedText, options: ImportTracesOptions): BranchTrace {
  const { extract = extractAnswer, isSame = equivalent } = options;
  const answer = given ?? extract(text);
  return {
    text,
    ends: TokenEnds.whole(text.length, tokens, () => undefined),
    logprobs: [],
    finish: 'end',
    ...(answer !== undefined && { answer }),
    ...(reference !== undefined && { isRight: answer !== undefined && isSame(answer, reference) }),
    ...(scores && { scores }),
  };
}

function tokensOf(text: string): number {
  return Math.max(1, Math.ceil(text.length / CHARACTERS_A_TOKEN));
}

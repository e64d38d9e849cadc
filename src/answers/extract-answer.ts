/**
 * Finding the final answer in a text. Extractors are plain functions and compose with `firstOf`.
 *
 * @module
 */
import type { AnswerExtractor } from '../contracts/answer.ts';
import { boxedAnswer } from './extraction/boxed.ts';
import { choiceAnswer } from './extraction/choice.ts';
import { closingAnswer } from './extraction/closing.ts';
import { answerAfterHashes } from './extraction/hashes.ts';
import { lastNumberIn } from './extraction/numbers.ts';
import { proseIn } from './extraction/said.ts';
import { statedAnswer } from './extraction/stated.ts';
import { codeAnswer, jsonAnswer } from './extraction/structured.ts';

export { answerAfterHashes, boxedAnswer, choiceAnswer, codeAnswer, jsonAnswer, statedAnswer };

/** What an answer looks like. */
export type AnswerKind = 'any' | 'number' | 'choice' | 'json' | 'code';

export interface ExtractAnswerOptions {
  /**
   * `any`: after `####`, in a box, stated in a sentence, or the last number with the mathematics it stands in; `number`: the last number in any of these;
   * `choice`: the letter of a multiple choice; `json`: a field of the last JSON object; `code`: the last fenced block.
   *
   * @default 'any'
   */
  readonly kind?: AnswerKind;
  /** Letters of the choices. Only for `choice`. @default 'ABCDEFGHIJ' */
  readonly letters?: string;
  /** Name of the field. Only for `json`. @default 'answer' */
  readonly field?: string;
  /** Language of the block. Only for `code`. @default any */
  readonly language?: string;
}

/** The first extractor's answer, else the next one's. */
export function firstOf(...extractors: readonly AnswerExtractor[]): AnswerExtractor {
  return (text) => {
    for (const extract of extractors) {
      const answer = extract(text);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}

/** The last number in the text; a fraction of two integers is one. */
export const lastNumber: AnswerExtractor = (text) => lastNumberIn(proseIn(text));

/** An answer that was written out: after `####` or in `\boxed{}`. A text without one is unfinished. */
export const explicitAnswer: AnswerExtractor = firstOf(answerAfterHashes, boxedAnswer);

/** What `extractAnswer` finds by default; a bundle that needs no other kind is smaller with it. */
export const anyAnswer: AnswerExtractor = firstOf(explicitAnswer, statedAnswer, closingAnswer);

/** The final answer of a text, by what it looks like; `undefined` where there is none. Never throws. */
export function extractAnswer(text: string, { kind = 'any', letters, field, language }: ExtractAnswerOptions = {}): string | undefined {
  switch (kind) {
    case 'number':
      return numberIn(explicitAnswer(text), text) ?? numberIn(statedAnswer(text), text) ?? lastNumber(text);
    case 'choice':
      return choiceAnswer(text, letters);
    case 'json':
      return jsonAnswer(field)(text);
    case 'code':
      return codeAnswer(language)(text);
    case 'any':
      return anyAnswer(text);
  }
}

/** @param text - What the answer was found in, whose style of numbers it has unless it has its one form already. */
function numberIn(answer: string | undefined, text: string): string | undefined {
  return answer === undefined || /^-?\d+(?:\.\d+)?$/.test(answer) ? answer : lastNumberIn(answer, text);
}

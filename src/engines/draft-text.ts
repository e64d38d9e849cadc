import type { DecidedDraft } from '../contracts/engine.ts';

/**
 * Where a draft begins in a branch's text, and what each of its tokens says. They are decoded after what stands before them: many
 * tokenizers write a first token in another way, or a character in several.
 */
export function draftText(
  before: readonly number[],
  tokens: readonly number[],
  decode: (tokens: readonly number[]) => string,
): Pick<DecidedDraft, 'offset' | 'drafted'> {
  const ends = [0, ...tokens.map((_, index) => index + 1)].map((count) => decode([...before, ...tokens.slice(0, count)]));
  return { offset: ends[0]!.length, drafted: tokens.map((_, index) => ends[index + 1]!.slice(ends[index]!.length)) };
}

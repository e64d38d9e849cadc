import type { Prompt } from './prompt.ts';

/**
 * Text to token ids and back. Implementations are synchronous and hold no state between calls.
 *
 * `encode` and `decode` are for text that follows other text: forced text, a stop string, what a branch has written. A tokenizer
 * that puts a space before every text (SentencePiece) does so for prompts only.
 */
export interface Tokenizer {
  /** Number of ids the tokenizer can produce. */
  readonly vocabularySize: number;
  /** Equal for two tokenizers only if they give every token the same id. */
  readonly fingerprint: string;
  /** Ids that end a text or a turn, besides the model's own `endTokens`. @default none */
  readonly endTokens?: ReadonlySet<number>;
  /** What the model was trained to write before its answers, such as `\n#### `: `answer_suffix` of `tokenizer_config.json`. */
  readonly answerSuffix?: string | undefined;
  /** Ids of plain text, without special tokens added around it. */
  encode(text: string): number[];
  /** Text of ids; special tokens are left out. */
  decode(tokens: readonly number[]): string;
  /** Ids of a prompt, through the chat template where it has turns. */
  encodePrompt(prompt: Prompt): number[];
}

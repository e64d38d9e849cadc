import type { Message, Prompt } from '../../contracts/prompt.ts';
import { InvalidOptionError } from '../../errors.ts';
import type { LlamaChatItem, LlamaChatWrapperLike, LlamaModelLike } from './llama-interface.ts';

/** A character is written in no more tokens than it can have bytes. */
const TOKENS_BEFORE = 4;

/** The tokenizer in a GGUF file, with a chat template where one is given. */
export class LlamaTokenizer {
  readonly #model: LlamaModelLike;
  readonly #chatWrapper: LlamaChatWrapperLike | undefined;
  #vocabularySize: number | undefined;

  constructor(model: LlamaModelLike, chatWrapper: LlamaChatWrapperLike | undefined) {
    this.#model = model;
    this.#chatWrapper = chatWrapper;
  }

  get vocabularySize(): number {
    this.#vocabularySize ??= [...this.#model.iterateAllTokens()].length;
    return this.#vocabularySize;
  }

  /** Whether a token ends a text. */
  isEnd(token: number): boolean {
    return this.#model.isEogToken(token);
  }

  encode(text: string): number[] {
    return [...this.#model.tokenize(text, false, 'trimLeadingSpace')];
  }

  decode(tokens: readonly number[]): string {
    return tokens.length === 0 ? '' : this.#model.detokenize(tokens, false);
  }

  /** Text of tokens that come after others: many tokenizers write a first token in another way. */
  decodeAfter(before: readonly number[], tokens: readonly number[]): string {
    return tokens.length === 0 ? '' : this.#model.detokenize(tokens, false, before.slice(-TOKENS_BEFORE));
  }

  encodePrompt(prompt: Prompt): number[] {
    if (typeof prompt === 'string') {
      // A base model has no template; a question is then a text to go on from.
      const hasTemplate = this.#chatWrapper ?? this.#model.fileInfo?.metadata?.tokenizer?.chat_template;
      return hasTemplate ? this.#encodeMessages([{ role: 'user', content: prompt }]) : this.#encodeWhole(prompt);
    }
    return 'text' in prompt ? this.#encodeWhole(prompt.text) : this.#encodeMessages(prompt);
  }

  /** Text in which special tokens are written out, after the token that begins every text of the model. */
  #encodeWhole(text: string): number[] {
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    const tokens = this.#model.tokenize(text, true);
    return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : [...tokens];
  }

  /** A last message of the assistant is continued, not answered. */
  #encodeMessages(messages: readonly Message[]): number[] {
    if (!this.#chatWrapper) {
      const advice = 'Pass `chatWrapper: resolveChatWrapper(model)` of node-llama-cpp to `llamaCppEngine`.';
      throw new InvalidOptionError('prompt', '`{ text }`, since the engine was given no chat template', messages, advice);
    }
    if (messages.length === 0) throw new InvalidOptionError('prompt', 'at least one message', messages);
    const chatHistory = messages.map(({ role, content }): LlamaChatItem => {
      if (role === 'assistant') return { type: 'model', response: [content] };
      return { type: role, text: content };
    });
    if (chatHistory.at(-1)!.type !== 'model') chatHistory.push({ type: 'model', response: [] });
    return [...this.#chatWrapper.generateContextState({ chatHistory }).contextText.tokenize(this.#model.tokenizer)];
  }
}

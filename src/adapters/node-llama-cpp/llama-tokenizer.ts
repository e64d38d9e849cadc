import type { Message, Prompt } from '../../contracts/prompt.ts';
import type { Tokenizer } from '../../contracts/tokenizer.ts';
import { InvalidOptionError } from '../../errors.ts';
import type { LlamaChatItem, LlamaChatWrapperLike, LlamaModelLike } from './llama-interface.ts';

/** The tokenizer in a GGUF file, with a chat template where one is given. */
export class LlamaTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly #model: LlamaModelLike;
  readonly #chatWrapper: LlamaChatWrapperLike | undefined;
  #fingerprint: string | undefined;

  constructor(model: LlamaModelLike, chatWrapper: LlamaChatWrapperLike | undefined) {
    this.#model = model;
    this.#chatWrapper = chatWrapper;
    this.vocabularySize = [...model.iterateAllTokens()].length;
  }

  get fingerprint(): string {
    this.#fingerprint ??= fingerprintOf(this.#model);
    return this.#fingerprint;
  }

  encode(text: string): number[] {
    return [...this.#model.tokenize(text, false, 'trimLeadingSpace')];
  }

  decode(tokens: readonly number[]): string {
    return tokens.length === 0 ? '' : this.#model.detokenize(tokens, false);
  }

  encodePrompt(prompt: Prompt): number[] {
    if (typeof prompt === 'string') {
      // A base model has no template; a question is then a text to go on from.
      return this.#chatWrapper ? this.#encodeMessages([{ role: 'user', content: prompt }]) : this.#encodeWhole(prompt);
    }
    return 'text' in prompt ? this.#encodeWhole(prompt.text) : this.#encodeMessages(prompt);
  }

  /** Text in which special tokens are written out, behind the token that begins every text of the model. */
  #encodeWhole(text: string): number[] {
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    const tokens = this.#model.tokenize(text, true);
    return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : [...tokens];
  }

  /** A last message of the assistant is continued, not answered. */
  #encodeMessages(messages: readonly Message[]): number[] {
    if (!this.#chatWrapper) {
      const advice = 'Pass `chatWrapper: resolveChatWrapper(model)` of node-llama-cpp, or a prompt as text.';
      throw new InvalidOptionError('prompt', 'text, since the model was given no chat template', messages, advice);
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

/** FNV-1a over the text of every token. */
function fingerprintOf(model: LlamaModelLike): string {
  let hash = 0x811c9dc5;
  for (const token of model.iterateAllTokens()) {
    for (const character of `${model.detokenize([token], true)}\u0000`) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  }
  return `gguf ${hash.toString(16)}`;
}

import type { PreTrainedTokenizer } from '@huggingface/transformers';
import type { Message, Prompt } from '../contracts/prompt.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ChatTemplateError, InvalidOptionError } from '../errors.ts';
import { chooseChatTemplate, templatesOf } from './chat-template.ts';

/** Contents of a Hugging Face tokenizer's files. */
export interface TokenizerFiles {
  /** `tokenizer.json`, parsed. */
  readonly tokenizer: object;
  /** `tokenizer_config.json`, parsed. */
  readonly config: object;
  /** Jinja template for messages. @default the one in `config`, if any */
  readonly chatTemplate?: string | undefined;
}

const NO_TEMPLATE = 'Pass a string or `{ text }`, or give the model a `chatTemplate` when you load it.';

/** A tokenizer of transformers.js behind the library's contract. */
export class HubTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly #tokenizer: PreTrainedTokenizer;
  readonly #chatTemplate: string | undefined;
  #fingerprint: string | undefined;

  /** @param chatTemplate - Jinja template for messages; without one, messages are refused. */
  constructor(tokenizer: PreTrainedTokenizer, chatTemplate: string | undefined) {
    this.#tokenizer = tokenizer;
    this.#chatTemplate = chatTemplate;
    this.vocabularySize = tokenizer.get_vocab().size;
  }

  /** Imports transformers.js, which takes a few hundred milliseconds the first time. */
  static async fromFiles(files: TokenizerFiles): Promise<HubTokenizer> {
    const { PreTrainedTokenizer: Class } = await import('@huggingface/transformers');
    const { tokenizer, config, chatTemplate = chooseChatTemplate('The tokenizer', templatesOf(config), undefined) } = files;
    return new HubTokenizer(new Class(tokenizer, config), chatTemplate);
  }

  get fingerprint(): string {
    this.#fingerprint ??= fingerprintOf(this.#tokenizer.get_vocab() as Map<string, number>);
    return this.#fingerprint;
  }

  encode(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false });
  }

  decode(tokens: readonly number[]): string {
    if (tokens.length === 0) return '';
    return this.#tokenizer.decode([...tokens], { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  }

  encodePrompt(prompt: Prompt): number[] {
    if (typeof prompt === 'string') {
      // A base model has no template; a question is then a text to go on from.
      return this.#chatTemplate === undefined ? this.#tokenizer.encode(prompt) : this.#encodeMessages([{ role: 'user', content: prompt }]);
    }
    if ('text' in prompt) return this.#tokenizer.encode(prompt.text);
    if (this.#chatTemplate === undefined) throw new InvalidOptionError('prompt', 'text, since the model has no chat template', prompt, NO_TEMPLATE);
    return this.#encodeMessages(prompt);
  }

  /** A last message of the assistant is continued, not answered. */
  #encodeMessages(messages: readonly Message[]): number[] {
    if (messages.length === 0) throw new InvalidOptionError('prompt', 'at least one message', messages);
    const last = messages.at(-1)!;
    const isContinued = last.role === 'assistant';
    const asked = isContinued ? messages.slice(0, -1) : messages;
    const rendered = this.#render(asked);
    return this.#tokenizer.encode(isContinued ? rendered + last.content : rendered, { add_special_tokens: false });
  }

  /** @throws {ChatTemplateError} */
  #render(messages: readonly Message[]): string {
    try {
      return this.#tokenizer.apply_chat_template(
        messages.map(({ role, content }) => ({ role, content })),
        { chat_template: this.#chatTemplate!, add_generation_prompt: true, tokenize: false },
      );
    } catch (error) {
      throw new ChatTemplateError(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }
}

/** FNV-1a over the tokens in the order of their ids. */
function fingerprintOf(vocabulary: ReadonlyMap<string, number>): string {
  let hash = 0x811c9dc5;
  for (const [token, id] of [...vocabulary].sort(([, left], [, right]) => left - right)) {
    for (const unit of `${id}:${token}\n`) hash = Math.imul(hash ^ unit.codePointAt(0)!, 0x01000193);
  }
  return `${vocabulary.size}-${(hash >>> 0).toString(16)}`;
}

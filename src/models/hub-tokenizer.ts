import type { PreTrainedTokenizer } from '@huggingface/transformers';
import type { Message, Prompt } from '../contracts/prompt.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ChatTemplateError, InvalidOptionError } from '../errors.ts';
import { chooseChatTemplate, templatesOf } from './chat-template.ts';
import { withoutLeadingSpace } from './continuation.ts';
import { turnEnd } from './end-tokens.ts';
import { importTransformers } from './transformers.ts';

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
  readonly endTokens: ReadonlySet<number>;
  readonly answerSuffix: string | undefined;
  /** For whole texts. */
  readonly #whole: PreTrainedTokenizer;
  /** For what follows another text; the same one but for tokenizers that put a space before every text. */
  readonly #following: PreTrainedTokenizer;
  readonly #chatTemplate: string | undefined;
  #fingerprint: string | undefined;

  private constructor(whole: PreTrainedTokenizer, following: PreTrainedTokenizer, chatTemplate: string | undefined) {
    this.#whole = whole;
    this.#following = following;
    this.#chatTemplate = chatTemplate;
    this.vocabularySize = whole.get_vocab().size;
    this.endTokens = this.#findEndTokens();
    const { answer_suffix: suffix } = (whole as unknown as { readonly _tokenizerConfig?: Readonly<Record<string, unknown>> })._tokenizerConfig ?? {};
    this.answerSuffix = typeof suffix === 'string' && suffix.trim() !== '' ? suffix : undefined;
  }

  /** Imports transformers.js, which takes a few hundred milliseconds the first time. */
  static async fromFiles(files: TokenizerFiles): Promise<HubTokenizer> {
    const { PreTrainedTokenizer: Class } = await importTransformers();
    const { tokenizer, chatTemplate = chooseChatTemplate('The tokenizer', templatesOf(files.config), undefined) } = files;
    // A token that is an object is known to transformers.js only where it names its class, which many files leave out.
    const config = Object.fromEntries(Object.entries(files.config).map(([key, value]) => [key, key.endsWith('_token') ? tokenContent(value) : value]));
    const whole = new Class(tokenizer, config);
    const following = withoutLeadingSpace(tokenizer);
    return new HubTokenizer(whole, following === tokenizer ? whole : new Class(following, config), chatTemplate);
  }

  get fingerprint(): string {
    this.#fingerprint ??= fingerprintOf(this.#whole.get_vocab() as Map<string, number>);
    return this.#fingerprint;
  }

  encode(text: string): number[] {
    return this.#following.encode(text, { add_special_tokens: false });
  }

  decode(tokens: readonly number[]): string {
    if (tokens.length === 0) return '';
    return this.#following.decode([...tokens], { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  }

  encodePrompt(prompt: Prompt): number[] {
    if (typeof prompt === 'string') {
      // A base model has no template; a question is then a text to go on from.
      return this.#chatTemplate === undefined ? this.#whole.encode(prompt) : this.#encodeMessages([{ role: 'user', content: prompt }]);
    }
    if ('text' in prompt) return this.#whole.encode(prompt.text);
    if (this.#chatTemplate === undefined) throw new InvalidOptionError('prompt', 'text, since the model has no chat template', prompt, NO_TEMPLATE);
    return this.#encodeMessages(prompt);
  }

  /** A last message of the assistant is continued, not answered. */
  #encodeMessages(messages: readonly Message[]): number[] {
    if (messages.length === 0) throw new InvalidOptionError('prompt', 'at least one message', messages);
    const last = messages.at(-1)!;
    const isContinued = last.role === 'assistant';
    const rendered = this.#render(isContinued ? messages.slice(0, -1) : messages, true);
    return this.#whole.encode(isContinued ? rendered + last.content : rendered, { add_special_tokens: false });
  }

  /** @throws {ChatTemplateError} */
  #render(messages: readonly Message[], asksForAnswer: boolean): string {
    try {
      return this.#whole.apply_chat_template(
        messages.map(({ role, content }) => ({ role, content })),
        { chat_template: this.#chatTemplate!, add_generation_prompt: asksForAnswer, tokenize: false },
      );
    } catch (error) {
      throw new ChatTemplateError(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  #findEndTokens(): ReadonlySet<number> {
    const { all_special_tokens: special } = this.#whole;
    const ends = [this.#whole.eos_token, this.#chatTemplate === undefined ? undefined : turnEnd((messages) => this.#render(messages, false), special)];
    const vocabulary = this.#whole.get_vocab() as Map<string, number>;
    return new Set(ends.flatMap((token) => vocabulary.get(token ?? '') ?? []));
  }
}

/** A token of a configuration: its text, or an object with it. */
function tokenContent(token: unknown): unknown {
  return typeof token === 'object' && token !== null && 'content' in token ? token.content : token;
}

/** FNV-1a over the tokens in the order of their ids. */
function fingerprintOf(vocabulary: ReadonlyMap<string, number>): string {
  let hash = 0x811c9dc5;
  for (const [token, id] of [...vocabulary].sort(([, left], [, right]) => left - right)) {
    for (const unit of `${id}:${token}\n`) hash = Math.imul(hash ^ unit.codePointAt(0)!, 0x01000193);
  }
  return `${vocabulary.size}-${(hash >>> 0).toString(16)}`;
}

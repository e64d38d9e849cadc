/** Derives the bundled tokenizer from the problem lexicon and writes it in Hugging Face's format. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { CONTAINERS, ITEMS, PEOPLE, PLACES, RECEIVERS, TIMES_WORDS } from '../src/problems/lexicon.ts';
import { TEMPLATES } from '../src/problems/templates.ts';

const SPECIAL = ['<pad>', '<s>', '</s>', '<unk>', '<|user|>', '<|assistant|>'] as const;
const SYMBOLS = ['\n', ' ', '#### ', ...'0123456789+-*/=.,?!:;\'"$%()'];
/** One token each: a run of hashes with its space, a word with the space before it, a digit, white space, a symbol. */
const PIECE = '#+ ?| ?[a-z]+|[0-9]| |\\n|[^\\sa-z0-9#]';

/** Words that can be replaced by `<unk>` in training, so that unknown names and things do no harm. */
export const REPLACEABLE: ReadonlySet<string> = new Set(
  [...PEOPLE.map((person) => person.name), ...ITEMS, ...CONTAINERS, ...RECEIVERS, ...PLACES].map((word) => ` ${word.toLowerCase()}`),
);

export const vocabulary: ReadonlyMap<string, number> = buildVocabulary();

function buildVocabulary(): Map<string, number> {
  const told = [...Object.values(TEMPLATES).flat(), ...Object.values(TIMES_WORDS)].join(' ').replace(/\{\w+\}/g, ' ');
  const words = told.toLowerCase().match(/[a-z]+/g) ?? [];
  const pieces = [...SPECIAL, ...SYMBOLS, ...[...new Set([...words.map((word) => ` ${word}`), ...REPLACEABLE])].sort()];
  return new Map(pieces.map((piece, id) => [piece, id]));
}

/** Token ids of plain text, without special tokens. The same rule as `tokenizer.json` states. */
export function encode(text: string): number[] {
  const pieces = text.toLowerCase().match(new RegExp(PIECE, 'g')) ?? [];
  return pieces.map((piece) => vocabulary.get(piece) ?? vocabulary.get('<unk>')!);
}

export function specialId(token: (typeof SPECIAL)[number]): number {
  return vocabulary.get(token)!;
}

/** The prompt of a question exactly as the chat template renders it. */
export function encodePrompt(question: string): number[] {
  return [specialId('<s>'), specialId('<|user|>'), ...encode(` ${question.trim()}`), specialId('<|assistant|>')];
}

const CHAT_TEMPLATE =
  "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}{{ eos_token }}" +
  "{% else %}<|user|> {{ message['content'] | trim }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

export function writeTokenizer(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Split', pattern: { Regex: PIECE }, behavior: 'Isolated', invert: false },
    post_processor: null,
    decoder: { type: 'Fuse' },
    model: {
      type: 'WordPiece',
      unk_token: '<unk>',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary),
    },
  };
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: 512,
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<unk>',
    pad_token: '<pad>',
    clean_up_tokenization_spaces: false,
    chat_template: CHAT_TEMPLATE,
  };
  writeFileSync(`${directory}/tokenizer.json`, `${JSON.stringify(tokenizer, null, 1)}\n`);
  writeFileSync(`${directory}/tokenizer_config.json`, `${JSON.stringify(config, null, 2)}\n`);
}

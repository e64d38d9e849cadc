/** Shapes of well-known models, from the `config.json` that each publishes. */
import { InvalidOptionError } from '../../errors.ts';
import { requireWholeNumber } from '../../options.ts';

/** What decides the cost of a decoder-only transformer with gated feed-forward layers, in the words of a hub `config.json`. */
export interface ModelShape {
  readonly name: string;
  /** `num_hidden_layers` */
  readonly layers: number;
  /** `hidden_size` */
  readonly hiddenWidth: number;
  /** `intermediate_size`: width of the gated feed-forward layer. */
  readonly feedForwardWidth: number;
  /** `num_attention_heads` */
  readonly queryHeads: number;
  /** `num_key_value_heads` */
  readonly keyValueHeads: number;
  /** `head_dim`, else `hidden_size / num_attention_heads` */
  readonly headWidth: number;
  /** `vocab_size` */
  readonly vocabularySize: number;
  /** `tie_word_embeddings`: one table for input and output. */
  readonly isTied: boolean;
  /** Where the numbers are from. */
  readonly source: string;
}

/** `[layers, hidden, feed-forward, query heads, key-value heads, head width, vocabulary, tied]` */
type Row = readonly [number, number, number, number, number, number, number, boolean];

const shape = (
  name: string,
  source: string,
  [layers, hiddenWidth, feedForwardWidth, queryHeads, keyValueHeads, headWidth, vocabularySize, isTied]: Row,
): ModelShape => ({
  name,
  layers,
  hiddenWidth,
  feedForwardWidth,
  queryHeads,
  keyValueHeads,
  headWidth,
  vocabularySize,
  isTied,
  source: `config.json of ${source} on the Hugging Face hub`,
});

const qwen = (size: string, row: Row): ModelShape => shape(`Qwen2.5 ${size}`, `Qwen/Qwen2.5-${size}`, row);
const llama = (name: string, id: string, row: Row): ModelShape => shape(name, `meta-llama/${id}`, row);

/** Published shapes by name, to plan for models that are not at hand. */
export const MODEL_SHAPES = {
  'qwen2.5-0.5b': qwen('0.5B', [24, 896, 4864, 14, 2, 64, 151_936, true]),
  'qwen2.5-1.5b': qwen('1.5B', [28, 1536, 8960, 12, 2, 128, 151_936, true]),
  'qwen2.5-3b': qwen('3B', [36, 2048, 11_008, 16, 2, 128, 151_936, true]),
  'qwen2.5-7b': qwen('7B', [28, 3584, 18_944, 28, 4, 128, 152_064, false]),
  'qwen2.5-14b': qwen('14B', [48, 5120, 13_824, 40, 8, 128, 152_064, false]),
  'qwen2.5-32b': qwen('32B', [64, 5120, 27_648, 40, 8, 128, 152_064, false]),
  'qwen2.5-72b': qwen('72B', [80, 8192, 29_568, 64, 8, 128, 152_064, false]),
  'llama-3.2-1b': llama('Llama 3.2 1B', 'Llama-3.2-1B', [16, 2048, 8192, 32, 8, 64, 128_256, true]),
  'llama-3.2-3b': llama('Llama 3.2 3B', 'Llama-3.2-3B', [28, 3072, 8192, 24, 8, 128, 128_256, true]),
  'llama-3.1-8b': llama('Llama 3.1 8B', 'Llama-3.1-8B', [32, 4096, 14_336, 32, 8, 128, 128_256, false]),
  'llama-3.1-70b': llama('Llama 3.1 70B', 'Llama-3.1-70B', [80, 8192, 28_672, 64, 8, 128, 128_256, false]),
} as const satisfies Readonly<Record<string, ModelShape>>;

export type ModelShapeName = keyof typeof MODEL_SHAPES;

/** Weights of a shape: all that must be held, and those that a pass reads and multiplies. Biases and norms, under 0.01 %, are left out. */
export function parametersOf(model: ModelShape): { readonly held: number; readonly read: number } {
  const { layers, hiddenWidth, feedForwardWidth, queryHeads, keyValueHeads, headWidth, vocabularySize, isTied } = model;
  const attention = 2 * hiddenWidth * headWidth * (queryHeads + keyValueHeads);
  const table = vocabularySize * hiddenWidth;
  const body = layers * (attention + 3 * hiddenWidth * feedForwardWidth);
  // The input side of the table is looked up, a row a token; the output side is multiplied.
  return { held: body + (isTied ? 1 : 2) * table, read: body + table };
}

/** Values that the keys and values of one token take. */
export function cacheValuesPerToken({ layers, keyValueHeads, headWidth }: ModelShape): number {
  return 2 * layers * keyValueHeads * headWidth;
}

/** A published shape by name, or the shape that was given. @throws {InvalidOptionError} */
export function resolveShape(option: string, model: ModelShapeName | ModelShape): ModelShape {
  const found = typeof model === 'string' ? (MODEL_SHAPES as Readonly<Record<string, ModelShape>>)[model] : model;
  if (!found) throw new InvalidOptionError(option, `a shape or one of ${Object.keys(MODEL_SHAPES).join(', ')}`, model);
  const { layers, hiddenWidth, feedForwardWidth, queryHeads, keyValueHeads, headWidth, vocabularySize } = found;
  const counts = { layers, hiddenWidth, feedForwardWidth, queryHeads, keyValueHeads, headWidth, vocabularySize };
  for (const [field, value] of Object.entries(counts)) requireWholeNumber(`${option}.${field}`, value, 1);
  return found;
}

/**
 * Tokenizers in SentencePiece's manner put a space before every text and take it away when they decode. That is right for
 * a whole text and wrong for all that follows another: forced text would begin with a space that nobody wrote, and an answer
 * would lose the one it begins with.
 *
 * @module
 */
import * as v from 'valibot';

interface Part {
  readonly [key: string]: unknown;
}

const Component = v.custom<Part>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));
const Parts = v.looseObject({ normalizer: v.nullish(Component), pre_tokenizer: v.nullish(Component), decoder: v.nullish(Component) });

/**
 * The same tokenizer without a space before texts.
 *
 * @param tokenizer - `tokenizer.json`, parsed; left as it is.
 * @returns The very object that was passed where it adds no space.
 */
export function withoutLeadingSpace(tokenizer: object): object {
  const { normalizer, pre_tokenizer: preTokenizer, decoder } = v.parse(Parts, tokenizer);
  const changed = { normalizer: mapParts(normalizer, plainInput), pre_tokenizer: mapParts(preTokenizer, plainInput), decoder: mapParts(decoder, plainOutput) };
  const isSame = changed.normalizer === normalizer && changed.pre_tokenizer === preTokenizer && changed.decoder === decoder;
  return isSame ? tokenizer : { ...tokenizer, ...changed };
}

/** Where `Sequence`s keep their parts. */
const LISTS = ['normalizers', 'pretokenizers', 'decoders'] as const;
/** Does nothing, of any kind of part. */
const NOTHING: Part = { type: 'Sequence', normalizers: [], pretokenizers: [], decoders: [] };

function mapParts(part: Part | null | undefined, change: (part: Part) => Part): Part | null | undefined {
  if (!part) return part;
  for (const list of LISTS) {
    const parts = part[list];
    if (!Array.isArray(parts)) continue;
    const changed = parts.map((inner: Part) => mapParts(inner, change)!);
    return changed.some((inner, index) => inner !== parts[index]) ? { ...part, [list]: changed } : part;
  }
  return change(part);
}

function plainInput(part: Part): Part {
  switch (part['type']) {
    case 'Prepend':
      return NOTHING;
    case 'Metaspace':
      return part['prepend_scheme'] === 'never' ? part : { ...part, prepend_scheme: 'never', add_prefix_space: false };
    case 'ByteLevel':
      return part['add_prefix_space'] === true ? { ...part, add_prefix_space: false } : part;
    default:
      return part;
  }
}

function plainOutput(part: Part): Part {
  if (part['type'] === 'Strip' && part['content'] === ' ' && part['start'] !== 0) return { ...part, start: 0 };
  // Its decoder takes a space from the first token, whatever its settings; what is left of it is this.
  if (part['type'] === 'Metaspace') return { type: 'Replace', pattern: { String: part['replacement'] ?? '▁' }, content: ' ' };
  return part;
}

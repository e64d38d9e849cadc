import * as v from 'valibot';
import { DEFAULT_SAMPLING, type Sampling } from '../maths/sampling.ts';

const Count = v.pipe(v.number(), v.integer(), v.minValue(1));
const TokenIds = v.nullish(v.union([v.number(), v.array(v.number())]));

const ModelConfigEntries = {
  num_attention_heads: v.optional(Count),
  num_key_value_heads: v.optional(Count),
  max_position_embeddings: v.optional(Count),
  /** What GPT-2 calls it. */
  n_positions: v.optional(Count),
  /** What BLOOM calls it. */
  seq_length: v.optional(Count),
  vocab_size: v.optional(Count),
  head_dim: v.nullish(Count),
  hidden_size: v.optional(Count),
  eos_token_id: TokenIds,
  is_encoder_decoder: v.optional(v.boolean()),
};

/** The fields of a Hugging Face `config.json` that running its graph needs. */
export const ModelConfig = v.looseObject({
  model_type: v.string(),
  ...ModelConfigEntries,
  /** Models of several kinds of input keep those of the language model here. */
  text_config: v.optional(v.looseObject(ModelConfigEntries)),
});

/** The fields of a `generation_config.json` that decoding needs. */
export const GenerationConfig = v.looseObject({
  eos_token_id: TokenIds,
  do_sample: v.nullish(v.boolean()),
  temperature: v.nullish(v.number()),
  top_k: v.nullish(v.number()),
  top_p: v.nullish(v.number()),
  min_p: v.nullish(v.number()),
  repetition_penalty: v.nullish(v.number()),
});

/** What a model's two configuration files say, in this library's terms. */
export interface ModelFacts {
  /** `undefined` where the configuration names no limit. */
  readonly contextTokens: number | undefined;
  readonly vocabularySize: number | undefined;
  /** Query heads per key-value head. */
  readonly queryHeadsPerGroup: number | undefined;
  readonly keyValueHeads: number | undefined;
  readonly headWidth: number | undefined;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling: Sampling;
}

/** @throws {v.ValiError} for a field of the wrong type. */
export function readModelFacts(config: unknown, generationConfig: unknown): ModelFacts {
  const { text_config: textConfig, ...whole } = v.parse(ModelConfig, config);
  const model = { ...whole, ...textConfig };
  const generation = v.parse(GenerationConfig, generationConfig ?? {});
  const { num_attention_heads: heads, num_key_value_heads: groups = heads } = model;
  return {
    contextTokens: model.max_position_embeddings ?? model.n_positions ?? model.seq_length,
    vocabularySize: model.vocab_size,
    queryHeadsPerGroup: heads !== undefined && groups !== undefined ? heads / groups : undefined,
    keyValueHeads: groups,
    headWidth: model.head_dim ?? (model.hidden_size !== undefined && heads !== undefined ? model.hidden_size / heads : undefined),
    endTokens: new Set([generation.eos_token_id ?? model.eos_token_id ?? []].flat()),
    sampling: {
      repetitionPenalty: generation.repetition_penalty ?? DEFAULT_SAMPLING.repetitionPenalty,
      temperature: generation.do_sample === false ? 0 : (generation.temperature ?? DEFAULT_SAMPLING.temperature),
      topK: generation.top_k ?? DEFAULT_SAMPLING.topK,
      topP: generation.top_p ?? DEFAULT_SAMPLING.topP,
      minP: generation.min_p ?? DEFAULT_SAMPLING.minP,
    },
  };
}

import * as v from 'valibot';
import { DEFAULT_SAMPLING, type Sampling } from '../maths/sampling.ts';

/** A whole number ≥ 1. `null` is a field left out, and so is what is as good as none: `Infinity`. */
const Count = v.pipe(
  v.nullish(v.number()),
  v.transform((count) => (count === null || count === Infinity ? undefined : count)),
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
);
const TokenIds = v.nullish(v.union([v.number(), v.array(v.nullable(v.number()))]));

const ModelConfigEntries = {
  num_attention_heads: Count,
  num_key_value_heads: Count,
  max_position_embeddings: Count,
  /** What GPT-2 calls it. */
  n_positions: Count,
  /** What BLOOM calls it. */
  seq_length: Count,
  vocab_size: Count,
  head_dim: Count,
  hidden_size: Count,
  eos_token_id: TokenIds,
  is_encoder_decoder: v.nullish(v.boolean()),
};

/** The fields of a Hugging Face `config.json` that running its graph needs. */
export const ModelConfig = v.looseObject({
  model_type: v.string(),
  ...ModelConfigEntries,
  /** Models of several kinds of input keep those of the language model here. */
  text_config: v.nullish(v.looseObject(ModelConfigEntries)),
});

/** The fields of a `generation_config.json` that decoding needs. */
export const GenerationConfig = v.looseObject({
  eos_token_id: TokenIds,
  do_sample: v.nullish(v.boolean()),
  temperature: v.nullish(v.pipe(v.number(), v.minValue(0))),
  top_k: v.nullish(v.number()),
  top_p: v.nullish(v.pipe(v.number(), v.minValue(0))),
  min_p: v.nullish(v.pipe(v.number(), v.maxValue(1))),
  repetition_penalty: v.nullish(v.pipe(v.number(), v.minValue(0))),
});

type GenerationConfig = v.InferOutput<typeof GenerationConfig>;

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
  const model = { ...whole, ...Object.fromEntries(Object.entries(textConfig ?? {}).filter(([, value]) => value !== undefined)) } as typeof whole;
  const generation = v.parse(GenerationConfig, generationConfig ?? {});
  const { num_attention_heads: heads, num_key_value_heads: groups = heads } = model;
  return {
    contextTokens: model.max_position_embeddings ?? model.n_positions ?? model.seq_length,
    vocabularySize: model.vocab_size,
    queryHeadsPerGroup: heads !== undefined && groups !== undefined ? heads / groups : undefined,
    keyValueHeads: groups,
    headWidth: model.head_dim ?? (model.hidden_size !== undefined && heads !== undefined ? model.hidden_size / heads : undefined),
    endTokens: new Set(
      [generation.eos_token_id, whole.eos_token_id, textConfig?.eos_token_id].flat().filter((id): id is number => Number.isInteger(id) && id! >= 0),
    ),
    sampling: readSampling(generation),
  };
}

/** Sampling defaults, where `-1`, `null` and `Infinity` say that something is not limited, and 0 that only the likeliest token is left. */
function readSampling({ do_sample: samples, temperature, top_k: topK, top_p: topP, min_p: minP, repetition_penalty: penalty }: GenerationConfig): Sampling {
  const isGreedy = samples === false || topP === 0;
  return {
    repetitionPenalty: penalty || DEFAULT_SAMPLING.repetitionPenalty,
    temperature: isGreedy ? 0 : finite(temperature, DEFAULT_SAMPLING.temperature),
    topK: Math.max(0, Math.round(finite(topK, DEFAULT_SAMPLING.topK))),
    topP: topP ? Math.min(1, topP) : DEFAULT_SAMPLING.topP,
    minP: Math.max(0, minP ?? DEFAULT_SAMPLING.minP),
  };
}

function finite(value: number | null | undefined, otherwise: number): number {
  return Number.isFinite(value) ? value! : otherwise;
}

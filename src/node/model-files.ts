import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { ModelLoadError } from '../errors.ts';
import { DEFAULT_SAMPLING, type Sampling } from '../maths/sampling.ts';
import type { TokenizerFiles } from '../models/hub-tokenizer.ts';

const Count = v.pipe(v.number(), v.integer(), v.minValue(1));
const TokenIds = v.union([v.number(), v.array(v.number())]);

/** The fields of a Hugging Face `config.json` that running a native graph needs. */
const ModelConfig = v.object({
  model_type: v.string(),
  num_attention_heads: Count,
  num_key_value_heads: Count,
  max_position_embeddings: Count,
  eos_token_id: v.optional(TokenIds),
});

const GenerationConfig = v.object({
  eos_token_id: v.optional(TokenIds),
  do_sample: v.optional(v.boolean()),
  temperature: v.optional(v.number()),
  top_k: v.optional(v.number()),
  top_p: v.optional(v.number()),
  min_p: v.optional(v.number()),
  repetition_penalty: v.optional(v.number()),
});

/** What the files of a model directory say, checked. */
export interface ModelFacts {
  readonly graphPath: string;
  readonly queryHeadsPerGroup: number;
  readonly contextTokens: number;
  readonly endTokens: readonly number[];
  readonly sampling: Sampling;
}

/** Reads and checks `config.json` and `generation_config.json`. @throws {ModelLoadError} */
export async function readModelFacts(directory: string): Promise<ModelFacts> {
  const config = await readJson(directory, 'config.json', ModelConfig);
  const generation = await readJson(directory, 'generation_config.json', GenerationConfig).catch((error: unknown) => {
    if (error instanceof ModelLoadError && isMissing(error.cause)) return {} as v.InferOutput<typeof GenerationConfig>;
    throw error;
  });
  return {
    graphPath: await findGraph(directory),
    queryHeadsPerGroup: config.num_attention_heads / config.num_key_value_heads,
    contextTokens: config.max_position_embeddings,
    endTokens: [generation.eos_token_id ?? config.eos_token_id ?? []].flat(),
    sampling: {
      repetitionPenalty: generation.repetition_penalty ?? DEFAULT_SAMPLING.repetitionPenalty,
      temperature: generation.do_sample === false ? 0 : (generation.temperature ?? DEFAULT_SAMPLING.temperature),
      topK: generation.top_k ?? DEFAULT_SAMPLING.topK,
      topP: generation.top_p ?? DEFAULT_SAMPLING.topP,
      minP: generation.min_p ?? DEFAULT_SAMPLING.minP,
    },
  };
}

/** `model.onnx`, or where exports for the hub keep it. */
async function findGraph(directory: string): Promise<string> {
  const inFolder = join(directory, 'onnx', 'model.onnx');
  return access(inFolder).then(
    () => inFolder,
    () => join(directory, 'model.onnx'),
  );
}

/** Reads `tokenizer.json` and `tokenizer_config.json`. @throws {ModelLoadError} */
export async function readTokenizerFiles(directory: string): Promise<TokenizerFiles> {
  const AnyObject = v.looseObject({});
  const [tokenizer, config] = await Promise.all([readJson(directory, 'tokenizer.json', AnyObject), readJson(directory, 'tokenizer_config.json', AnyObject)]);
  return { tokenizer, config };
}

async function readJson<Schema extends v.GenericSchema>(directory: string, name: string, schema: Schema): Promise<v.InferOutput<Schema>> {
  const path = join(directory, name);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new ModelLoadError(directory, `There is no readable ${name} in ${directory}. Pass the directory of a model.`, { cause: error });
  }
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (error) {
    const detail = v.isValiError(error) ? `${v.getDotPath(error.issues[0]) ?? 'the file'}: ${error.message}` : String(error);
    throw new ModelLoadError(directory, `${path} is not what a model needs (${detail}).`, { cause: error });
  }
}

/** Whether reading failed because there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

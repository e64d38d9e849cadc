import { access } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { ModelLoadError } from '../errors.ts';
import type { GraphFacts } from '../models/decoder-graph.ts';
import { GenerationConfig, ModelConfig, readModelFacts } from '../models/model-facts.ts';
import { parseJson } from '../models/model-files.ts';
import { isAbsent } from './file-system.ts';
import { readTextFile } from './read-text-file.ts';

/** What the files of a model directory say, checked. */
export interface LocalModelFacts extends GraphFacts {
  readonly graphPath: string;
  readonly queryHeadsPerGroup: number | undefined;
}

/** Reads and checks `config.json` and `generation_config.json`. @throws {ModelLoadError} */
export async function readModelFiles(directory: string): Promise<LocalModelFacts> {
  const config = await readJson(directory, 'config.json', ModelConfig);
  const generation = await readJson(directory, 'generation_config.json', GenerationConfig).catch((error: unknown) => {
    if (error instanceof ModelLoadError && isAbsent(error.cause)) return {};
    throw error;
  });
  const { contextTokens, ...facts } = readModelFacts(config, generation);
  if (contextTokens === undefined) {
    throw new ModelLoadError(directory, `${join(directory, 'config.json')} is not what a model needs (max_position_embeddings is missing).`);
  }
  const graphPath = await findGraph(directory);
  return { ...facts, contextTokens, graphPath, source: graphPath };
}

/** `model.onnx`, or where exports for the hub keep it. */
async function findGraph(directory: string): Promise<string> {
  const inFolder = join(directory, 'onnx', 'model.onnx');
  return access(inFolder).then(
    () => inFolder,
    () => join(directory, 'model.onnx'),
  );
}

async function readJson<Schema extends v.GenericSchema>(directory: string, name: string, schema: Schema): Promise<v.InferOutput<Schema>> {
  const path = join(directory, name);
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (error) {
    throw new ModelLoadError(directory, `There is no readable ${name} in ${directory}. Pass the directory of a model.`, { cause: error });
  }
  try {
    return v.parse(schema, parseJson(text));
  } catch (error) {
    const detail = v.isValiError(error) ? `${v.getDotPath(error.issues[0]) ?? 'the file'}: ${error.message}` : String(error);
    throw new ModelLoadError(directory, `${path} is not what a model needs (${detail}).`, { cause: error });
  }
}

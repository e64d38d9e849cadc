import { access } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { TokenModel } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ModelLoadError } from '../errors.ts';
import { HubTokenizer } from '../models/hub-tokenizer.ts';
import type { LocalModel } from '../models/local-model.ts';
import { describeOnnxModel, loadOnnxModel as loadPortableOnnxModel, type LoadOnnxModelOptions, type OnnxModelDescription } from '../models/load-onnx-model.ts';
import { openTokenModel } from '../models/detect-layout.ts';
import { requireWholeNumber } from '../options.ts';
import { startEngineWorker } from './engine-worker.ts';
import { readModelFiles, readTokenizerFiles, type LocalModelFacts } from './model-files.ts';

export interface LoadModelOptions {
  /** For messages and reports. @default the directory's name */
  readonly name?: string;
  /** Directory of `tokenizer.json` and `tokenizer_config.json`. @default the model's directory */
  readonly tokenizerPath?: string;
  /** ONNX Runtime execution providers, in order of preference. @default ['cpu'] */
  readonly executionProviders?: readonly string[];
  /** Threads inside one operator. Whole number ≥ 1. @default ONNX Runtime's choice: one for each core */
  readonly threads?: number;
}

/** Everything another thread needs to make the same `LocalModel`. */
interface DirectoryDescription {
  readonly kind: 'directory';
  readonly path: string;
  readonly options: LoadModelOptions;
}

/**
 * Describes the model in a directory with `config.json` and a graph of the native or the masked layout, `model.onnx` or
 * `onnx/model.onnx`. Weights are loaded by the decoder.
 *
 * @throws {ModelLoadError} for a missing or malformed file. A broken graph is found when a decoder loads it.
 */
export async function loadModel(path: string, options: LoadModelOptions = {}): Promise<LocalModel> {
  if (options.threads !== undefined) requireWholeNumber('threads', options.threads, 1);
  const directory = resolve(path);
  const facts = await readModelFiles(directory);
  const tokenizerDirectory = resolve(options.tokenizerPath ?? directory);
  for (const file of [facts.graphPath, `${tokenizerDirectory}/tokenizer.json`]) {
    await access(file).catch((cause: unknown) => {
      throw new ModelLoadError(directory, `There is no ${file}, which the model in ${directory} needs.`, { cause });
    });
  }
  const name = options.name ?? basename(directory);
  const description: DirectoryDescription = { kind: 'directory', path: directory, options: { ...options, name } };
  return {
    name,
    contextTokens: facts.contextTokens,
    description,
    load: () => openModel(facts, options),
    loadTokenizer: () => openTokenizer(tokenizerDirectory),
    startWorker: startEngineWorker,
    settings: { providers: (options.executionProviders ?? ['cpu']).join(', '), ...(options.threads !== undefined && { threads: options.threads }) },
  };
}

/** A model of the Hugging Face hub, which decoders load in a worker by default. @throws {ModelLoadError} */
export async function loadOnnxModel(idOrPath: string, options: LoadOnnxModelOptions = {}): Promise<LocalModel> {
  return { ...(await loadPortableOnnxModel(idOrPath, options)), startWorker: startEngineWorker };
}

/** The `LocalModel` that was described in another thread. */
export function describedModel(description: unknown, onLoadProgress: (progress: unknown) => void): Promise<LocalModel> {
  const known = description as DirectoryDescription | OnnxModelDescription;
  return known.kind === 'onnx' ? describeOnnxModel(known, onLoadProgress) : loadModel(known.path, known.options);
}

async function openModel(facts: LocalModelFacts, { executionProviders = ['cpu'], threads }: LoadModelOptions): Promise<TokenModel> {
  const { InferenceSession } = await import('onnxruntime-node');
  try {
    const session = await InferenceSession.create(facts.graphPath, {
      executionProviders: [...executionProviders],
      // ONNX Runtime warns about every graph that keeps weights in an order it would not have chosen.
      logSeverityLevel: 3,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
    return await openTokenModel(session, facts);
  } catch (error) {
    if (error instanceof ModelLoadError) throw error;
    const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new ModelLoadError(facts.graphPath, `${facts.graphPath} cannot be loaded as an ONNX model (${detail}).`, { cause: error });
  }
}

async function openTokenizer(directory: string): Promise<Tokenizer> {
  const files = await readTokenizerFiles(directory);
  try {
    return await HubTokenizer.fromFiles(files);
  } catch (error) {
    throw new ModelLoadError(directory, `The tokenizer in ${directory} cannot be loaded (${error instanceof Error ? error.message : String(error)}).`, {
      cause: error,
    });
  }
}

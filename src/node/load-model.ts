import { access, readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import * as v from 'valibot';
import type { GraphSession } from '../models/graph-session.ts';
import type { TokenModel } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { InvalidOptionError, isLatencyTtsError, ModelLoadError } from '../errors.ts';
import { denormalOptions } from '../models/denormals.ts';
import { ExclusiveSession } from '../models/exclusive-session.ts';
import { describeOnnxClassifier, loadHubClassifier, type LocalClassifier } from '../models/load-onnx-classifier.ts';
import type { LocalModel } from '../models/local-model.ts';
import { describeOnnxModel, loadHubModel, type OnnxModelDescription } from '../models/load-onnx-model.ts';
import type { LoadOnnxGraphOptions, LoadOnnxModelOptions } from '../models/onnx-model-options.ts';
import { openTokenModel } from '../models/detect-layout.ts';
import { readTokenizer, type HubPlatform } from '../models/found-model.ts';
import { ModelFiles } from '../models/model-files.ts';
import { requireMemory } from '../models/weights.ts';
import type { DeviceOutputs } from '../models/graph-device.ts';
import { openDeviceModel } from '../models/open-device-model.ts';
import { oneOf, readOptions, text, texts, wholeNumber, type EntriesFor } from '../option-schemas.ts';
import { startModelWorker } from './start-worker.ts';
import { readModelFiles, type LocalModelFacts } from './model-files.ts';
import { nodeFileSystem } from './file-system.ts';
import { freeMemoryBytes } from './free-memory.ts';
import { graphRuntime, onnxRuntime } from './graph-runtime.ts';
import { webgpuTurns } from './webgpu-turns.ts';

/** Where a model of a directory is computed. */
export type NodeDevice = 'cpu' | 'webgpu';

export interface LoadModelOptions {
  /** For messages and reports. @default the directory's name */
  readonly name?: string;
  /** Directory of `tokenizer.json` and `tokenizer_config.json`. @default the model's directory */
  readonly tokenizerPath?: string;
  /** Name of one of the model's chat templates, or a Jinja template in place of them. @default the model's default template */
  readonly chatTemplate?: string;
  /** On `webgpu` caches stay on the GPU. @default 'cpu' */
  readonly device?: NodeDevice;
  /** ONNX Runtime execution providers, in order of preference, in place of `device`'s. @default ['cpu'] */
  readonly executionProviders?: readonly string[];
  /** Threads inside one operator. Whole number ≥ 1. @default ONNX Runtime's choice: one for each core */
  readonly threads?: number;
}

export const loadModelEntries = {
  name: v.optional(text),
  tokenizerPath: v.optional(text),
  chatTemplate: v.optional(text),
  device: v.optional(oneOf(['cpu', 'webgpu'])),
  executionProviders: v.optional(texts(1)),
  threads: v.optional(wholeNumber(1)),
} satisfies EntriesFor<LoadModelOptions>;

/** Everything another thread needs to make the same `LocalModel`. */
interface DirectoryDescription {
  readonly kind: 'directory';
  readonly path: string;
  readonly options: LoadModelOptions;
}

/**
 * Describes the model in a directory with `config.json` and a graph of the native or the masked layout, `model.onnx` or
 * `onnx/model.onnx`. Weights are loaded by the decoder or scorer.
 *
 * @throws {ModelLoadError} for a missing or malformed file. A broken graph is found when a decoder loads it.
 */
export async function loadModel(path: string, options: LoadModelOptions = {}): Promise<LocalModel> {
  requireOptions(options);
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
    loadTokenizer: () => openTokenizer(tokenizerDirectory, options.chatTemplate),
    startWorker: startModelWorker,
    settings: { providers: (options.executionProviders ?? ['cpu']).join(', '), ...(options.threads !== undefined && { threads: options.threads }) },
  };
}

const PLATFORM: HubPlatform = { webgpuTurns, fileSystem: nodeFileSystem, freeMemoryBytes, runtime: graphRuntime };

/** A model of the Hugging Face hub, which is loaded in a worker by default. @throws {ModelLoadError} */
export async function loadOnnxModel(idOrPath: string, options: LoadOnnxModelOptions = {}): Promise<LocalModel> {
  const { formats, ...model } = await loadHubModel(idOrPath, options, PLATFORM);
  const inWorkers = formats && Object.fromEntries(Object.entries(formats).map(([format, one]) => [format, { ...one, startWorker: startModelWorker }]));
  return { ...model, startWorker: startModelWorker, ...(inWorkers && { formats: inWorkers }) };
}

/** A reward model with a head, which is loaded in a worker by default. @throws {ModelLoadError} */
export async function loadOnnxClassifier(idOrPath: string, options: LoadOnnxGraphOptions = {}): Promise<LocalClassifier> {
  return { ...(await loadHubClassifier(idOrPath, options, PLATFORM)), startWorker: startModelWorker };
}

/** The `LocalModel` that was described in another thread. */
export function describedModel(description: unknown, onLoadProgress: (progress: unknown) => void): Promise<LocalModel> {
  const known = description as DirectoryDescription | OnnxModelDescription;
  return known.kind === 'onnx' ? describeOnnxModel(known, onLoadProgress, PLATFORM) : loadModel(known.path, known.options);
}

/** The `LocalClassifier` that was described in another thread. */
export function describedClassifier(description: OnnxModelDescription, onLoadProgress: (progress: unknown) => void): Promise<LocalClassifier> {
  return describeOnnxClassifier(description, onLoadProgress, PLATFORM);
}

/** @throws {InvalidOptionError} */
function requireOptions(options: LoadModelOptions): void {
  const { device, executionProviders } = readOptions(loadModelEntries, options);
  if (device !== undefined && executionProviders) throw new InvalidOptionError('executionProviders', 'left out together with `device`', executionProviders);
}

async function openModel(facts: LocalModelFacts, options: LoadModelOptions): Promise<TokenModel> {
  const { graphPath } = facts;
  try {
    if (options.device !== 'webgpu') requireMemory(facts.source, (await stat(graphPath)).size, freeMemoryBytes());
    if (options.device !== 'webgpu') return await openTokenModel(await openSession(graphPath, options), facts);
    return await openDeviceModel(graphPath, await readFile(graphPath), facts, { open: openWebgpuSession });
  } catch (error) {
    if (error instanceof ModelLoadError) throw error;
    const detail = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    const advice = /adapter/i.test(detail) ? ' WebGPU needs a graphics driver; on Linux also libvulkan.so.1.' : '';
    throw new ModelLoadError(graphPath, `${graphPath} cannot be loaded as an ONNX model (${detail}).${advice}`, { cause: error });
  }
}

/** ONNX Runtime warns about every graph that keeps weights in an order it would not have chosen. */
const ERRORS_ONLY = 3;

async function openSession(graphPath: string, { executionProviders = ['cpu'], threads }: LoadModelOptions): Promise<GraphSession> {
  const { InferenceSession } = onnxRuntime();
  return InferenceSession.create(graphPath, {
    executionProviders: [...executionProviders],
    logSeverityLevel: ERRORS_ONLY,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...denormalOptions(),
  });
}

async function openWebgpuSession(graph: string | Uint8Array, outputs: DeviceOutputs | undefined): Promise<GraphSession> {
  const { InferenceSession } = onnxRuntime();
  const options = { executionProviders: ['webgpu'], logSeverityLevel: ERRORS_ONLY, ...(outputs && { preferredOutputLocation: outputs }) } as const;
  const session = await webgpuTurns(() => (typeof graph === 'string' ? InferenceSession.create(graph, options) : InferenceSession.create(graph, options)));
  return new ExclusiveSession(session, webgpuTurns);
}

async function openTokenizer(directory: string, chatTemplate: string | undefined): Promise<Tokenizer> {
  try {
    const tokenizer = await readTokenizer(new ModelFiles(nodeFileSystem, [directory]), directory, chatTemplate);
    if (tokenizer) return tokenizer;
  } catch (error) {
    if (isLatencyTtsError(error)) throw error;
    throw new ModelLoadError(directory, `The tokenizer in ${directory} cannot be loaded (${error instanceof Error ? error.message : String(error)}).`, {
      cause: error,
    });
  }
  throw new ModelLoadError(directory, `There is no tokenizer.json in ${directory}. Pass the directory of a tokenizer as \`tokenizerPath\`.`);
}

/**
 * Models of the Hugging Face hub, or of a directory in the hub's form. transformers.js finds, downloads and caches files
 * and makes the session; what is done with the session from then on is this library's.
 *
 * @module
 */
import type { AutoModelForCausalLM, env as Environment } from '@huggingface/transformers';
import type { GraphSession } from './graph-session.ts';
import type { Env, InferenceSession, InferenceSessionFactory } from 'onnxruntime-common';
import type { TokenModel } from '../contracts/token-model.ts';
import { InvalidOptionError, ModelLoadError } from '../errors.ts';
import { readOptions } from '../option-schemas.ts';
import { denormalOptions } from './denormals.ts';
import { openHubModel, openTokenModel, type TokenModelFacts } from './detect-layout.ts';
import { ExclusiveSession, pageTurns, type Turns } from './exclusive-session.ts';
import {
  explained,
  findFormats,
  findModel,
  modelFacts,
  openHubTokenizer,
  wantedDtype,
  type FoundModel,
  type HubOptions,
  type HubPlatform,
} from './found-model.ts';
import type { GraphRuntime } from './graph-file.ts';
import type { LoadableModel, LocalModel } from './local-model.ts';
import { loadOnnxModelEntries, type LoadOnnxGraphOptions, type LoadOnnxModelOptions, type LoadProgress, type OnnxDtype } from './onnx-model-options.ts';
import { isPrecision, requireMemory, type Weights } from './weights.ts';
import { isNode } from './platform.ts';
import { largestBuffer, turnsOf, type WebGpuDevice } from './webgpu-device.ts';
import { importTransformers } from './transformers.ts';

/** What is used of transformers.js to load a model on a GPU. */
interface Transformers {
  readonly AutoModelForCausalLM: typeof AutoModelForCausalLM;
  readonly env: typeof Environment;
}

/** Everything another thread needs to make the same `LocalModel`. */
export interface OnnxModelDescription {
  readonly kind: 'onnx';
  readonly source: string;
  readonly options: Omit<LoadOnnxGraphOptions, 'onProgress'>;
  /** Settings of transformers.js that decide where files come from. */
  readonly environment: Readonly<Record<string, unknown>>;
}

/** What a pass fails with is thrown; ONNX Runtime would print it as well. */
const FATAL = 4;
/** For narrow passes, and for wide ones. */
const AUTOMATIC_FORMATS = ['q4', 'q8'] as const;
const ENVIRONMENT_KEYS = ['allowRemoteModels', 'allowLocalModels', 'remoteHost', 'remotePathTemplate', 'localModelPath', 'cacheDir', 'useFSCache'] as const;

/** @internal `loadOnnxModel` on a platform. */
export async function loadHubModel(idOrPath: string, options: LoadOnnxModelOptions, platform: HubPlatform): Promise<LocalModel> {
  readOptions(loadOnnxModelEntries, options);
  const { onProgress, dtype, ...plain } = options;
  const load = async (format: OnnxDtype | undefined): Promise<LocalModel> =>
    describeOnnxModel(await describeSource(idOrPath, { ...plain, ...(format !== undefined && { dtype: format }) }), onProgress, platform);
  const formats = await formatsOf(idOrPath, options, platform);
  if (formats.length === 0) return load(typeof dtype === 'string' ? dtype : undefined);
  const models = await Promise.all(formats.map(load));
  return { ...models[0]!, formats: Object.fromEntries(models.map((model, index) => [formats[index]!, model])) };
}

/** Weight formats to be loaded beside each other; none where there is one. @throws {InvalidOptionError} */
async function formatsOf(source: string, { dtype, ...options }: LoadOnnxModelOptions, platform: HubPlatform): Promise<readonly OnnxDtype[]> {
  if (dtype === 'auto') return findFormats(source, AUTOMATIC_FORMATS, options, platform);
  if (!Array.isArray(dtype)) return [];
  const formats = dtype as readonly OnnxDtype[];
  if (formats.length > 0 && new Set(formats).size === formats.length && formats.every(isPrecision)) return formats;
  throw new InvalidOptionError('dtype', "a format or a list of several, such as ['q4', 'q8']", dtype);
}

/** The `LocalModel` of a description, in whichever thread. @throws {ModelLoadError} */
export async function describeOnnxModel(
  description: OnnxModelDescription,
  onProgress?: (progress: LoadProgress) => void,
  platform: HubPlatform = {},
): Promise<LocalModel> {
  const { found, ...loadable } = await findDescribed(description, onProgress, platform);
  const transformers = await importTransformers();
  const isOnWebgpu = found.options.device === 'webgpu';
  return {
    ...loadable,
    settings: settingsOf(description.options),
    load: () =>
      isOnWebgpu ? openWebgpuModel(found, transformers, platform.webgpuTurns) : openModel(found, transformers.AutoModelForCausalLM, platform.runtime),
  };
}

/** @internal What another thread needs to find the same files. @throws {InvalidOptionError} */
export async function describeSource(idOrPath: string, options: OnnxModelDescription['options']): Promise<OnnxModelDescription> {
  requireSource(idOrPath);
  const { env } = await importTransformers();
  const environment = Object.fromEntries(ENVIRONMENT_KEYS.map((key) => [key, env[key]]));
  return { kind: 'onnx', source: idOrPath, options, environment };
}

/** @internal All of a model but how its graph is opened, in whichever thread. @throws {ModelLoadError} */
export async function findDescribed(
  description: OnnxModelDescription,
  onProgress: LoadOnnxGraphOptions['onProgress'],
  platform: HubPlatform,
): Promise<LoadableModel & { readonly found: FoundModel }> {
  const { env } = await importTransformers();
  Object.assign(env satisfies typeof Environment, description.environment);
  const { source, options } = description;
  const found = await findModel(source, options, onProgress, platform);
  return {
    name: options.name ?? source,
    contextTokens: found.contextTokens,
    description,
    loadTokenizer: () => openHubTokenizer(found),
    found,
    ...(onProgress && { onLoadProgress: onProgress as (progress: unknown) => void }),
  };
}

/** How a model runs, for reports. */
function settingsOf({ device, dtype, threads }: Pick<LoadOnnxGraphOptions, 'device' | 'dtype' | 'threads'>): Readonly<Record<string, string | number>> {
  const given = { device, dtype: typeof dtype === 'object' ? JSON.stringify(dtype) : dtype, threads };
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string | number] => entry[1] !== undefined));
}

/** @throws {InvalidOptionError} */
function requireSource(idOrPath: string): void {
  if (typeof idOrPath !== 'string' || idOrPath.trim() === '') throw new InvalidOptionError('idOrPath', 'the id or directory of a model', idOrPath);
}

/** Options of transformers.js for the session. */
function sessionOptions(
  { device, dtype, modelFileName, subfolder, externalData, threads, sessionOptions: further }: LoadOnnxGraphOptions,
  given: InferenceSession.SessionOptions,
): HubOptions {
  const session: InferenceSession.SessionOptions = {
    logSeverityLevel: FATAL,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...denormalOptions(),
    // Asked for as a device, transformers.js would decide which outputs stay on the GPU.
    ...(device === 'webgpu' && { executionProviders: ['webgpu'] }),
    ...further,
    ...given,
  };
  return {
    session_options: session,
    ...(device !== undefined && device !== 'webgpu' && { device }),
    ...(dtype !== undefined && { dtype }),
    ...(modelFileName !== undefined && { model_file_name: modelFileName }),
    ...(subfolder !== undefined && { subfolder }),
    ...(externalData !== undefined && { use_external_data_format: externalData }),
  };
}

async function openModel(found: FoundModel, loader: typeof AutoModelForCausalLM, runtime: HubPlatform['runtime']): Promise<TokenModel> {
  const { device, sessionOptions: further } = found.options;
  const isOnCpu = device === undefined || device === 'cpu' || device === 'wasm';
  if (runtime && isOnCpu && !further?.['executionProviders']) return openChangeable(found, loader, await runtime());
  requireNoAccuracyLevel(found);
  const { session, generation } = await openSession(found, loader);
  return openTokenModel(isNode ? session : new ExclusiveSession(session, pageTurns), factsOf(found, generation));
}

/** @throws {InvalidOptionError} where graphs are loaded as they are. */
function requireNoAccuracyLevel({ options: { accuracyLevel } }: FoundModel): void {
  if (accuracyLevel !== undefined) throw new InvalidOptionError('accuracyLevel', 'left out for models on other devices than the CPU', accuracyLevel);
}

/** The model over one cache of cells where its graph can be changed for that; else over the graph as it is. */
async function openChangeable(found: FoundModel, loader: typeof AutoModelForCausalLM, runtime: GraphRuntime): Promise<TokenModel> {
  // Pages fetch these when they load a model.
  const [{ FILE_BACKEND, handOverFile }, { openGraph }] = await Promise.all([import('./graph-file.ts'), import('./open-graph.ts')]);
  const handed = await handOverFile(runtime, (given) => openSession(found, loader, given)).catch((error: unknown) => {
    // transformers.js has a copy of the runtime of its own.
    if (String(error).includes(FILE_BACKEND)) return undefined;
    throw error;
  });
  if (!handed?.graph) return openModel(found, loader, undefined);
  const { graph, loaded } = handed;
  const path = typeof graph.file === 'string' ? graph.file : found.source;
  return explained(path, found.options, () => openGraph(runtime, graph, factsOf(found, loaded.generation), found.options.accuracyLevel));
}

/** The model with its caches on the GPU. */
async function openWebgpuModel(found: FoundModel, { AutoModelForCausalLM: loader, env }: Transformers, nodeTurns: Turns = pageTurns): Promise<TokenModel> {
  requireNoAccuracyLevel(found);
  const { options, config } = found;
  const onDevice: LoadOnnxGraphOptions = {
    ...options,
    dtype: wantedDtype(options, config) ?? 'fp32',
    sessionOptions: { ...options.sessionOptions, preferredOutputLocation: 'gpu-buffer' },
  };
  const open = (): ReturnType<typeof openSession> => openSession({ ...found, options: onDevice }, loader);
  // Pages take turns in transformers.js itself, by session; in Node a session must not be made while another thread's runs.
  const { session, generation } = await (isNode ? nodeTurns(open) : open());
  const device = isNode ? undefined : ((await (env.backends.onnx as Env).webgpu.device) as WebGpuDevice);
  const turns = device ? turnsOf(device) : nodeTurns;
  // Sessions of the same runtime see each other's tensors; there may be several copies of it.
  const runtime = session.constructor as unknown as InferenceSessionFactory;
  return openHubModel(new ExclusiveSession(session, turns), factsOf(found, generation), {
    open: async (graph, outputs) => {
      const wanted = { executionProviders: ['webgpu'], logSeverityLevel: FATAL, ...(outputs && { preferredOutputLocation: outputs }) } as const;
      return new ExclusiveSession(await turns(() => runtime.create(graph, wanted)), turns);
    },
    ...(device && { maxBufferBytes: async () => largestBuffer(device) }),
  });
}

function factsOf({ source, config, contextTokens }: FoundModel, generation: unknown): TokenModelFacts {
  return { ...modelFacts(source, config, generation), source, contextTokens };
}

/**
 * @internal The one graph of a model.
 *
 * @param given - Options of the session that come before all others.
 * @throws {ModelLoadError}
 */
export async function openSession(
  found: FoundModel,
  loader: Pick<typeof AutoModelForCausalLM, 'from_pretrained'>,
  given: InferenceSession.SessionOptions = {},
): Promise<{ readonly session: GraphSession; readonly generation: unknown }> {
  const { source, location, options, config, hub, weights } = found;
  if (weights) return openLocalSession(found, weights, given);
  const loaded = await explained(source, options, () => loader.from_pretrained(location, { ...hub, ...sessionOptions(options, given), config }));
  const { sessions, generation_config: generation } = loaded as unknown as LoadedModel;
  const names = Object.keys(sessions);
  const session = sessions['model'];
  if (!session || names.length > 1) {
    await Promise.all(Object.values(sessions).map((part) => part.release()));
    throw new ModelLoadError(source, `${source} is exported in several graphs (${names.join(', ')}), which cannot be decoded here. Choose a text-only export.`);
  }
  return { session, generation };
}

/**
 * The session of a graph that is on this machine. transformers.js is told which graph that is, as it knows fewer places than there
 * are, and neither looks for external data, which ONNX Runtime finds by itself, nor for a generation configuration, of which it
 * takes JSON only.
 *
 * @throws {ModelLoadError}
 */
async function openLocalSession(
  { source, location, options, config, hub, files, freeMemoryBytes }: FoundModel,
  weights: Weights,
  given: InferenceSession.SessionOptions,
): Promise<{ readonly session: GraphSession; readonly generation: unknown }> {
  const { PreTrainedModel, PretrainedConfig: Config } = await importTransformers();
  if (freeMemoryBytes && !isOnGpu(options.device)) requireMemory(source, weights.bytes, freeMemoryBytes());
  const graph = { dtype: weights.dtype, subfolder: weights.folder, model_file_name: weights.base, use_external_data_format: false };
  return explained(source, options, async () => {
    const generation = await files?.readJson('generation_config.json');
    // Of this type transformers.js expects one graph and nothing besides.
    const plain = Object.assign(new Config(config), { model_type: 'custom', architectures: ['PreTrainedModel'] });
    const loaded = await PreTrainedModel.from_pretrained(location, { ...hub, ...sessionOptions(options, given), ...graph, config: plain });
    return { session: (loaded as unknown as LoadedModel).sessions['model']!, generation };
  });
}

/** Whether weights go to a device with a memory of its own. */
function isOnGpu(device: LoadOnnxGraphOptions['device']): boolean {
  return device !== undefined && !['auto', 'cpu', 'wasm'].includes(device);
}

/** What is used of a loaded model; its type leaves the values open. */
interface LoadedModel {
  readonly sessions: Readonly<Record<string, GraphSession>>;
  readonly generation_config: unknown;
}

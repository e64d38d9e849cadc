/**
 * What of a model of the hub is known before its weights are loaded: configuration, tokenizer, chat template.
 *
 * @module
 */
import type { GraphRuntime } from './graph-file.ts';
import type { AutoModelForCausalLM, PretrainedConfig } from '@huggingface/transformers';
import * as v from 'valibot';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { isLatencyTtsError, ModelLoadError } from '../errors.ts';
import { chooseChatTemplate, readChatTemplates, templatesOf } from './chat-template.ts';
import type { Turns } from './exclusive-session.ts';
import { HubTokenizer } from './hub-tokenizer.ts';
import { readModelFacts, type ModelFacts } from './model-facts.ts';
import { isHubId, modelDirectories, ModelFiles, type FileSystem } from './model-files.ts';
import type { LoadOnnxGraphOptions } from './onnx-model-options.ts';
import { findWeights, isPrecision, listWeights, type Precision, type Weights } from './weights.ts';
import { importTransformers } from './transformers.ts';

/** A model of the hub before its weights are loaded. */
export interface FoundModel {
  readonly source: string;
  readonly location: string;
  readonly options: Omit<LoadOnnxGraphOptions, 'onProgress'>;
  readonly config: PretrainedConfig;
  readonly contextTokens: number;
  /** Where its files come from. */
  readonly hub: HubOptions;
  /** Whether what is not on this machine may be fetched. */
  readonly mayFetch: boolean;
  /** Those of its files that are on this machine; `undefined` where the platform has no file system. */
  readonly files: ModelFiles | undefined;
  /** The graph to load, where it is on this machine. */
  readonly weights: Weights | undefined;
  /** Memory that weights may take; `undefined` where the platform cannot tell. */
  readonly freeMemoryBytes: (() => number) | undefined;
}

/** What a platform adds to transformers.js. */
export interface HubPlatform {
  /** Turns over all that use WebGPU, where pages have not their own. */
  readonly webgpuTurns?: Turns;
  /** Where the platform has files. */
  readonly fileSystem?: FileSystem;
  /** Memory that weights may take. */
  readonly freeMemoryBytes?: () => number;
  /** Loads graphs that were changed, where the platform lets it. */
  readonly runtime?: () => Promise<GraphRuntime>;
}

export type HubOptions = NonNullable<Parameters<typeof AutoModelForCausalLM.from_pretrained>[1]>;

/** Reads a model's configuration, which is fetched where need be. @throws {ModelLoadError} */
export async function findModel(
  source: string,
  options: LoadOnnxGraphOptions,
  onProgress: LoadOnnxGraphOptions['onProgress'],
  { fileSystem, freeMemoryBytes }: HubPlatform,
): Promise<FoundModel> {
  const { env } = await importTransformers();
  const { location, files } = await locate(source, options, fileSystem);
  const hub = hubOptions(options, onProgress);
  const config = await explained(source, options, () => readConfig(location, hub, files));
  const contextTokens = options.contextTokens ?? contextOf(source, config);
  const mayFetch = isHubId(location) && !hub.local_files_only && env.allowRemoteModels;
  const weights = files && isKnownDtype(options.dtype) ? await findWeights(source, files, options, wantedDtype(options, config), mayFetch) : undefined;
  return { source, location, options, config, contextTokens, hub, mayFetch, files, weights, freeMemoryBytes };
}

/** Where a model's files are, and those of them that are on this machine. */
async function locate(
  source: string,
  options: LoadOnnxGraphOptions,
  fileSystem: FileSystem | undefined,
): Promise<{ readonly location: string; readonly files: ModelFiles | undefined }> {
  const { env } = await importTransformers();
  const path = options.localModelPath === undefined ? source : `${options.localModelPath.replace(/\/+$/, '')}/${source}`;
  const isDirectory = (await fileSystem?.readText(`${path}/config.json`)) !== undefined;
  // transformers.js takes two names with a slash between them for an id, whatever directories there are.
  const location = isDirectory && isHubId(path) ? `./${path}` : path;
  return { location, files: fileSystem && new ModelFiles(fileSystem, modelDirectories(location, options, env)) };
}

/** The formats, where all of them are on this machine and fit into its memory together; else none. */
export async function findFormats<Format extends Precision>(
  source: string,
  formats: readonly Format[],
  options: LoadOnnxGraphOptions,
  { fileSystem, freeMemoryBytes = () => Infinity }: HubPlatform,
): Promise<readonly Format[]> {
  const { files } = await locate(source, options, fileSystem);
  const found = files ? await listWeights(files, options) : [];
  const wanted = formats.flatMap((format) => found.find(({ dtype }) => dtype === format) ?? []);
  const bytes = wanted.reduce((sum, weights) => sum + weights.bytes, 0);
  return wanted.length === formats.length && bytes <= freeMemoryBytes() ? formats : [];
}

/** Transformers.js also takes a dtype for each graph, and more of them than are decoders' own. */
function isKnownDtype(dtype: unknown): boolean {
  return dtype === undefined || dtype === 'auto' || isPrecision(dtype);
}

/** The precision asked for by the options, else by the model's configuration; `undefined` where neither does. */
export function wantedDtype({ dtype, device = 'cpu' }: Pick<LoadOnnxGraphOptions, 'dtype' | 'device'>, config: PretrainedConfig): Precision | undefined {
  const { device_config: devices, dtype: named } = (config as HubConfig)['transformers.js_config'] ?? {};
  return [dtype, devices?.[device]?.dtype, named].find(isPrecision);
}

/** What is used of a configuration besides the model's sizes. */
interface HubConfig {
  readonly 'transformers.js_config'?: { readonly dtype?: unknown; readonly device_config?: Readonly<Record<string, { readonly dtype?: unknown }>> };
}

async function readConfig(location: string, hub: HubOptions, files: ModelFiles | undefined): Promise<PretrainedConfig> {
  const { AutoConfig, PretrainedConfig: Config } = await importTransformers();
  const read = async (): Promise<PretrainedConfig | undefined> => {
    const config = await files?.readJson('config.json');
    return config === undefined ? undefined : new Config(config);
  };
  return (await read()) ?? orFromFile(() => AutoConfig.from_pretrained(location, hub), read);
}

/** What transformers.js reads, or what it has downloaded but cannot read: it takes JSON alone, not what Python writes beyond it. */
async function orFromFile<Value>(fetched: () => Promise<Value>, read: () => Promise<Value | undefined>): Promise<Value> {
  try {
    return await fetched();
  } catch (error) {
    const value = error instanceof SyntaxError ? await read() : undefined;
    if (value === undefined) throw error;
    return value;
  }
}

/** @throws {ModelLoadError} @throws {InvalidOptionError} for a chat template that is not there. */
export async function openHubTokenizer({ source, location, options, hub, mayFetch, files }: FoundModel): Promise<Tokenizer> {
  // What was downloaded for another program may lack the template.
  const fetchMissing = mayFetch ? (): Promise<string | undefined> => fetchTemplateFile(location, hub) : undefined;
  const read = async (): Promise<Tokenizer | undefined> => files && readTokenizer(files, source, options.chatTemplate, fetchMissing);
  return explained(source, options, async () => (await read()) ?? orFromFile(() => fetchTokenizer(source, location, options.chatTemplate, hub), read));
}

/**
 * The tokenizer of a model whose files are on this machine; `undefined` where they are not.
 *
 * @param fetchTemplate - Asked for a chat template where the files hold none.
 * @throws {ModelLoadError} @throws {InvalidOptionError} for a chat template that is not there.
 */
export async function readTokenizer(
  files: ModelFiles,
  source: string,
  chosenTemplate: string | undefined,
  fetchTemplate?: () => Promise<string | undefined>,
): Promise<HubTokenizer | undefined> {
  const names = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];
  const [tokenizer, given, special] = (await Promise.all(names.map((name) => files.readJson(name)))) as (object | undefined)[];
  if (tokenizer === undefined) return undefined;
  const config = { ...special, ...Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== null)) };
  let templates = await readChatTemplates(files, config);
  if (templates.size === 0) templates = templatesOf({ chat_template: await fetchTemplate?.() });
  return HubTokenizer.fromFiles({ tokenizer, config, chatTemplate: chooseChatTemplate(source, templates, chosenTemplate) });
}

async function fetchTokenizer(source: string, location: string, chosenTemplate: string | undefined, hub: HubOptions): Promise<HubTokenizer> {
  const { AutoTokenizer } = await importTransformers();
  const tokenizer = await AutoTokenizer.from_pretrained(location, hub);
  const template = await fetchTemplateFile(location, hub);
  const templates = new Map([...templatesOf({ chat_template: tokenizer.chat_template as unknown }), ...templatesOf({ chat_template: template })]);
  const files = { tokenizer: tokenizer._tokenizerJSON as object, config: tokenizer.config as object };
  return HubTokenizer.fromFiles({ ...files, chatTemplate: chooseChatTemplate(source, templates, chosenTemplate) });
}

/** `chat_template.jinja`, which transformers.js fetches and caches for processors only, not for tokenizers. */
async function fetchTemplateFile(location: string, hub: HubOptions): Promise<string | undefined> {
  const { ModelFileNotFoundError, Processor } = await importTransformers();
  class TemplateFile extends Processor {
    static override classes = [];
    static override uses_processor_config = false;
    static override uses_chat_template_file = true;
  }
  try {
    return (await TemplateFile.from_pretrained(location, hub)).chat_template;
  } catch (error) {
    if (error instanceof ModelFileNotFoundError) return undefined;
    throw error;
  }
}

/** Options of transformers.js for files. */
function hubOptions({ revision, cacheDir, localFilesOnly, localModelPath }: LoadOnnxGraphOptions, onProgress: LoadOnnxGraphOptions['onProgress']): HubOptions {
  return {
    ...(revision !== undefined && { revision }),
    ...(cacheDir !== undefined && { cache_dir: cacheDir }),
    ...((localFilesOnly || localModelPath !== undefined) && { local_files_only: true }),
    ...(onProgress && { progress_callback: onProgress }),
  };
}

/** @throws {ModelLoadError} when the configuration names no context, or is of a kind that cannot decode text. */
function contextOf(source: string, config: PretrainedConfig): number {
  if (config.is_encoder_decoder)
    throw new ModelLoadError(source, `${source} is an encoder–decoder model (${config.model_type}). Choose a causal language model.`);
  const { contextTokens } = modelFacts(source, config, undefined);
  if (contextTokens === undefined) throw new ModelLoadError(source, `The config.json of ${source} names no context length. Pass \`contextTokens\`.`);
  return contextTokens;
}

/** What a model's configurations say. @throws {ModelLoadError} for a field of the wrong type. */
export function modelFacts(source: string, config: PretrainedConfig, generation: unknown): ModelFacts {
  try {
    return readModelFacts(config, generation);
  } catch (error) {
    if (!v.isValiError(error)) throw error;
    const field = v.getDotPath(error.issues[0]) ?? 'the whole';
    throw new ModelLoadError(source, `The config.json or generation_config.json of ${source} is not what a model needs (${field}: ${error.message}).`, {
      cause: error,
    });
  }
}

/** Turns what transformers.js throws into one sentence. @throws {ModelLoadError} */
export async function explained<Result>(
  source: string,
  { localFilesOnly, localModelPath }: LoadOnnxGraphOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isLatencyTtsError(error)) throw error;
    const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const isOffline = localFilesOnly || localModelPath !== undefined;
    const advice = isOffline
      ? 'Only files on this machine were looked for; check the path and the dtype.'
      : 'Check the id or path, the dtype, and that the hub can be reached.';
    throw new ModelLoadError(source, `${source} cannot be loaded (${detail}). ${advice}`, { cause: error });
  }
}

import * as v from 'valibot';
import { InvalidOptionError, ModelLoadError } from '../errors.ts';
import { HubTokenizer } from '../models/hub-tokenizer.ts';
import type { LocalModel } from '../models/local-model.ts';
import { requireKnownNames } from '../options.ts';
import { readModelFacts, type ModelFacts } from '../models/model-facts.ts';
import { fetchFile, fetchJson, type FetchOptions, type FetchProgress } from './fetch-file.ts';
import { openWebModel, requireWebRuntimeOptions, type WebRuntimeOptions } from './web-runtime.ts';

/** The demonstration models that come with the package; `models/README.md` says what they can do. */
export interface BundledModels {
  /** Solves multi-step arithmetic word problems, with mistakes. */
  readonly target: LocalModel;
  /** Small and fast, distilled from the target. */
  readonly draft: LocalModel;
  /** Judges the target's solutions step by step; for `PrmScorer`. */
  readonly prm: LocalModel;
}

export type BundledModelName = keyof BundledModels;

/** What is told while a bundled model's file arrives. */
export interface BundledModelProgress extends FetchProgress {
  readonly model: BundledModelName;
}

export interface BundledModelsOptions extends WebRuntimeOptions, FetchOptions {
  /**
   * Address of the package's `models` folder, as this page is to fetch it; relative ones are seen from the page. The page needs
   * the folders `tokenizer`, and `target`, `draft` and `prm` as far as it uses them.
   */
  readonly baseURL: string | URL;
  /** Called while weights arrive, wherever that happens: in a worker too. Must not throw. */
  readonly onProgress?: (progress: BundledModelProgress) => void;
}

/** Everything another thread needs to make the same `LocalModel`. */
export interface WebModelDescription {
  readonly kind: 'web';
  readonly name: BundledModelName;
  /** Absolute, with a slash at its end. */
  readonly base: string;
  readonly options: WebRuntimeOptions & FetchOptions;
}

const OPTIONS: Readonly<Record<keyof BundledModelsOptions, true>> = {
  baseURL: true,
  onProgress: true,
  device: true,
  wasmPaths: true,
  threads: true,
  cache: true,
};

/**
 * Describes the bundled models, fetched from where the page serves them. Loads no weights; `docs/browser.md` shows the whole.
 *
 * @throws {InvalidOptionError}
 * @throws {ModelLoadError} where a model's configuration cannot be fetched.
 */
export async function bundledModels(options: BundledModelsOptions): Promise<BundledModels> {
  requireKnownNames(options, Object.keys(OPTIONS));
  const { baseURL, onProgress, device, wasmPaths, threads, cache } = options;
  requireWebRuntimeOptions(options);
  const plain = { device, wasmPaths, threads, cache };
  const passed = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  const base = absoluteFolder(baseURL);
  const describe = (name: BundledModelName): Promise<LocalModel> =>
    describeWebModel({ kind: 'web', name, base, options: passed }, onProgress && ((progress) => onProgress({ ...progress, model: name })));
  const [target, draft, prm] = await Promise.all([describe('target'), describe('draft'), describe('prm')]);
  return { target, draft, prm };
}

/** The `LocalModel` of a description, in whichever thread. @throws {ModelLoadError} */
export async function describeWebModel(description: WebModelDescription, onProgress?: (progress: FetchProgress) => void): Promise<LocalModel> {
  const { name, base, options } = description;
  const source = `bundled ${name}`;
  const [config, generation] = await Promise.all(['config.json', 'generation_config.json'].map((file) => fetchJson(`${base}${name}/${file}`, source, options)));
  const { contextTokens, ...facts } = factsOf(`${base}${name}/config.json`, config, generation);
  if (contextTokens === undefined) throw new ModelLoadError(source, `${base}${name}/config.json lacks max_position_embeddings, which a model needs.`);
  return {
    name: source,
    contextTokens,
    description,
    ...(onProgress && { onLoadProgress: onProgress as (progress: unknown) => void }),
    async load() {
      const graph = await fetchFile(`${base}${name}/model.onnx`, source, options, onProgress);
      return openWebModel(graph, { ...facts, contextTokens, source }, options);
    },
    async loadTokenizer() {
      const files = ['tokenizer.json', 'tokenizer_config.json'];
      const [tokenizer, config] = await Promise.all(files.map((file) => fetchJson(`${base}tokenizer/${file}`, source, options)));
      return HubTokenizer.fromFiles({ tokenizer: tokenizer!, config: config! });
    },
  };
}

function factsOf(url: string, config: unknown, generation: unknown): ModelFacts {
  try {
    return readModelFacts(config, generation);
  } catch (error) {
    const detail = v.isValiError(error) ? `${v.getDotPath(error.issues[0]) ?? 'the file'}: ${error.message}` : String(error);
    throw new ModelLoadError(url, `${url} is not what a model needs (${detail}).`, { cause: error });
  }
}

/** @throws {InvalidOptionError} */
function absoluteFolder(address: string | URL): string {
  const page = globalThis.document?.baseURI ?? globalThis.location?.href;
  try {
    const { href } = new URL(address, page);
    return href.endsWith('/') ? href : `${href}/`;
  } catch {
    throw new InvalidOptionError('baseURL', "the address of the package's models folder", address);
  }
}

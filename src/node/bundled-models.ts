import { join } from 'node:path';
import type { LocalModel } from '../models/local-model.ts';
import { requireKnownNames } from '../options.ts';
import type { BundledModels, BundledModelsOptions as WebOptions } from '../web/bundled-models.ts';
import type { WebDevice } from '../web/web-runtime.ts';
import { loadModel, type LoadModelOptions, type NodeDevice } from './load-model.ts';
import { packageRoot } from './package-root.ts';

export interface BundledModelsOptions extends Omit<LoadModelOptions, 'name' | 'tokenizerPath' | 'device'> {
  /** `wasm` and `auto` are for browsers, and mean the CPU in Node. @default 'cpu' */
  readonly device?: NodeDevice | WebDevice;
  /**
   * Threads inside one operator. The models are so small that a second one gains little on an idle machine and loses much on a
   * busy one. @default 1
   */
  readonly threads?: number;
  /** For browsers; in Node the files are read from the package, whatever this says. */
  readonly baseURL?: WebOptions['baseURL'];
  /** For browsers; reading files tells nothing. */
  readonly onProgress?: WebOptions['onProgress'];
  /** For browsers. */
  readonly wasmPaths?: WebOptions['wasmPaths'];
  /** For browsers. */
  readonly cache?: WebOptions['cache'];
}

const OPTIONS: Readonly<Record<keyof BundledModelsOptions, true>> = {
  chatTemplate: true,
  device: true,
  executionProviders: true,
  threads: true,
  baseURL: true,
  onProgress: true,
  wasmPaths: true,
  cache: true,
};

/** Describes the bundled models. Loads no weights. @throws {InvalidOptionError} */
export async function bundledModels(given: BundledModelsOptions = {}): Promise<BundledModels> {
  requireKnownNames(given, Object.keys(OPTIONS));
  const { threads = 1, device, executionProviders } = given;
  const models = join(packageRoot(), 'models');
  const isCpu = device === undefined || device === 'wasm' || device === 'auto';
  const options = { threads, ...(!isCpu && { device }), ...(executionProviders && { executionProviders }) };
  const load = (name: string): Promise<LocalModel> =>
    loadModel(join(models, name), { ...options, name: `bundled ${name}`, tokenizerPath: join(models, 'tokenizer') });
  const [target, draft, prm] = await Promise.all([load('target'), load('draft'), load('prm')]);
  return { target, draft, prm };
}

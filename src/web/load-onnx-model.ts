import { describeOnnxModel, loadHubModel, type OnnxModelDescription } from '../models/load-onnx-model.ts';
import type { HubPlatform } from '../models/found-model.ts';
import type { LocalModel } from '../models/local-model.ts';
import type { LoadOnnxModelOptions, LoadProgress } from '../models/onnx-model-options.ts';
import { graphRuntime } from './graph-runtime.ts';

const PLATFORM: HubPlatform = { runtime: graphRuntime };

/**
 * Describes a causal language model by its id on the Hugging Face hub (`onnx-community/Qwen2.5-0.5B-Instruct`) or by a
 * directory in the same form. Fetches its configuration; weights are fetched and loaded by the decoder or scorer.
 *
 * Which graphs it can drive, and how: `docs/models.md`. Settings of transformers.js' `env` apply.
 *
 * @throws {InvalidOptionError}
 * @throws {ModelLoadError} when there is no such model, or it is of a kind that cannot decode text.
 */
export function loadOnnxModel(idOrPath: string, options: LoadOnnxModelOptions = {}): Promise<LocalModel> {
  return loadHubModel(idOrPath, options, PLATFORM);
}

/** The model of a description that was made in another thread of the page. @throws {ModelLoadError} */
export function describedOnnxModel(description: OnnxModelDescription, onProgress: (progress: LoadProgress) => void): Promise<LocalModel> {
  return describeOnnxModel(description, onProgress, PLATFORM);
}

import * as v from 'valibot';
import { ExclusiveSession, pageTurns } from './exclusive-session.ts';
import type { LoadableModel } from './local-model.ts';
import type { HubPlatform } from './found-model.ts';
import { describeSource, findDescribed, openSession, type OnnxModelDescription } from './load-onnx-model.ts';
import { OnnxClassifier, type TextClassifier } from './onnx-classifier.ts';
import { loadOnnxGraphEntries, type LoadOnnxGraphOptions, type LoadProgress } from './onnx-model-options.ts';
import { isNode } from './platform.ts';
import { importTransformers } from './transformers.ts';
import { readOptions } from '../option-schemas.ts';

/** A reward model with a classification head, before its weights are loaded. */
export interface LocalClassifier extends LoadableModel {
  /** Loads the weights into the calling thread. @throws {ModelLoadError} */
  load(): Promise<TextClassifier>;
}

const Padding = v.looseObject({ pad_token_id: v.nullish(v.number()) });

/**
 * Describes a reward model with a classification head, by its id on the Hugging Face hub or by a directory in the same form:
 * a graph without a cache that gives `logits` for each token (process reward models in the form of Qwen2.5-Math-PRM) or for a
 * text (outcome reward models). Fetches its configuration; weights are fetched and loaded by the scorer.
 *
 * @throws {InvalidOptionError}
 * @throws {ModelLoadError} when there is no such model.
 */
export function loadOnnxClassifier(idOrPath: string, options: LoadOnnxGraphOptions = {}): Promise<LocalClassifier> {
  return loadHubClassifier(idOrPath, options, {});
}

/** @internal `loadOnnxClassifier` on a platform. */
export async function loadHubClassifier(idOrPath: string, options: LoadOnnxGraphOptions, platform: HubPlatform): Promise<LocalClassifier> {
  readOptions(loadOnnxGraphEntries, options);
  const { onProgress, ...plain } = options;
  return describeOnnxClassifier(await describeSource(idOrPath, plain), onProgress, platform);
}

/** The `LocalClassifier` of a description, in whichever thread. @throws {ModelLoadError} */
export async function describeOnnxClassifier(
  description: OnnxModelDescription,
  onProgress?: (progress: LoadProgress) => void,
  platform: HubPlatform = {},
): Promise<LocalClassifier> {
  const { found, ...loadable } = await findDescribed(description, onProgress, platform);
  const { source, contextTokens, config } = found;
  return {
    ...loadable,
    async load() {
      const { AutoModel } = await importTransformers();
      // The head is in the graph: no class of transformers.js needs to know it.
      const opened = await openSession(found, AutoModel);
      const session = isNode ? opened.session : new ExclusiveSession(opened.session, pageTurns);
      try {
        return new OnnxClassifier(session, { source, contextTokens, padToken: v.parse(Padding, config).pad_token_id ?? undefined });
      } catch (error) {
        await session.release();
        throw error;
      }
    },
  };
}

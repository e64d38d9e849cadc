import * as v from 'valibot';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { findModel, openHubTokenizer, openSession, requireModelOptions, type LoadOnnxModelOptions } from './load-onnx-model.ts';
import { OnnxClassifier, type TextClassifier } from './onnx-classifier.ts';

/** A reward model that this process can run, before its weights are loaded. */
export interface LocalClassifier {
  /** For messages and reports. */
  readonly name: string;
  readonly contextTokens: number;
  /** @throws {ModelLoadError} */
  load(): Promise<TextClassifier>;
  /** @throws {ModelLoadError} */
  loadTokenizer(): Promise<Tokenizer>;
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
export async function loadOnnxClassifier(idOrPath: string, options: LoadOnnxModelOptions = {}): Promise<LocalClassifier> {
  requireModelOptions(idOrPath, options);
  const model = await findModel(idOrPath, options, options.onProgress);
  const { contextTokens, config } = model;
  return {
    name: options.name ?? idOrPath,
    contextTokens,
    async load() {
      const { AutoModel } = await import('@huggingface/transformers');
      // The head is in the graph: no class of transformers.js needs to know it.
      const { session } = await openSession(model, AutoModel);
      try {
        return new OnnxClassifier(session, { source: idOrPath, contextTokens, padToken: v.parse(Padding, config).pad_token_id ?? undefined });
      } catch (error) {
        await session.release();
        throw error;
      }
    },
    loadTokenizer: () => openHubTokenizer(model),
  };
}

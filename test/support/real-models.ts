/**
 * Where tests and benchmarks find models that people use. They are large, so a checkout has none:
 * `LATENCY_TTS_REAL_MODELS=DIRECTORY` names a directory that holds one hub directory for each name below.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const REAL_MODELS = ['smollm2-135m', 'qwen2.5-coder-0.5b', 'qwen2.5-coder-1.5b'] as const;
export type RealModelName = (typeof REAL_MODELS)[number];

/** What a skipped test or benchmark says. */
export const HOW_TO_GET_REAL_MODELS =
  `Set LATENCY_TTS_REAL_MODELS to a directory with hub directories named ${REAL_MODELS.join(', ')}, each with tokenizer files, ` +
  'onnx/model_q4.onnx, onnx/model_quantized.onnx, masked/onnx/… (Optimum’s export) and model.gguf.';

/** The directory of a model, or `undefined` where it is not there. */
export function realModelDirectory(name: RealModelName): string | undefined {
  const root = process.env['LATENCY_TTS_REAL_MODELS'];
  if (root === undefined || root === '') return undefined;
  const directory = join(root, name);
  return existsSync(join(directory, 'config.json')) ? directory : undefined;
}

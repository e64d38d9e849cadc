import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import type * as OnnxRuntime from 'onnxruntime-node';
import type { GraphRuntime } from '../models/graph-file.ts';
import { missingRuntime } from '../models/transformers.ts';

let loaded: typeof OnnxRuntime | undefined;

/**
 * Loaded when a model is: the native library takes its time. Required, as transformers.js does, so that both have the same copy.
 *
 * @throws {LocalRuntimeMissingError}
 */
export function onnxRuntime(): typeof OnnxRuntime {
  try {
    return (loaded ??= createRequire(import.meta.url)('onnxruntime-node') as typeof OnnxRuntime);
  } catch (error) {
    return missingRuntime('onnxruntime-node')(error);
  }
}

const RUNTIME: GraphRuntime = {
  createSession: async (...given) => onnxRuntime().InferenceSession.create(...(given as Parameters<typeof OnnxRuntime.InferenceSession.create>)),
  registerBackend: (name, backend, priority) => onnxRuntime().registerBackend(name, backend, priority),
  choosesTokens: true,
  providers: ['cpu'],
  read: (path) => readFile(path),
};

export const graphRuntime = (): Promise<GraphRuntime> => Promise.resolve(RUNTIME);

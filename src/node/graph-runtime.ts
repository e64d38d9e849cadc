import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import type * as OnnxRuntime from 'onnxruntime-node';
import type { GraphRuntime } from '../models/graph-file.ts';

let loaded: typeof OnnxRuntime | undefined;

/** Loaded when a model is: the native library takes its time. Required, as transformers.js does, so that both have the same copy. */
const runtime = (): typeof OnnxRuntime => (loaded ??= createRequire(import.meta.url)('onnxruntime-node') as typeof OnnxRuntime);

const RUNTIME: GraphRuntime = {
  get InferenceSession() {
    return runtime().InferenceSession;
  },
  registerBackend: (name, backend, priority) => runtime().registerBackend(name, backend, priority),
  choosesTokens: true,
  providers: ['cpu'],
  read: (path) => readFile(path),
};

export const graphRuntime = (): Promise<GraphRuntime> => Promise.resolve(RUNTIME);

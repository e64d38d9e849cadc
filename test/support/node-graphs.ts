import { InferenceSession } from 'onnxruntime-node';
import type { GraphRuntime } from '../../src/models/graph-file.ts';

/** ONNX Runtime for graphs that tests make in memory. */
export const memoryRuntime: GraphRuntime = {
  createSession: (...given) => InferenceSession.create(...(given as Parameters<typeof InferenceSession.create>)),
  registerBackend: () => undefined,
  choosesTokens: true,
  providers: ['cpu'],
  read: () => Promise.reject(new Error('There are no files.')),
};

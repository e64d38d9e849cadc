import { InferenceSession } from 'onnxruntime-node';
import type { GraphRuntime } from '../../src/models/graph-file.ts';

/** ONNX Runtime for graphs that tests make in memory. */
export const memoryRuntime: GraphRuntime = {
  InferenceSession,
  registerBackend: () => undefined,
  choosesTokens: true,
  providers: ['cpu'],
  read: () => Promise.reject(new Error('There are no files.')),
};

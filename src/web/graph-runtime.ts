import type { InferenceSessionFactory } from 'onnxruntime-common';
import { ExclusiveSession, pageTurns } from '../models/exclusive-session.ts';
import type { GraphRuntime } from '../models/graph-file.ts';

let loaded: Promise<GraphRuntime> | undefined;

/** ONNX Runtime as transformers.js has it in a page, one call at a time. */
export function graphRuntime(): Promise<GraphRuntime> {
  return (loaded ??= load());
}

async function load(): Promise<GraphRuntime> {
  const { InferenceSession, registerBackend } = await import('onnxruntime-web/webgpu');
  const create: InferenceSessionFactory['create'] = async (...given: [never]) =>
    new ExclusiveSession(await pageTurns(() => InferenceSession.create(...given)), pageTurns);
  return {
    InferenceSession: { create },
    registerBackend,
    choosesTokens: false,
    providers: ['wasm'],
    read: (path) => Promise.reject(new Error(`A page has no file ${path}.`)),
  };
}

import { ExclusiveSession, pageTurns } from '../models/exclusive-session.ts';
import type { GraphRuntime } from '../models/graph-file.ts';
import { missingRuntime } from '../models/transformers.ts';

let loaded: Promise<GraphRuntime> | undefined;

/** ONNX Runtime as transformers.js has it in a page, one call at a time. */
export function graphRuntime(): Promise<GraphRuntime> {
  return (loaded ??= load());
}

async function load(): Promise<GraphRuntime> {
  const { InferenceSession, registerBackend } = await import('onnxruntime-web/webgpu').catch(missingRuntime('onnxruntime-web'));
  return {
    createSession: async (...given) =>
      new ExclusiveSession(await pageTurns(() => InferenceSession.create(...(given as Parameters<typeof InferenceSession.create>))), pageTurns),
    registerBackend,
    choosesTokens: false,
    providers: ['wasm'],
    read: (path) => Promise.reject(new Error(`A page has no file ${path}.`)),
  };
}

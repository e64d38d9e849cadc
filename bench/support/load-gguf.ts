import { pathToFileURL } from 'node:url';
import type { AnyLlamaChatWrapper, AnyLlamaModel, AnyLlamaTokenPredictor } from '../../src/adapters/node-llama-cpp/index.ts';
import { PEERS } from './peers.ts';

export { missingPeer } from './peers.ts';

/** The part of node-llama-cpp that benchmarks and tests use beside what the library does; it is not installed with the project. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: { modelPath: string }): Promise<LoadedGguf['model']> }>;
  resolveChatWrapper(model: unknown, options: object): AnyLlamaChatWrapper;
  readonly LlamaLogLevel: { readonly disabled: string };
  readonly InputLookupTokenPredictor: LoadedGguf['InputLookupTokenPredictor'];
}

export interface LoadedGguf {
  readonly model: AnyLlamaModel & { dispose(): Promise<void> };
  /** The file's own template. */
  readonly chatWrapper: AnyLlamaChatWrapper;
  readonly InputLookupTokenPredictor: new (options?: object) => AnyLlamaTokenPredictor;
}

/** Loads a GGUF file with the node-llama-cpp of `bench/peers`, for the processor. */
export async function loadGguf(modelPath: string): Promise<LoadedGguf> {
  const { getLlama, resolveChatWrapper, LlamaLogLevel, InputLookupTokenPredictor } = (await import(
    pathToFileURL(`${PEERS}node_modules/node-llama-cpp/dist/index.js`).href
  )) as NodeLlamaCpp;
  // No limit to threads: each context sets its own.
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.disabled, maxThreads: 0 });
  const model = await llama.loadModel({ modelPath });
  return { model, chatWrapper: resolveChatWrapper(model, { type: 'jinjaTemplate' }), InputLookupTokenPredictor };
}

/**
 * GGUF models through node-llama-cpp: `latency-tts/node-llama-cpp`. You install node-llama-cpp and load the model with it.
 *
 * @module
 */
export { llamaCppModel, type LlamaCppModelOptions } from './llama-cpp-model.ts';
export type { AnyLlamaChatWrapper, AnyLlamaModel } from './llama-interface.ts';

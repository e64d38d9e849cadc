/**
 * GGUF models through node-llama-cpp: `latency-tts/node-llama-cpp`. You install node-llama-cpp and load the model with it.
 *
 * @module
 */
export { llamaCppEngine, type LlamaCppEngineOptions } from './llama-cpp-engine.ts';
export type { AnyLlamaChatWrapper, AnyLlamaModel, AnyLlamaTokenPredictor } from './llama-interface.ts';

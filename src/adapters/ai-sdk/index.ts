/**
 * Between this library and the AI SDK (`ai`): `latency-tts/ai-sdk`. Needs no package of it to run.
 *
 * @module
 */
export { createLatencyTts, latencyTts, type LatencyTtsOptions, type LatencyTtsProvider, type LatencyTtsProviderOptions } from './latency-tts.ts';
export { aiSdkEngine, type AiSdkEngineOptions } from './ai-sdk-engine.ts';
export { latencyTtsMiddleware, type LatencyTtsMiddlewareOptions } from './middleware.ts';
export type { AnyLanguageModel, ModelContinuation } from './model-client.ts';
export { latencyTtsReport } from './summarise.ts';
export type { BranchMetadata, ResultMetadata } from '../result-metadata.ts';
export type { LatencyTtsCallOptions } from './call-overrides.ts';
export type { StrategyCallOptions } from '../strategy-call.ts';

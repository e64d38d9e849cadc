/**
 * Between this library and the AI SDK (`ai`): `latency-tts/ai-sdk`. Needs no package of it to run.
 *
 * @module
 */
export { createLatencyTts, latencyTts, type LatencyTtsOptions, type LatencyTtsProvider, type LatencyTtsProviderOptions } from './latency-tts.ts';
export { latencyTtsReport } from './summarise.ts';
export type { BranchMetadata, ResultMetadata } from '../result-metadata.ts';
export type { LatencyTtsCallOptions } from './call-overrides.ts';
export type { StrategyCallOptions } from '../strategy-call.ts';

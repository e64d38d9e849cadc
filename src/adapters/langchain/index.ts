/**
 * A strategy as a chat model of LangChain.js: `latency-tts/langchain`. Needs `@langchain/core` 1.
 *
 * @module
 */
export { ChatLatencyTts, type ChatLatencyTtsCallOptions, type ChatLatencyTtsMetadata, type ChatLatencyTtsOptions } from './chat-latency-tts.ts';
export type { BranchMetadata, ResultMetadata } from '../result-metadata.ts';
export type { StrategyCallOptions } from '../strategy-call.ts';

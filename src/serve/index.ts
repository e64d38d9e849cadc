/**
 * Models behind an OpenAI-compatible HTTP interface, with deadlines and strategies: `latency-tts/serve`.
 *
 * @module
 */
export { createHandler, type HandlerOptions, type ServeHandler } from './handler.ts';
export { standardStrategies, type StandardStrategiesOptions } from './standard-strategies.ts';
export type { ServedModel, ServedStrategy, StrategyCall, StrategyChoice, StrategyMaker, StrategyRegistry } from './served-model.ts';
export type { Load } from './admission.ts';
export type { ApiErrorCode } from './api-error.ts';
export type { Endpoint } from './completion-task.ts';
export type { RequestOutcome, RequestRecord, ServeMetrics } from './metrics.ts';

import { canNameTokens, mostTopLogprobs } from './read-task.ts';
import { SINGLE, type ServedModel } from './served-model.ts';

/** A model as `/v1/models` describes it. @param created - Seconds since 1970. */
export function modelBody(id: string, model: ServedModel, created: number): object {
  const { engine, strategies, defaultStrategy, ownedBy } = model;
  return {
    id,
    object: 'model',
    created,
    owned_by: ownedBy ?? 'latency-tts',
    ...(engine.contextTokens !== undefined && { max_model_len: engine.contextTokens }),
    latency_tts: {
      engine: engine.name,
      logprobs: canNameTokens(model),
      top_logprobs: mostTopLogprobs(model),
      strategies: [SINGLE, ...Object.keys(strategies ?? {})],
      default_strategy: defaultStrategy?.name ?? SINGLE,
    },
  };
}

import { SINGLE, type ServedModel } from './served-model.ts';

/** A model as `/v1/models` describes it. @param created - Seconds since 1970. */
export function modelBody(id: string, { engine, tokenizer, strategies, defaultStrategy, ownedBy }: ServedModel, created: number): object {
  return {
    id,
    object: 'model',
    created,
    owned_by: ownedBy ?? 'latency-tts',
    ...(engine.contextTokens !== undefined && { max_model_len: engine.contextTokens }),
    latency_tts: {
      engine: engine.name,
      logprobs: tokenizer !== undefined,
      strategies: [SINGLE, ...Object.keys(strategies ?? {})],
      default_strategy: defaultStrategy?.name ?? SINGLE,
    },
  };
}

import type { Clock } from '../../contracts/clock.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { expiry } from '../../runtime/wait-until.ts';
import type { LlamaSampling, LlamaSequenceLike, LlamaTokenPredictorLike } from './llama-interface.ts';

export interface LlamaDraftRequest {
  readonly sequence: LlamaSequenceLike;
  /** The branch's tokens, prompt included. */
  readonly tokens: readonly number[];
  readonly promptTokens: readonly number[];
  readonly sampling: LlamaSampling;
  /** Most tokens. At least 1. */
  readonly limit: number;
  readonly clock: Clock;
  /** A draft that is not there after this long is done without: it could not pay. */
  readonly patienceMs: number;
}

/**
 * Drives one token predictor of node-llama-cpp as its own evaluation does, except that drafts are verified by the engine: the
 * evaluation of 3.22 accepts one token of a draft at most.
 */
export class LlamaDrafter {
  readonly #predictor: LlamaTokenPredictorLike;
  /** Tokens the predictor knows of; `undefined` where it has to be told anew. */
  #known: number[] | undefined;
  #draft: readonly number[] = [];

  constructor(predictor: LlamaTokenPredictorLike) {
    this.#predictor = predictor;
  }

  async propose({ sequence, tokens, promptTokens, sampling, limit, clock, patienceMs }: LlamaDraftRequest): Promise<readonly number[]> {
    const known = this.#known;
    const predictor = this.#predictor;
    if (known?.every((token, index) => tokens[index] === token) && known.length <= tokens.length) {
      const added = tokens.slice(known.length);
      if (this.#draft.some((token, index) => added[index] !== token)) void predictor.stop(true);
      if (added.length > 0) predictor.pushTokens([...added]);
    } else {
      predictor.updateInputTokens([...promptTokens]);
      await predictor.reset({ targetSequence: sequence, stateTokens: [...tokens], evaluateOptions: sampling });
    }
    this.#known = [...tokens];
    this.#draft = [];
    const predicted = await inTime(predictor.predictTokens(), clock, patienceMs);
    if (!predicted) this.#known = undefined;
    this.#draft = predicted?.slice(0, limit) ?? [];
    return this.#draft;
  }

  async dispose(): Promise<void> {
    await this.#predictor.dispose();
  }
}

async function inTime(prediction: Promise<number[]> | number[], clock: Clock, patienceMs: number): Promise<number[] | undefined> {
  if (Array.isArray(prediction)) return prediction;
  const settled = new AbortScope();
  try {
    return (await Promise.race([prediction, expiry(clock, patienceMs, settled.signal)])) ?? undefined;
  } finally {
    settled.end();
  }
}

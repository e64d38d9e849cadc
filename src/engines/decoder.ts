import type { Engine, Session, SessionOptions } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { LocalModel } from '../models/local-model.ts';
import { ThreadedEngine, type ThreadOptions } from './threaded-engine.ts';

export interface DecoderOptions extends ThreadOptions {
  readonly model: LocalModel;
}

/** Decodes branches of a local model together, one token a step, by continuous batching: the engine without speculation. */
export class Decoder implements Engine {
  readonly #engine: ThreadedEngine;

  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor({ model, ...thread }: DecoderOptions) {
    this.#engine = new ThreadedEngine({ target: model }, thread);
  }

  get name(): string {
    return this.#engine.name;
  }

  get contextTokens(): number {
    return this.#engine.contextTokens;
  }

  /** Loads the model. @throws {ModelLoadError} */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.#engine.ready(options);
  }

  open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    return this.#engine.open(prompt, options);
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}

import { type LocalModel, requireLocalModel } from '../models/local-model.ts';
import { requireKnownOptions } from '../options.ts';
import { ThreadedEngine, type ThreadOptions } from './threaded-engine.ts';

export interface DecoderOptions extends ThreadOptions {
  readonly model: LocalModel;
}

/** Decodes branches of a local model together, one token a step, by continuous batching: the engine without speculation. */
export class Decoder extends ThreadedEngine {
  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor(options: DecoderOptions) {
    requireKnownOptions<DecoderOptions>('options', options, { model: true, maxRows: true, prefixCacheBytes: true, thread: true, worker: true });
    const { model, ...thread } = options;
    super({ target: requireLocalModel('model', model) }, thread);
  }
}

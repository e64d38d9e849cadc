import { type LocalModel, requireLocalModel } from '../models/local-model.ts';
import { requireKnownNames } from '../options.ts';
import { ThreadedEngine, type ThreadOptions } from './threaded-engine.ts';

export interface DecoderOptions extends ThreadOptions {
  readonly model: LocalModel;
}

/** Decodes branches of a local model together, one token a step, by continuous batching: the engine without speculation. */
export class Decoder extends ThreadedEngine {
  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor(options: DecoderOptions) {
    requireKnownNames(options, ['model', 'maxRows', 'prefixCacheBytes', 'thread', 'worker']);
    const { model, ...thread } = options;
    super({ target: requireLocalModel('model', model) }, thread);
  }
}

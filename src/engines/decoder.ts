import { localModelSchema } from '../models/local-model.ts';
import { readOptions, type OptionsOf } from '../option-schemas.ts';
import { FormatEngine } from './format-engine.ts';
import { threadedEntries } from './threaded-engine.ts';

export const decoderEntries = {
  /** Decodes. */
  model: localModelSchema(),
  ...threadedEntries,
};

export interface DecoderOptions extends OptionsOf<typeof decoderEntries> {}

/** Decodes branches of a local model together, one token a step, by continuous batching: the engine without speculation. */
export class Decoder extends FormatEngine {
  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor(options: DecoderOptions) {
    const { model: target, thread, worker, ...plan } = readOptions(decoderEntries, options);
    super({ target, ...plan }, { ...(thread && { thread }), ...(worker && { worker }) });
  }
}

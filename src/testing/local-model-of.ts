import type { TokenModel } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import type { LocalModel } from '../models/local-model.ts';

/** A `LocalModel` over a model that exists already, to run decoders on scripted models. */
export function localModelOf(model: TokenModel, tokenizer: Tokenizer, name = 'scripted'): LocalModel {
  return {
    name,
    contextTokens: model.contextTokens,
    description: undefined,
    load: async () => model,
    loadTokenizer: async () => tokenizer,
  };
}

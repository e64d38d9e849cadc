/**
 * Speculative decoding (Leviathan et al. 2022, arXiv:2211.17192; Chen et al. 2023, arXiv:2302.01318), batched and ragged:
 * every branch has its own accepted length and rollback, in the same passes as branches without a draft.
 *
 * Lossless: what comes out has the target's distribution, and is the target's own text under greedy decoding.
 *
 * @module
 */
import * as v from 'valibot';
import { InvalidOptionError } from '../errors.ts';
import { localModelSchema } from '../models/local-model.ts';
import { listOf, number, oneOf, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import type { DrafterName } from './load-engine.ts';
import { FormatEngine } from './format-engine.ts';
import { threadedEntries } from './threaded-engine.ts';

const DRAFTERS = ['draft-model', 'lookup', 'sibling', 'history'] as const satisfies readonly DrafterName[];

export const speculativeDecoderEntries = {
  /** The model whose distribution the text has. */
  target: localModelSchema(),
  /** A small model with the same tokenizer and at least the same context. Needed for the `draft-model` drafter. */
  draft: v.optional(localModelSchema()),
  /**
   * Who proposes tokens, asked in order until one has something: the draft model, or a look-up in the branch's own prompt and
   * text (`lookup`), in the other branches of the prompt (`sibling`) and in the engine's earlier requests (`history`), which are
   * one index. @default ['draft-model'] with a draft, else ['sibling', 'lookup', 'history']
   */
  drafters: v.optional(listOf(oneOf(DRAFTERS), 'drafter')),
  /** Tokens proposed a round and branch: fixed, or chosen in every round by measured costs and acceptance, starting with none. Whole number ≥ 0. @default 'adaptive' */
  draftLength: v.optional(v.union([v.literal('adaptive'), wholeNumber()], "'adaptive' or a whole number of at least 0"), 'adaptive'),
  /** Longest draft `adaptive` chooses. Whole number ≥ 1. @default 8 */
  longestDraft: v.optional(wholeNumber(1), 8),
  /** A draft of the draft model ends once the product of its probabilities falls below this. In [0, 1]. @default 0.3 */
  minConfidence: v.optional(number(0, 1), 0.3),
  /**
   * `coupled` writes, token for token, what plain decoding writes with the same seed, whatever was drafted.
   * `rejection` accepts the most drafted tokens; which text of the same distribution a seed gives then depends on the drafts.
   * @default 'coupled'
   */
  verification: v.optional(oneOf(['coupled', 'rejection']), 'coupled'),
  ...threadedEntries,
};

export interface SpeculativeDecoderOptions extends OptionsOf<typeof speculativeDecoderEntries> {}

export class SpeculativeDecoder extends FormatEngine {
  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor(options: SpeculativeDecoderOptions) {
    const { target, draft, thread, worker, maxRows, prefixCacheBytes, ...settings } = readOptions(speculativeDecoderEntries, options);
    const { drafters = draft ? (['draft-model'] as const) : (['sibling', 'lookup', 'history'] as const) } = settings;
    if (drafters.includes('draft-model') && !draft) throw new InvalidOptionError('draft', "a model, since `drafters` has 'draft-model'", draft);
    if (draft && draft.contextTokens < target.contextTokens) {
      throw new InvalidOptionError('draft', `a model with a context of at least ${target.contextTokens} tokens`, draft.contextTokens);
    }
    super(
      { target, maxRows, speculation: { ...settings, drafters }, ...(draft && { draft }), ...(prefixCacheBytes !== undefined && { prefixCacheBytes }) },
      { ...(thread && { thread }), ...(worker && { worker }) },
    );
  }
}

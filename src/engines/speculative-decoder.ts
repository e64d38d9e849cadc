/**
 * Speculative decoding (Leviathan et al. 2022, arXiv:2211.17192; Chen et al. 2023, arXiv:2302.01318), batched and ragged:
 * every branch has its own accepted length and rollback, in the same passes as branches without a draft.
 *
 * Lossless: what comes out has the target's distribution, and is the target's own text under greedy decoding.
 *
 * @module
 */
import { InvalidOptionError } from '../errors.ts';
import { type LocalModel, requireLocalModel } from '../models/local-model.ts';
import { requireNumber, requireWholeNumber } from '../options.ts';
import type { DrafterName, SpeculationPlan } from './load-engine.ts';
import type { Verification } from './local/lane.ts';
import { ThreadedEngine, type ThreadOptions } from './threaded-engine.ts';

export interface SpeculativeDecoderOptions extends ThreadOptions {
  /** The model whose distribution the text has. */
  readonly target: LocalModel;
  /** A small model with the same tokenizer and at least the same context. Needed for the `draft-model` drafter. */
  readonly draft?: LocalModel;
  /**
   * Who proposes tokens, asked in order until one has something: the draft model, or a look-up in the branch's own prompt and
   * text (`lookup`), in the other branches of the prompt (`sibling`) and in the engine's earlier requests (`history`), which are
   * one index. @default ['draft-model'] with a draft, else ['sibling', 'lookup', 'history']
   */
  readonly drafters?: readonly DrafterName[];
  /** Tokens proposed a round and branch: fixed, or chosen in every round by measured costs and acceptance, starting with none. Whole number ≥ 0. @default 'adaptive' */
  readonly draftLength?: number | 'adaptive';
  /** Longest draft `adaptive` chooses. Whole number ≥ 1. @default 8 */
  readonly longestDraft?: number;
  /** A draft of the draft model ends once the product of its probabilities falls below this. In [0, 1]. @default 0.3 */
  readonly minConfidence?: number;
  /**
   * `coupled` writes, token for token, what plain decoding writes with the same seed, whatever was drafted.
   * `rejection` accepts the most drafted tokens; which text of the same distribution a seed gives then depends on the drafts.
   * @default 'coupled'
   */
  readonly verification?: Verification;
}

const NAMES: readonly DrafterName[] = ['draft-model', 'lookup', 'sibling', 'history'];

export class SpeculativeDecoder extends ThreadedEngine {
  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor({ target, draft, thread, worker, maxRows, prefixCacheBytes, ...options }: SpeculativeDecoderOptions) {
    requireLocalModel('target', target);
    if (draft !== undefined) requireLocalModel('draft', draft);
    const speculation = resolvePlan(options, target, draft);
    const threads = {
      ...(thread && { thread }),
      ...(worker && { worker }),
      ...(maxRows !== undefined && { maxRows }),
      ...(prefixCacheBytes !== undefined && { prefixCacheBytes }),
    };
    super({ target, ...(draft && { draft }), speculation }, threads);
  }
}

type PlanOptions = Omit<SpeculativeDecoderOptions, 'target' | 'draft' | keyof ThreadOptions>;

function resolvePlan(options: PlanOptions, target: LocalModel, draft: LocalModel | undefined): SpeculationPlan {
  const {
    drafters = draft ? ['draft-model'] : ['sibling', 'lookup', 'history'],
    draftLength = 'adaptive',
    longestDraft = 8,
    minConfidence = 0.3,
    verification = 'coupled',
  } = options;
  if (drafters.length === 0 || drafters.some((name) => !NAMES.includes(name))) {
    throw new InvalidOptionError('drafters', `a list of ${NAMES.map((name) => `'${name}'`).join(', ')}`, drafters);
  }
  if (drafters.includes('draft-model') && !draft) throw new InvalidOptionError('draft', "a model, since `drafters` has 'draft-model'", draft);
  if (draft && draft.contextTokens < target.contextTokens) {
    throw new InvalidOptionError('draft', `a model with a context of at least ${target.contextTokens} tokens`, draft.contextTokens);
  }
  if (draftLength !== 'adaptive') requireWholeNumber('draftLength', draftLength);
  requireWholeNumber('longestDraft', longestDraft, 1);
  requireNumber('minConfidence', minConfidence, 0, 1);
  if (verification !== 'coupled' && verification !== 'rejection') throw new InvalidOptionError('verification', "'coupled' or 'rejection'", verification);
  return { drafters, draftLength, longestDraft, minConfidence, verification };
}

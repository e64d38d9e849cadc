import type { TokenSequence } from '../../contracts/token-model.ts';

/** Where one branch stands. The decode loop and the branch's owner share it. */
export interface BranchState {
  /** Caches the prompt and `tokens` less `pending`. */
  readonly sequence: TokenSequence;
  /** Tokens after the prompt, sampled and forced. */
  readonly tokens: number[];
  /** The last tokens, not in the cache yet. */
  pending: number[];
  /** Logits of the next position when they are known without a forward: right behind the prompt. */
  logits: Float32Array | undefined;
  /** Which random numbers the branch draws. */
  readonly stream: number;
}

/** Tokens the next forward has to append so that the position behind the last token gets logits. */
export function tokensToAppend(state: BranchState): readonly number[] {
  if (state.pending.length === 0 && !state.logits) {
    // Everything is cached but its logits were not kept: the last token goes in again.
    state.pending = [state.tokens.at(-1)!];
    state.sequence.truncate(state.sequence.length - 1);
  }
  return state.pending;
}

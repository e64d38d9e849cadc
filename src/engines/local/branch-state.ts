import type { TokenSequence } from '../../contracts/token-model.ts';
import type { Sampling } from '../../maths/sampling.ts';

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
  /** How it chooses its tokens. */
  readonly sampling: Sampling;
}

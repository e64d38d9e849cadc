/**
 * Deciding one drafted token, losslessly: the tokens that come out have the target's distribution.
 *
 * The papers disagree on letters, so this file uses none: Leviathan et al. 2022 (arXiv:2211.17192) writes the target as
 * `p` and the draft as `q`, Chen et al. 2023 (arXiv:2302.01318) the other way round. Both distributions are processed
 * ones: temperature, truncation and penalties applied.
 *
 * @module
 */
import { sampleIndex } from './sampling.ts';

/** Whether a drafted token stands, and what stands in its place if not. */
export interface DraftVerdict {
  readonly isAccepted: boolean;
  /** The token at this position: the drafted one if it was accepted. */
  readonly token: number;
}

/**
 * Rejection sampling (Leviathan et al. 2022, Appendix A.1): accepts with probability min(1, target / draft), else draws
 * from the residual. Of all lossless rules with independent draws, the one that accepts most.
 *
 * @param drafted - The proposed token.
 * @param draftProbs - What it was drawn from, `[vocabularySize]`; `undefined` for a token that was looked up, which
 *   counts as drawn from a distribution with all its mass there.
 * @param targetProbs - The target's distribution at the position, `[vocabularySize]`. Overwritten when the token is rejected.
 * @param acceptPoint - Uniform in [0, 1), independent of how the token was drawn.
 * @param residualPoint - Uniform in [0, 1), independent of both.
 */
export function acceptByRejection(
  drafted: number,
  draftProbs: Float32Array | undefined,
  targetProbs: Float32Array,
  { acceptPoint, residualPoint }: { readonly acceptPoint: number; readonly residualPoint: number },
): DraftVerdict {
  if (acceptPoint * draftProbAt(drafted, drafted, draftProbs) < targetProbs[drafted]!) return { isAccepted: true, token: drafted };
  // Both passes matter: the target must stay whole in case nothing is owed.
  if (!owesAnything(drafted, draftProbs, targetProbs)) return { isAccepted: false, token: sampleIndex(targetProbs, residualPoint) };
  for (let token = 0; token < targetProbs.length; token++) {
    targetProbs[token] = Math.max(0, targetProbs[token]! - draftProbAt(token, drafted, draftProbs));
  }
  return { isAccepted: false, token: sampleIndex(targetProbs, residualPoint) };
}

/** Whether the residual has any mass. Equal distributions leave none, and then only rounding can have led to a rejection. */
function owesAnything(drafted: number, draftProbs: Float32Array | undefined, targetProbs: Float32Array): boolean {
  for (let token = 0; token < targetProbs.length; token++) {
    if (targetProbs[token]! > draftProbAt(token, drafted, draftProbs)) return true;
  }
  return false;
}

function draftProbAt(token: number, drafted: number, draftProbs: Float32Array | undefined): number {
  if (draftProbs) return draftProbs[token]!;
  return token === drafted ? 1 : 0;
}

/**
 * Coupled sampling: draws the target's token with the number plain decoding would use at this position, and accepts the
 * draft if it is the same token. What comes out is token for token what plain decoding writes with the same seed, whatever
 * was drafted (drafter invariance: Daliri, Musco and Suresh 2024, arXiv:2408.07978). A draft drawn with the same number
 * is accepted nearly as often as by rejection when both distributions are peaked.
 *
 * @param point - The number plain decoding draws with, uniform in [0, 1).
 */
export function acceptByCoupling(drafted: number, targetProbs: Float32Array, point: number): DraftVerdict {
  const token = sampleIndex(targetProbs, point);
  return { isAccepted: token === drafted, token };
}

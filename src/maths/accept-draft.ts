/**
 * Deciding one drafted token, losslessly: the tokens that come out have the target's distribution.
 *
 * The papers disagree on letters, so this file uses none: Leviathan et al. 2022 (arXiv:2211.17192) writes the target as
 * `p` and the draft as `q`, Chen et al. 2023 (arXiv:2302.01318) the other way round. Both distributions are processed
 * ones: temperature, truncation and penalties applied.
 *
 * @module
 */
import type { DrawnFrom } from '../contracts/drafter.ts';
import { TokenDistribution } from './token-distribution.ts';

/** Whether a drafted token stands, and what stands in its place if not. */
export interface DraftVerdict {
  readonly isAccepted: boolean;
  /** The token at this position: the drafted one if it was accepted. */
  readonly token: number;
}

const residual = new TokenDistribution();

/**
 * Rejection sampling (Leviathan et al. 2022, Appendix A.1): accepts with probability min(1, target / draft), else draws
 * from the residual. Of all lossless rules with independent draws, the one that accepts most.
 *
 * @param drafted - The proposed token.
 * @param draft - What it was drawn from; `undefined` for a token that was looked up, which counts as drawn from a
 *   distribution with all its mass there.
 * @param target - The target's distribution at the position.
 * @param acceptPoint - Uniform in [0, 1), independent of how the token was drawn.
 * @param residualPoint - Uniform in [0, 1), independent of both.
 */
export function acceptByRejection(
  drafted: number,
  draft: DrawnFrom | undefined,
  target: TokenDistribution,
  { acceptPoint, residualPoint }: { readonly acceptPoint: number; readonly residualPoint: number },
): DraftVerdict {
  const draftProbability = (token: number): number => (draft ? draft.probabilityOf(token) : Number(token === drafted));
  if (acceptPoint * draftProbability(drafted) < target.probabilityOf(drafted)) return { isAccepted: true, token: drafted };
  residual.clear();
  for (let index = 0; index < target.count; index++) {
    const owed = target.probs[index]! - draftProbability(target.tokens[index]!);
    if (owed > 0) residual.push(target.tokens[index]!, owed);
  }
  // Equal distributions leave nothing, and then only rounding can have led to a rejection.
  if (residual.count === 0) return { isAccepted: false, token: target.draw(residualPoint) };
  residual.normalise(true);
  return { isAccepted: false, token: residual.draw(residualPoint) };
}

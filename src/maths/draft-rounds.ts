/**
 * What a round of speculative decoding gives, and how long its draft should be.
 *
 * With acceptance rates a_1, a_2, … by position, a round of length k gives 1 + a_1 + a_1 a_2 + … tokens (Leviathan et al.
 * 2022, arXiv:2211.17192, generalised to rates by position) and costs k draft steps and one target pass of k + 1 tokens.
 *
 * @module
 */

/** Tokens a round of `length` drafted tokens gives on average: `1 + Σ_j Π_{i ≤ j} rates[i]`. */
export function expectedTokens(rates: readonly number[], length: number): number {
  let expected = 1;
  let reach = 1;
  for (let position = 0; position < length; position++) {
    reach *= rates[position]!;
    expected += reach;
  }
  return expected;
}

/**
 * The length in `[0, longest]` with the most expected tokens per millisecond; the shorter of equals.
 *
 * @param rates - Acceptance rate at each position given that all before it were accepted, `[longest]`.
 * @param roundMs - Milliseconds of a round by length.
 */
export function bestDraftLength(rates: readonly number[], longest: number, roundMs: (length: number) => number): number {
  let best = 0;
  let bestRate = 0;
  for (let length = 0; length <= longest; length++) {
    const rate = expectedTokens(rates, length) / roundMs(length);
    if (rate > bestRate * (1 + 1e-12)) [best, bestRate] = [length, rate];
  }
  return best;
}

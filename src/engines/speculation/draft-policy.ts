/** A round of decoding that is over. */
export interface Round {
  /** Branches. */
  readonly rows: number;
  /** New tokens of the pass over all branches, and of the branch with the most. */
  readonly positions: number;
  readonly widest: number;
  /** From the start of the pass until every branch had its tokens. */
  readonly milliseconds: number;
  /** Of drafting, before that. */
  readonly draftingMs: number;
}

/** Decides how much is drafted, round by round. */
export interface DraftPolicy {
  /** Most tokens of a draft. */
  readonly longest: number;
  /** The length of drafts whose every token costs a step, for a round of `rows` branches. */
  chooseLength(rows: number): number;
  /**
   * Tokens less likely than this to stand, together with all before them, are not worth verifying: what costs nothing to draft
   * ends there.
   */
  leastReach(rows: number): number;
  /**
   * How many tokens of each draft that cost nothing to verify.
   *
   * @param rows - Branches of the round, with and without a draft.
   * @param estimates - By draft, the probability of each token to stand, given that those before it do.
   */
  cut(rows: number, estimates: readonly (readonly number[])[]): readonly number[];
  /** Takes how many tokens one branch's draft came to, of at most `limit`. */
  recordDraft(limit: number, drafted: number): void;
  /** Takes what a step of drafting cost. */
  recordStep(rows: number, milliseconds: number): void;
  /** Takes how many tokens of a draft stood, of the `limit` that could have. */
  recordOutcome(limit: number, accepted: number): void;
  /** The same of a draft that came with estimates. */
  recordEstimated(estimates: readonly number[], accepted: number): void;
  recordRound(round: Round): void;
}

/** Always the same length. */
export function fixedDraftLength(length: number): DraftPolicy {
  const ignore = (): void => undefined;
  return {
    longest: length,
    chooseLength: () => length,
    leastReach: () => 0,
    cut: (_, estimates) => estimates.map((each) => each.length),
    recordDraft: ignore,
    recordStep: ignore,
    recordOutcome: ignore,
    recordEstimated: ignore,
    recordRound: ignore,
  };
}

/** A choice of how much of each draft to verify. */
export interface DraftCut {
  /** Drafted tokens that are kept, over all branches, and of the branch with the most. */
  readonly drafted: number;
  readonly longest: number;
  /** Of these, how many are expected to stand. */
  readonly expected: number;
}

/** Cuts from none to all, and how long each leaves the drafts. */
export interface DraftCuts {
  readonly cuts: readonly DraftCut[];
  /** Kept tokens by branch. */
  lengths(cut: DraftCut): number[];
}

/**
 * Cuts of 0, 1, 2, … tokens over all branches, the likeliest first. Since a token stands only with all before it, its probability
 * is never above that of the one before, so every beginning of the order is a set of whole beginnings of drafts.
 *
 * @param reaches - By branch, the probability of each drafted token to stand together with all before it; not rising.
 */
export function draftCuts(reaches: readonly (readonly number[])[]): DraftCuts {
  const order = reaches.flatMap((reach, branch) => reach.map((probability, position) => ({ branch, probability, position })));
  order.sort((left, right) => right.probability - left.probability);
  const cuts = [{ drafted: 0, longest: 0, expected: 0 }];
  for (const { probability, position } of order) {
    const { drafted, longest, expected } = cuts.at(-1)!;
    cuts.push({ drafted: drafted + 1, longest: Math.max(longest, position + 1), expected: expected + probability });
  }
  const lengths = ({ drafted }: DraftCut): number[] => {
    const kept = reaches.map(() => 0);
    for (const { branch } of order.slice(0, drafted)) kept[branch]!++;
    return kept;
  };
  return { cuts, lengths };
}

/** Cuts of every branch at 0, 1, 2, … tokens, for passes that cost by their longest row. */
export function evenDraftCuts(reaches: readonly (readonly number[])[]): DraftCuts {
  const most = Math.max(0, ...reaches.map(({ length }) => length));
  const cuts = Array.from({ length: most + 1 }, (_, longest) => {
    const kept = reaches.flatMap((reach) => reach.slice(0, longest));
    return { drafted: kept.length, longest, expected: kept.reduce((sum, probability) => sum + probability, 0) };
  });
  return { cuts, lengths: ({ longest }) => reaches.map(({ length }) => Math.min(length, longest)) };
}

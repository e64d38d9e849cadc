/**
 * Paired measurement: in every round every candidate does every case, side by side, so that a machine that slows down
 * for a while slows down all of them.
 */
export interface InterleaveOptions<Candidate, Case> {
  readonly candidates: readonly Candidate[];
  readonly cases: readonly Case[];
  readonly rounds: number;
  readonly measure: (candidate: Candidate, on: Case, round: number) => Promise<void>;
  readonly onRound: (round: number) => void;
}

/** A B A B …; who goes first moves on with every case, so that nobody always follows the same one. */
export async function interleave<Candidate, Case>({ candidates, cases, rounds, measure, onRound }: InterleaveOptions<Candidate, Case>): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const [index, on] of cases.entries()) {
      const first = (round + index) % candidates.length;
      for (const candidate of [...candidates.slice(first), ...candidates.slice(0, first)]) await measure(candidate, on, round);
    }
    onRound(round);
  }
}

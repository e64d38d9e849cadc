/** One fault of a server and what a vote over branches of it came to. */
export interface FaultOutcome {
  readonly fault: string;
  /** Which branches it hit. */
  readonly hit: string;
  readonly outcome: string;
  /** Branches with an answer, of all. */
  readonly answered: number;
  readonly branches: number;
  /** Answers of branches that the fault did not hit, missing in the result. */
  readonly lost: number;
  /** Requests the server still worked on when the run was over. */
  readonly leaked: number;
  readonly isSurvived: boolean;
}

export async function runFaultMatrix(): Promise<FaultOutcome[]> {
  return [];
}

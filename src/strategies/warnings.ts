/** What a result warns of: sentences for people. */
import type { BranchReport } from '../contracts/result.ts';
import type { ScoringCoverage } from './branch-scores.ts';

/** Branches that failed, once for each way they failed in: a vote of the few that are left must not look like one of all. */
export function branchWarnings(branches: readonly Pick<BranchReport, 'finish' | 'error'>[]): string[] {
  const failures = branches.filter(({ finish }) => finish === 'failed').map(({ error }) => messageOf(error));
  return [...new Set(failures)].map((message) => `${failures.filter((one) => one === message).length} of ${branches.length} branches failed: ${message}`);
}

/** How scoring went. */
export interface ScoringOutcome {
  readonly coverage: ScoringCoverage;
  readonly errors: readonly unknown[];
  /** What the choice goes by where there is no score at all, to follow "went by". */
  readonly otherwise: string;
}

/** Scores that are missing, and why. Of a run with nothing to score nothing is missing. */
export function scoringWarnings({ coverage, errors, otherwise }: ScoringOutcome): string[] {
  const first =
    errors.length > 0 ? ` ${errors.length === 1 ? 'The scorer failed' : `The scorer failed ${errors.length} times, first`}: ${messageOf(errors[0])}` : '';
  if (coverage === 'none') return [`Nothing was scored, so the choice went by ${otherwise}.${first || ' There was no time for it, or nothing to score.'}`];
  if (coverage === 'partial') return [`Only a part was scored.${first || ' There was no time for the rest.'}`];
  return first === '' ? [] : [first.trim()];
}

/** What a failure says, as a sentence. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

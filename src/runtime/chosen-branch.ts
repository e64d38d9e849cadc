import type { StrategyResult } from '../contracts/result.ts';

/** Thoughts of the branch whose text was returned; `undefined` where a server kept none apart. */
export function reasoningOf({ text, branches }: Pick<StrategyResult, 'text' | 'branches'>): string | undefined {
  return branches.find((report) => report.text === text && report.reasoning !== undefined)?.reasoning;
}

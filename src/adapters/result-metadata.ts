import type { BranchReport, StrategyResult } from '../contracts/result.ts';
import { isLatencyTtsError } from '../errors.ts';

/** A value that JSON has. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined };

/** What a run did, as plain data: what frameworks pass on beside the text. */
export interface ResultMetadata {
  readonly strategy: string;
  /** `null` where no branch has one. */
  readonly answer: string | null;
  /** In [0, 1]; each strategy says what it measures. */
  readonly confidence: number;
  readonly stopReason: StrategyResult['stopReason'];
  /** What went wrong on the way, a sentence each. */
  readonly warnings: readonly string[];
  /** The winner first, where the strategy votes. */
  readonly votes?: readonly { readonly answer: string; readonly votes: number }[];
  readonly branches: readonly BranchMetadata[];
  readonly usage: StrategyResult['usage'];
  /** `deadlineMs` is `null` where there was none. */
  readonly timing: { readonly totalMs: number; readonly openMs: number; readonly deadlineMs: number | null };
}

export interface BranchMetadata {
  readonly branch: number;
  readonly answer: string | null;
  readonly finish: BranchReport['finish'];
  readonly isForced: boolean;
  readonly tokenCount: number;
  readonly meanLogprob: number | null;
  readonly startMs: number;
  readonly endMs: number;
  /** Where texts were asked for. */
  readonly text?: string;
  /** Where the branch has failed. */
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
}

/** @param withTexts - Whether branches carry their texts, which can be long. */
export function resultMetadata(strategy: string, result: StrategyResult, withTexts: boolean): ResultMetadata {
  const { answer, confidence, stopReason, branches, usage, timing, warnings = [] } = result;
  const votes = votesOf(result);
  return {
    strategy,
    answer: answer ?? null,
    confidence,
    stopReason,
    warnings: [...warnings],
    ...(votes && { votes }),
    branches: branches.map((report) => branchMetadata(report, withTexts)),
    usage,
    timing: { ...timing, deadlineMs: timing.deadlineMs === Infinity ? null : timing.deadlineMs },
  };
}

function branchMetadata(report: BranchReport, withTexts: boolean): BranchMetadata {
  const { branch, answer = null, finish, isForced, tokenCount, meanLogprob = null, startMs, endMs, text, error } = report;
  return {
    ...{ branch, answer, finish, isForced, tokenCount, meanLogprob, startMs, endMs },
    ...(withTexts && { text }),
    ...(error !== undefined && { error: plainError(error) }),
  };
}

function plainError(error: unknown): NonNullable<BranchMetadata['error']> {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  return { name: error.name, message: error.message, ...(isLatencyTtsError(error) && { code: error.code }) };
}

/** Every voting strategy's result has its groups under this name. */
function votesOf(result: StrategyResult): ResultMetadata['votes'] {
  const groups: unknown = 'votes' in result ? result.votes : undefined;
  if (!Array.isArray(groups)) return undefined;
  return (groups as readonly { readonly answer: string; readonly votes: number }[]).map(({ answer, votes }) => ({ answer, votes }));
}

/** How the returned branch ended. */
export function finishOf({ text, branches }: StrategyResult): BranchReport['finish'] | undefined {
  return branches.find((report) => report.text === text)?.finish;
}

import type { Clock } from '../contracts/clock.ts';
import type { EngineUsage } from '../contracts/engine.ts';
import type { BranchReport, StopReason } from '../contracts/result.ts';
import type { NamedToken } from './token-texts.ts';

/** What a request came to, however it was worked on. */
export interface Completion {
  readonly choices: readonly Choice[];
  readonly usage: EngineUsage;
  readonly report: CompletionReport;
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  /** Thoughts that the engine's server keeps apart. */
  readonly reasoning: string | undefined;
  readonly finish: 'stop' | 'length';
  /** The stop string met. */
  readonly stop: string | undefined;
  /** Where log-probabilities or ids were asked for. */
  readonly tokens: readonly NamedToken[] | undefined;
}

/** What the extension field says, but for waiting. */
export interface CompletionReport {
  readonly strategy: string;
  readonly seed: number;
  readonly stopReason: StopReason;
  readonly confidence: number | undefined;
  readonly answer: string | undefined;
  readonly votes: readonly VoteReport[] | undefined;
  readonly branches: readonly ServedBranch[];
  /** What the client should know, a sentence each. */
  readonly warnings: readonly string[];
  /** Milliseconds of the work: until branches could start, and in all. */
  readonly openMs: number;
  readonly workMs: number;
}

export interface VoteReport {
  readonly answer: string;
  readonly weight: number;
  readonly voters: readonly number[];
}

/** A branch's report, with what plain sampling knows as well. */
export type ServedBranch = Pick<
  BranchReport,
  'branch' | 'text' | 'answer' | 'tokenCount' | 'meanLogprob' | 'finish' | 'isForced' | 'error' | 'startMs' | 'endMs'
>;

/** What work on a request is given beside the task. */
export interface WorkContext {
  readonly clock: Clock;
  /** Time on the clock. */
  readonly deadlineAt: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Follows the work, where the reply is streamed. */
  readonly listener: WorkListener | undefined;
}

/** Told of work under way. */
export interface WorkListener {
  /** A choice has more text; all of it so far, which only grows. */
  onText(index: number, text: string): void;
  /** A choice has more thoughts; all of them so far. */
  onReasoning(index: number, reasoning: string): void;
  /** A choice has more tokens; all of them so far, told ahead of their text. */
  onTokens(index: number, tokens: readonly NamedToken[]): void;
  /** Something happened that is no text. */
  onNote(name: string, fields: Readonly<Record<string, unknown>>): void;
}

import type { EventEmitter } from 'eventemitter3';
import type { BranchReport, RunTiming, StopReason } from './result.ts';
import type { DecidedDraft, EngineUsage } from './engine.ts';

/** Fields of every event. */
export interface EventBase {
  /** Milliseconds since the start of the run, on the run's clock. */
  readonly atMs: number;
}

/** What became of a plan under way. */
export interface PlanChange {
  readonly kind: 'drop-branches' | 'add-branches' | 'decide-early';
  /** Branches before and after; of `decide-early` the probability of the winner at which the vote ends. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** What a run reports, by event name. */
export interface RunEventMap {
  'run-start': (event: EventBase & { readonly strategy: string; readonly deadlineMs: number }) => void;
  /** A branch has produced more text; throttled. */
  'branch-delta': (event: EventBase & { readonly branch: number; readonly tokenCount: number; readonly text: string; readonly reasoning?: string }) => void;
  /** A branch is done: finished, cut, aborted or failed. */
  'branch-end': (event: EventBase & { readonly report: BranchReport }) => void;
  /** A draft was decided, where the engine speculates. */
  'draft-verify': (event: EventBase & DecidedDraft & { readonly branch: number }) => void;
  /** The leading answer or its votes have changed. */
  'vote-change': (event: EventBase & { readonly answer: string; readonly votes: number; readonly of: number }) => void;
  /** The deadline has cut its first branch; `unfinished` are the branches without a report at that moment. Once a run, as it happens. */
  'deadline-reach': (event: EventBase & { readonly unfinished: readonly number[] }) => void;
  /** A plan was changed while it ran, and why. */
  'plan-change': (event: EventBase & PlanChange) => void;
  'run-end': (event: EventBase & { readonly stopReason: StopReason; readonly usage: EngineUsage; readonly timing: RunTiming }) => void;
}

/** What runs report to; `new RunEvents()` from the package root is one. */
export type RunEventTarget = EventEmitter<RunEventMap>;

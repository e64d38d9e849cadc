import type { AdvanceOptions, Branch, BranchOptions, BranchProgress, DecidedDraft, EngineUsage, Segment, SessionOptions } from '../../contracts/engine.ts';
import type { EngineAnatomy, MeasureOptions, MeteredPart, PassShape } from '../../contracts/profile.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { HostRequest } from '../../port/call-messages.ts';

/** From the side that uses an engine to the side that hosts it. */
export type EngineRequest =
  | HostRequest
  | { readonly type: 'ready'; readonly call: number }
  | {
      readonly type: 'open';
      readonly call: number;
      readonly session: number;
      readonly prompt: Prompt;
      readonly options: Omit<SessionOptions, 'onProgress' | 'onDraft' | 'signal' | 'clock'>;
      readonly hasProgress: boolean;
      readonly hasDrafts: boolean;
    }
  | { readonly type: 'branch'; readonly session: number; readonly count: number; readonly options: BranchOptions }
  | ({ readonly type: 'advance'; readonly call: number } & BranchAddress & { readonly options: Omit<AdvanceOptions, 'signal'> })
  | ({ readonly type: 'force'; readonly call: number; readonly text: string } & BranchAddress)
  | ({ readonly type: 'logprobs'; readonly call: number; readonly text: string } & BranchAddress)
  | ({ readonly type: 'fork' } & BranchAddress)
  | ({ readonly type: 'abort' } & BranchAddress)
  | { readonly type: 'anatomy'; readonly call: number }
  | {
      readonly type: 'measure';
      readonly call: number;
      readonly part: MeteredPart['part'];
      readonly shapes: readonly PassShape[];
      readonly options: Omit<MeasureOptions, 'signal'>;
    }
  | { readonly type: 'dispose-session'; readonly call: number; readonly session: number };

export interface BranchAddress {
  readonly session: number;
  readonly branch: number;
}

/** What a call is answered with. */
export type CallResult = ReadyResult | OpenResult | BranchResult | EngineAnatomy | readonly (readonly number[])[] | undefined;

/** What the host tells unasked. */
export type EngineNotice =
  | { readonly type: 'draft'; readonly session: number; readonly branch: number; readonly draft: DecidedDraft }
  | { readonly type: 'progress'; readonly session: number; readonly progress: readonly BranchProgress[] }
  | ({ readonly type: 'load-progress' } & LoadProgressReport);

/** What a loader tells while it loads one of an engine's models. */
export interface LoadProgressReport {
  readonly model: 'target' | 'draft';
  readonly progress: unknown;
}

export interface ReadyResult {
  readonly name: string;
  readonly contextTokens: number | undefined;
  readonly hasPasses: boolean;
}

export interface OpenResult {
  readonly promptTokens: number;
  readonly answerSuffix: string | undefined;
  readonly opensThought: boolean;
  readonly usage: EngineUsage;
}

/** Where a branch stands after a call. */
export interface BranchResult {
  /** Missing after `force`. */
  readonly segment: Segment | undefined;
  /** Of a text that was asked about. */
  readonly logprobs?: readonly number[];
  readonly text: string;
  readonly tokenCount: number;
  readonly ended: Branch['ended'];
  readonly usage: EngineUsage;
}

import type { Prompt } from '../../contracts/prompt.ts';
import type { ScoredText } from '../../contracts/scorer.ts';
import type { HostRequest } from '../../port/call-messages.ts';
import type { StartMessage } from '../../port/host-on-demand.ts';
import type { TransferredError } from '../../port/transferred-error.ts';
import type { BatchCosts } from '../batch-timer.ts';

export type ScorerType = 'prm' | 'causal-prm' | 'classifier-prm' | 'orm';

/** What a worker is told first: the scorer it is to be. */
export interface ScorerStart extends StartMessage {
  readonly hosts: 'scorer';
  readonly scorer: ScorerType;
  readonly model: { readonly name: string; readonly contextTokens: number; readonly description: unknown };
  /** Those of the scorer that are plain data. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** From the side that uses a scorer to the side that hosts it. */
export type ScoringRequest =
  | HostRequest
  | { readonly type: 'ready'; readonly call: number }
  | {
      readonly type: 'score';
      readonly call: number;
      readonly ticket: number;
      readonly prompt: Prompt;
      readonly texts: readonly ScoredText[];
      readonly deadlineAt: number;
    }
  /** A hint, which nothing answers. */
  | { readonly type: 'read-ahead'; readonly prompt: Prompt; readonly texts: readonly string[] };

/** What the host tells unasked. */
export type ScoringNotice =
  /** Precedes the answer of the call that told. */
  | { readonly type: 'costs'; readonly costs: BatchCosts }
  /** The scoring of a text has failed, in the call with this ticket; precedes its answer. */
  | { readonly type: 'failure'; readonly ticket: number; readonly error: TransferredError; readonly text: ScoredText }
  | { readonly type: 'load-progress'; readonly progress: unknown };

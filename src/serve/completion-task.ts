import type { SamplingOptions } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { ServedModel, StrategyChoice } from './served-model.ts';

export type Endpoint = 'chat' | 'completions';

/** A request as it was understood: checked, with every default filled in. */
export interface CompletionTask {
  readonly endpoint: Endpoint;
  readonly modelId: string;
  readonly model: ServedModel;
  readonly prompt: Prompt;
  readonly strategy: StrategyChoice;
  readonly choices: number;
  readonly stop: readonly string[];
  readonly keepsStop: boolean;
  readonly logprobs: boolean;
  /** How many of the likeliest tokens are told at each place, beside the one that was drawn. */
  readonly topLogprobs: number;
  /** Whether log-probabilities name tokens by their ids, which texts do not tell apart. */
  readonly namesByIds: boolean;
  /** Whether choices tell the ids of their tokens. */
  readonly tokenIds: boolean;
  readonly maxTokens: number | undefined;
  readonly sampling: SamplingOptions;
  /** `undefined` lets the server choose. */
  readonly seed: number | undefined;
  /** Milliseconds from the arrival of the request; Infinity without one. */
  readonly deadlineMs: number;
  readonly isStreamed: boolean;
  readonly includesUsage: boolean;
  readonly includesBranchText: boolean;
  /** Fields of the body that nothing here knows. */
  readonly ignored: readonly string[];
}

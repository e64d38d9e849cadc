import type { DraftOutcome, SamplingOptions } from './engine.ts';
import type { Prompt } from './prompt.ts';

/** A problem whose right answer is known. */
export interface TraceProblem {
  /** Unique among the problems recorded together. */
  readonly id: string;
  readonly prompt: Prompt;
  /** The right answer; `undefined` where nobody knows it: such a problem tells of time only. */
  readonly reference?: string;
  /** What problems are counted apart by, such as a tier of difficulty. */
  readonly group?: string;
}

/** What a model wrote for one problem: one line of a trace file. */
export interface ProblemTrace extends TraceProblem {
  readonly promptTokens: number;
  /** Branch n of a run with this seed writes what `branches[n]` has. */
  readonly seed: number;
  readonly sampling?: SamplingOptions;
  readonly branches: readonly BranchTrace[];
  /** Outcomes at each position of a draft, where the engine speculated. */
  readonly drafts?: readonly DraftOutcome[];
  /** Branches that were decoded once more, one for each length of drafts, to see how those fare. */
  readonly draftRuns?: readonly DraftRunTrace[];
  /** Milliseconds from the question to the end of the last branch, where it was timed. */
  readonly wallMs?: number;
}

/** What became of the drafts of a branch. */
export interface DraftRunTrace {
  /** Most tokens of a draft. */
  readonly length: number;
  /** In the order they were made. */
  readonly outcomes: readonly DraftOutcome[];
}

/** One recorded text, token by token. */
export interface TokenRecord {
  readonly text: string;
  /** How many UTF-16 units of the text there are after each token, ascending, `[tokens]`; the last is the length of the text. */
  readonly ends: readonly number[];
  /** Natural-log probability of each token, `[tokens]`; empty where the engine does not tell. */
  readonly logprobs: readonly number[];
  /** Why it ended: by itself, or at a limit of the recording. */
  readonly finish: 'end' | 'stop' | 'length' | 'context';
}

/** One recorded branch. */
export interface BranchTrace extends TokenRecord {
  readonly answer?: string;
  /** Whether the answer is the reference; absent where either is not known. */
  readonly isRight?: boolean;
  /** A reward model's score of each step, or the one score of an outcome reward model. */
  readonly scores?: readonly number[];
  /** What the model answers when asked early, ascending by `at`. */
  readonly probes?: readonly ProbeTrace[];
}

/** What the model wrote when it was asked for its answer in the middle of a branch. */
export interface ProbeTrace extends TokenRecord {
  /** Tokens of the branch before it was asked. */
  readonly at: number;
  /** What asked for the answer. */
  readonly suffix: string;
  readonly suffixTokens: number;
  /** Scores of the branch with the suffix and the answer behind it, as in `BranchTrace`. */
  readonly scores?: readonly number[];
}

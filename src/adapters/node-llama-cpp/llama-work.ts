import type { Clock } from '../../contracts/clock.ts';
import type { LlamaDraftRequest } from './llama-drafter.ts';
import type { LlamaOutput, LlamaWish } from './llama-interface.ts';
import type { SlotUser } from './llama-slots.ts';

/** What a sequence of llama.cpp is to hold after a step, and what is wanted to know there. */
export interface LlamaQuestion {
  /** All tokens from the first of the prompt. */
  readonly tokens: readonly number[];
  /** Index of the first token after which something is wanted; `tokens.length` where nothing is. */
  readonly from: number;
  /** What is wanted after the token at this index, `from` or later. */
  wish(index: number): LlamaWish;
}

/** Something that takes part in the steps of a loop until it has settled itself. */
export interface LlamaWork {
  readonly user: SlotUser;
  readonly clock: Clock;
  /** Time on the clock. */
  readonly deadlineAt: number;
  /** Settles and returns true when there is nothing more to do, or no more leave to do it. */
  settleIfEnded(): boolean;
  /** Settles and returns true when a further step would pass the deadline. */
  settleIfOutOfTime(allowance: (steps: number) => number): boolean;
  /** What a drafter needs; `undefined` where no draft is wanted. */
  draftRequest?(): Omit<LlamaDraftRequest, 'sequence' | 'patienceMs'> | undefined;
  question(draft: readonly number[]): LlamaQuestion;
  /** A step is over in which it had tokens. Called once for all work that has this very function. */
  readonly onForward: () => void;
  /** Takes what was wanted, by index of the question's tokens; true when that settles it. */
  receive(output: (index: number) => LlamaOutput | undefined, draft: readonly number[]): boolean;
  /** Settles: this cannot be computed. */
  fail(error: unknown): void;
}

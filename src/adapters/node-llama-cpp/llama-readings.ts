/**
 * Work that reads and writes nothing: a prompt, and a text whose log-probabilities are asked for.
 *
 * @module
 */
import type { Clock } from '../../contracts/clock.ts';
import { DisposedError, NoCandidateError } from '../../errors.ts';
import type { LlamaOutput } from './llama-interface.ts';
import type { LlamaLaneContext, Settling } from './llama-lane.ts';
import type { SlotUser } from './llama-slots.ts';
import type { LlamaQuestion, LlamaWork } from './llama-work.ts';

export interface PromptReadingOptions {
  readonly clock: Clock;
  readonly deadlineAt: number;
  readonly signal: AbortSignal | undefined;
  readonly onForward: () => void;
}

/** Reads a prompt: all tokens but the last, after which branches ask for their first. */
export class PromptReading implements LlamaWork {
  readonly user: SlotUser;
  readonly onForward: () => void;
  readonly #options: PromptReadingOptions;
  readonly #settling: Settling<void>;

  constructor(prompt: SlotUser, options: PromptReadingOptions, settling: Settling<void>) {
    this.user = prompt;
    this.onForward = options.onForward;
    this.#options = options;
    this.#settling = settling;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get deadlineAt(): number {
    return this.#options.deadlineAt;
  }

  settleIfEnded(): boolean {
    const { signal } = this.#options;
    if (signal?.aborted) this.fail(signal.reason);
    else if (this.clock.now() >= this.deadlineAt) this.fail(new NoCandidateError('deadline', []));
    else return false;
    return true;
  }

  settleIfOutOfTime(): boolean {
    return false;
  }

  question(): LlamaQuestion {
    const { tokens } = this.user;
    return {
      tokens,
      from: tokens.length,
      wish: () => {
        throw new RangeError('Nothing is wanted.');
      },
    };
  }

  receive(): boolean {
    this.#settling.resolve();
    return true;
  }

  fail(error: unknown): void {
    this.#settling.reject(error);
  }
}

/** Reads a text after what a branch holds, and tells how likely the model finds each of its tokens. */
export class TextReading implements LlamaWork {
  readonly deadlineAt = Infinity;
  readonly user: SlotUser;
  readonly onForward: () => void;
  readonly #context: Pick<LlamaLaneContext, 'clock' | 'onForward'>;
  readonly #text: readonly number[];
  readonly #isClosed: () => boolean;
  readonly #settling: Settling<readonly number[] | undefined>;

  constructor(
    context: Pick<LlamaLaneContext, 'clock' | 'onForward'>,
    { user, text, isClosed }: { readonly user: SlotUser; readonly text: readonly number[]; readonly isClosed: () => boolean },
    settling: Settling<readonly number[] | undefined>,
  ) {
    this.#context = context;
    this.onForward = context.onForward;
    this.user = user;
    this.#text = text;
    this.#isClosed = isClosed;
    this.#settling = settling;
  }

  get clock(): Clock {
    return this.#context.clock;
  }

  settleIfEnded(): boolean {
    if (this.#isClosed()) this.fail(new DisposedError('session'));
    return this.#isClosed();
  }

  settleIfOutOfTime(): boolean {
    return false;
  }

  /** Greedily, so that the sampler keeps every logit as it is and the one it selects is the largest. */
  question(): LlamaQuestion {
    const tokens = [...this.user.tokens, ...this.#text.slice(0, -1)];
    return {
      tokens,
      from: this.user.tokens.length - 1,
      wish: (index) => ({
        logits: { filter: { tokens: [this.#tokenAfter(index)], includeSelected: true } },
        totalLogitWeight: true,
        options: { temperature: 0, topK: 0, topP: 1, minP: 0 },
      }),
    };
  }

  receive(output: (index: number) => LlamaOutput | undefined): boolean {
    const first = this.user.tokens.length - 1;
    const logprobs = this.#text.map((token, offset) => logprobOf(token, output(first + offset)));
    this.#settling.resolve(logprobs.includes(undefined) ? undefined : (logprobs as number[]));
    return true;
  }

  fail(error: unknown): void {
    this.#settling.reject(error);
  }

  #tokenAfter(index: number): number {
    return this.#text[index + 1 - this.user.tokens.length]!;
  }
}

/** `undefined` where node-llama-cpp is too old to tell. */
function logprobOf(token: number, output: LlamaOutput | undefined): number | undefined {
  const { logits, totalLogitWeight } = output?.next ?? {};
  const logit = logits?.get(token);
  if (logit === undefined || totalLogitWeight === undefined) return undefined;
  return logit - Math.max(...logits!.values()) - Math.log(totalLogitWeight);
}

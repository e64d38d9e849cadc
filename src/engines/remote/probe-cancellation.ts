import * as v from 'valibot';
import type { Clock } from '../../contracts/clock.ts';
import { InvalidOptionError } from '../../errors.ts';
import { number, readOptions, text, wholeNumber, type EntriesFor } from '../../option-schemas.ts';
import { callEntries } from '../../runtime/call-options.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { Engine } from '../../contracts/engine.ts';

export interface ProbeCancellationOptions {
  /** A server that answers one request at a time shows it best, or one filled by this many. Whole number ≥ 1. @default 1 */
  readonly requests?: number;
  /** How many tokens the requests would write if nobody left. Whole number ≥ 16. @default 512 */
  readonly tokens?: number;
  /** A prompt whose answer is long. @default a request for a list of numbers */
  readonly prompt?: string;
  /** How much slower the server may be behind a disconnect than before one to count as idle again. Above 1. @default 3 */
  readonly tolerance?: number;
  readonly signal?: AbortSignal;
  /** @default the system clock */
  readonly clock?: Clock;
}

export const probeCancellationEntries = {
  requests: v.optional(wholeNumber(1)),
  tokens: v.optional(wholeNumber(16)),
  prompt: v.optional(text),
  tolerance: v.optional(number(1)),
  ...callEntries,
} satisfies EntriesFor<ProbeCancellationOptions>;

/** Milliseconds to the first token, on a server at rest and right behind requests that were left. */
export interface CancellationProbe {
  /** `cancels`: nothing was noticed of the requests that were left. `keeps-generating`: a new request had to wait for them. */
  readonly verdict: 'cancels' | 'keeps-generating';
  readonly idleFirstTokenMs: number;
  readonly behindFirstTokenMs: number;
  /** What the requests would have taken to their ends. */
  readonly leftMs: number;
}

/**
 * Whether a server ends what nobody waits for any more, or behind a proxy goes on with it. Measures the time to a first token
 * at rest; starts requests, leaves them after their first tokens, and measures again. A server with room for more requests
 * than `requests` answers at once in either case: fill it, or the verdict means nothing.
 *
 * @throws {InvalidOptionError | ServerError}
 * @throws the signal's reason when it is aborted.
 */
export async function probeCancellation(engine: Engine, options: ProbeCancellationOptions = {}): Promise<CancellationProbe> {
  readOptions(probeCancellationEntries, options);
  const { requests = 1, tokens = 512, tolerance = 3, clock = systemClock, signal } = options;
  const { prompt = 'Write the numbers from 1 to 500, separated by spaces.' } = options;
  const session = await engine.open(prompt, { clock, ...(signal && { signal }), sampling: { temperature: 0 } });
  try {
    const advance = (count: number): ReturnType<ReturnType<typeof session.branch>[number]['advance']> =>
      session.branch(1)[0]!.advance({ until: { tokens: count }, ...(signal && { signal }) });
    const firstTokenMs = async (): Promise<number> => {
      const { startedAt, endedAt } = await advance(1);
      return endedAt - startedAt;
    };
    await firstTokenMs();
    const idleFirstTokenMs = await firstTokenMs();
    const sample = await advance(16);
    if (sample.tokenCount < 2) throw new InvalidOptionError('prompt', 'one with a long answer', prompt);
    const leftMs = tokens * Math.max(0, (sample.endedAt - sample.startedAt - idleFirstTokenMs) / (sample.tokenCount - 1));
    await leaveBehind(engine, { requests, tokens, prompt, clock, signal });
    const behindFirstTokenMs = await firstTokenMs();
    const isHeldUp = behindFirstTokenMs > tolerance * idleFirstTokenMs && behindFirstTokenMs - idleFirstTokenMs > leftMs / 4;
    return { verdict: isHeldUp ? 'keeps-generating' : 'cancels', idleFirstTokenMs, behindFirstTokenMs, leftMs };
  } finally {
    await session.dispose();
  }
}

interface Leaving {
  readonly requests: number;
  readonly tokens: number;
  readonly prompt: string;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** Starts requests and leaves them once each has begun. */
async function leaveBehind(engine: Engine, { requests, tokens, prompt, clock, signal }: Leaving): Promise<void> {
  const begun = new Set<number>();
  let haveBegun!: () => void;
  const allBegun = new Promise<void>((resolve) => (haveBegun = resolve));
  const session = await engine.open(prompt, {
    clock,
    progressIntervalMs: 0,
    ...(signal && { signal }),
    onProgress: (progress) => {
      for (const { branch } of progress) begun.add(branch);
      if (begun.size === requests) haveBegun();
    },
  });
  const left = session.branch(requests).map((branch) => branch.advance({ until: { tokens }, ...(signal && { signal }) }));
  try {
    // A request may also be over before all others have begun.
    await Promise.race([allBegun, Promise.all(left)]);
  } finally {
    await session.dispose();
    await Promise.allSettled(left);
  }
}

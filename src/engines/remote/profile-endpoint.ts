import * as v from 'valibot';
import type { Clock } from '../../contracts/clock.ts';
import type { LatencyProfile } from '../../contracts/profile.ts';
import { listOf, numberOrInfinity, readOptions, texts, wholeNumber, type EntriesFor } from '../../option-schemas.ts';
import { callEntries, requireCallOptions } from '../../runtime/call-options.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { OpenAICompatibleEngine } from './openai-compatible-engine.ts';

export interface ProfileEndpointOptions {
  /** Numbers of requests in flight to measure at. At least one; two different ones tell how the load matters. @default [1, 2, 4, 8] */
  readonly inFlight?: readonly number[];
  /** Tokens of each request. Whole number ≥ 2. @default 32 */
  readonly tokens?: number;
  /** Rounds at each number. Whole number ≥ 1. @default 3 */
  readonly rounds?: number;
  /** Prompts of different lengths tell what reading a prompt takes. @default a short and a long request for a list of numbers */
  readonly prompts?: readonly string[];
  /** Time on the clock after which no further round begins. @default Infinity */
  readonly deadlineAt?: number;
  readonly signal?: AbortSignal;
  /** @default the system clock */
  readonly clock?: Clock;
}

export const profileEndpointEntries = {
  inFlight: v.optional(listOf(wholeNumber(1), 'number')),
  tokens: v.optional(wholeNumber(2)),
  rounds: v.optional(wholeNumber(1)),
  prompts: v.optional(texts(1)),
  deadlineAt: v.optional(numberOrInfinity(-Infinity)),
  ...callEntries,
} satisfies EntriesFor<ProfileEndpointOptions>;

const QUESTION = 'Write the numbers from 1 to 500, separated by spaces.';
const PROMPTS = [QUESTION, `${'This is a list of words without any meaning for the question below. '.repeat(40)}\n${QUESTION}`];

/**
 * Measures how long a server takes to begin and for each token, at rising numbers of requests in flight, and gives it as a
 * profile to plan with. The engine goes on measuring with every request of its own: `engine.latency.profile()` is up to date.
 *
 * The first round only warms the server up and is not among the `rounds`.
 *
 * @throws {InvalidOptionError | ServerError}
 * @throws the signal's reason when it is aborted.
 */
export async function profileEndpoint(engine: OpenAICompatibleEngine, options: ProfileEndpointOptions = {}): Promise<LatencyProfile> {
  readOptions(profileEndpointEntries, options);
  const { inFlight = [1, 2, 4, 8], tokens = 32, rounds = 3, prompts = PROMPTS, deadlineAt = Infinity, clock = systemClock, signal } = options;
  requireCallOptions({ signal, deadlineAt, clock });
  await engine.ready(signal ? { signal } : {});
  // Prompts that the server has not seen: a cached one tells nothing of what reading takes.
  let serial = Math.floor(clock.now());
  const measure = async (count: number): Promise<void> => {
    for (const prompt of prompts) await burst(engine, `Request ${serial++}. ${prompt}`, { count, tokens, clock, signal });
  };
  await measure(1);
  engine.latency.forget();
  for (let round = 0; round < rounds; round++) {
    for (const count of inFlight) {
      if (clock.now() >= deadlineAt && engine.latency.sampleCount > 0) break;
      await measure(count);
    }
  }
  return engine.latency.profile(engine.name);
}

interface Burst {
  readonly count: number;
  readonly tokens: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** Requests of one prompt at once. One that fails is not measured; where all fail, the first failure is thrown. */
async function burst(engine: OpenAICompatibleEngine, prompt: string, { count, tokens, clock, signal }: Burst): Promise<void> {
  const context = signal ? { signal } : {};
  const session = await engine.open(prompt, { clock, ...context });
  try {
    const outcomes = await Promise.allSettled(session.branch(count).map((branch) => branch.advance({ until: { tokens }, ...context })));
    signal?.throwIfAborted();
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    if (failures.length === count) throw failures[0];
  } finally {
    await session.dispose();
  }
}

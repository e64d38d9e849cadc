import * as v from 'valibot';
import type { ScoreOptions } from '../contracts/scorer.ts';
import { ServerError } from '../errors.ts';
import { randomAt } from '../maths/random.ts';
import { numberOrInfinity, wholeNumber, type SettingsOf } from '../option-schemas.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { within } from '../runtime/wait-until.ts';
import { tryMs, untilNextTry } from '../servers/retries.ts';
import { ServerClient, serverEntries } from '../servers/server-client.ts';
import { BatchTimer } from './batch-timer.ts';

export const scorerRequestEntries = {
  ...serverEntries,
  /** Times a request that failed is sent again, while there is time. Whole number ≥ 0. @default 3 */
  maxRetries: v.optional(wholeNumber(), 3),
  /**
   * Milliseconds that a request may take; less where the deadline is near: half of what is left, so that there is time for
   * another try. Above 0. @default 60_000
   */
  timeoutMs: v.optional(numberOrInfinity(Number.MIN_VALUE), 60_000),
};

/** The call that a request is a part of. */
export type ScorerCall = Pick<ScoreOptions, 'clock' | 'deadlineAt'> & {
  /** Aborted when its result is no longer wanted. */
  readonly signal: AbortSignal;
};

/** Requests of one scorer to its server, each sent again where it fails and there is time, by the rules of generation. */
export class ScorerRequests {
  readonly #client: ServerClient;
  readonly #maxRetries: number;
  readonly #timeoutMs: number;
  readonly #timer = new BatchTimer();
  #count = 0;

  /** @throws {InvalidOptionError} */
  constructor({ maxRetries, timeoutMs, ...server }: SettingsOf<typeof scorerRequestEntries>) {
    this.#client = new ServerClient(server);
    this.#maxRetries = maxRetries;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws {ServerError} of the last try. @throws the call's reason when it is given up. */
  async post<Output>(path: string, body: object, schema: v.GenericSchema<unknown, Output>, call: ScorerCall): Promise<Output> {
    const { signal, clock = systemClock, deadlineAt: endsAt = Infinity } = call;
    const maxRetries = this.#maxRetries;
    const number = this.#count++;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#try(path, body, schema, call, attempt);
      } catch (error) {
        signal.throwIfAborted();
        const next = await untilNextTry(error, { clock, endsAt, signal, attempt, maxRetries, point: randomAt(0, number, attempt) });
        if (next !== 'now') throw error;
      }
    }
  }

  async #try<Output>(
    path: string,
    body: object,
    schema: v.GenericSchema<unknown, Output>,
    { signal, clock = systemClock, deadlineAt = Infinity }: ScorerCall,
    attempt: number,
  ): Promise<Output> {
    const startedAt = clock.now();
    const leftMs = deadlineAt - startedAt;
    const limitMs = tryMs({ timeoutMs: this.#timeoutMs, leftMs, usualMs: this.#timer.estimate(1), isLast: attempt >= this.#maxRetries });
    const ending = new AbortScope(signal);
    try {
      const answer = this.#client.post(path, body, schema, ending.signal);
      // At the deadline itself the whole call ends, and that is no failure of the server's.
      const output = await within(clock, limitMs < leftMs ? limitMs : Infinity, answer, () => tooSlow(path, limitMs));
      this.#timer.record(1, clock.now() - startedAt);
      return output;
    } finally {
      ending.end();
    }
  }
}

function tooSlow(path: string, milliseconds: number): ServerError {
  return new ServerError('timeout', `The server did not answer ${path} within ${Math.round(milliseconds)} ms.`, { isRetryable: true });
}

import pLimit from 'p-limit';
import * as v from 'valibot';
import type { ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import { DisposedError } from '../errors.ts';
import { func, number, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import { onAbort } from '../runtime/on-abort.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { waitUntil } from '../runtime/wait-until.ts';
import { BatchTimer } from './batch-timer.ts';
import { distinct, tellErrors, type ScoringErrorListener } from './scoring-queue.ts';
import { requireScoreOptions } from '../runtime/call-options.ts';

export const concurrencyEntries = {
  /** Most texts scored at the same time, over all calls. Whole number ≥ 1. @default 8 */
  concurrency: v.optional(wholeNumber(1), 8),
  /**
   * Milliseconds that one text is likely to take: what `estimateMs` goes by until calls have told. Above 0.
   *
   * @default nothing is known before the first call
   */
  expectedMs: v.optional(number(Number.MIN_VALUE)),
  /** Called with what the scoring of a text failed with; such a text has no score. */
  onError: v.optional(func<ScoringErrorListener>()),
};

export interface ConcurrencyOptions extends OptionsOf<typeof concurrencyEntries> {}

/** Scores one text. @param signal - Aborted when the result is no longer wanted. */
export type ScoreOne<Score> = (text: ScoredText, signal: AbortSignal) => Promise<Score | undefined>;

/** Made once: an error keeps the stack it was made on. */
const LATE = new DOMException('The deadline for the scores has passed.', 'TimeoutError');

/** Calls of one scorer whose texts are scored each by itself, several at a time. */
export class OneByOne {
  readonly #concurrency: number;
  readonly #onError: ScoringErrorListener | undefined;
  readonly #limit: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly #timer = new BatchTimer();
  readonly #open = new Set<AbortScope>();
  #isDisposed = false;

  constructor({ concurrency, expectedMs, onError }: SettingsOf<typeof concurrencyEntries>) {
    if (expectedMs !== undefined) this.#timer.recordSample(1, expectedMs);
    this.#concurrency = concurrency;
    this.#onError = onError;
    this.#limit = pLimit(concurrency);
  }

  /** Scores each text once, wherever it stands. */
  async run<Score>(texts: readonly ScoredText[], options: ScoreOptions, scoreOne: ScoreOne<Score>): Promise<(Score | undefined)[]> {
    requireScoreOptions(options);
    const scores = new Array<Score | undefined>(texts.length).fill(undefined);
    const found = distinct(texts);
    const tell = tellErrors([this.#onError, options.onError]);
    const results = await this.each(found, options, async ({ text }, signal) => {
      try {
        return await scoreOne(text, signal);
      } catch (error) {
        // What was given up may fail in any way.
        if (!signal.aborted) tell(error, text);
        return undefined;
      }
    });
    for (const [index, { places }] of found.entries()) for (const place of places) scores[place] = results[index];
    return scores;
  }

  /**
   * What work on each item has given by the deadline, `undefined` where it has given nothing.
   *
   * @throws the `signal`'s reason when it is aborted. @throws what work throws. @throws {DisposedError}
   */
  async each<Item, Result>(
    items: readonly Item[],
    options: ScoreOptions,
    work: (item: Item, signal: AbortSignal) => Promise<Result | undefined>,
  ): Promise<(Result | undefined)[]> {
    const { signal, deadlineAt = Infinity, clock = systemClock } = options;
    requireScoreOptions(options);
    if (this.#isDisposed) throw new DisposedError('scorer');
    signal?.throwIfAborted();
    const results = new Array<Result | undefined>(items.length).fill(undefined);
    const call = new AbortScope(signal);
    this.#open.add(call);
    // On another clock a deadline is seen between texts: what is under way then frees what it holds before the call returns.
    if (clock === systemClock) void waitUntil(clock, deadlineAt, call.signal).then((isLate) => isLate && call.end(LATE));
    try {
      const started = items.map((item, index) =>
        this.#limit(async () => {
          if (call.isOver || clock.now() >= deadlineAt) return;
          const startedAt = clock.now();
          results[index] = await work(item, call.signal);
          this.#timer.record(1, clock.now() - startedAt);
        }),
      );
      await untilAborted(Promise.all(started), call.signal);
    } finally {
      // Work that nobody waits for any more is told so.
      call.end();
      this.#open.delete(call);
    }
    signal?.throwIfAborted();
    if (this.#isDisposed) throw new DisposedError('scorer');
    // A copy: what ends from here on is too late to be told.
    return [...results];
  }

  estimateMs(texts: number): number | undefined {
    const one = this.#timer.estimate(1);
    return one === undefined ? undefined : one * Math.ceil(texts / this.#concurrency);
  }

  /** Ends open calls. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const call of this.#open) call.end(new DisposedError('scorer'));
  }
}

/** Resolves when the work is done or given up, whichever comes first. */
function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    onAbort(signal, () => resolve(undefined));
    work.then(resolve, reject);
  });
}

import pLimit from 'p-limit';
import * as v from 'valibot';
import type { Clock } from '../contracts/clock.ts';
import type { ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import { DisposedError } from '../errors.ts';
import { func, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { BatchTimer, type BatchCosts } from './batch-timer.ts';
import { requireScoreOptions } from '../runtime/call-options.ts';

/** Called with what the scoring of a text failed with. What it throws is dropped. */
export type ScoringErrorListener = (error: unknown, text: ScoredText) => void;

export const batchEntries = {
  /** Most texts in one model pass. Whole number ≥ 1. @default 16 */
  maxRows: v.optional(wholeNumber(1), 16),
  /** Called with what the scoring of a text failed with; such a text has no score. */
  onError: v.optional(func<ScoringErrorListener>()),
};

export interface BatchOptions extends OptionsOf<typeof batchEntries> {}

/** How one call's texts are scored, once its model is loaded. */
export interface BatchWork<Item, Score> {
  /** What a batch needs of a text. What it throws fails that text alone. */
  prepare(text: ScoredText): Item;
  /**
   * Scores a batch; when it throws, its texts are tried one by one.
   *
   * @param proceed - To be asked before every pass: false when time is up. Throws when the caller has left.
   * @returns One score an item; `undefined` when time was up.
   */
  score(items: readonly Item[], proceed: () => boolean): Promise<readonly Score[] | undefined>;
}

/** A measurement that is likely to take longer is left out. */
const MEASUREMENT_BUDGET_MS = 400;

interface Pending<Item> {
  readonly item: Item;
  readonly text: ScoredText;
  /** Where the text stands in the call; more than once where it is repeated. */
  readonly places: readonly number[];
}

/**
 * Calls of one scorer that share one model. Batches of several calls take turns, so that a short call does not wait behind
 * all of a long one; a batch is made no larger than what is likely to be done by the deadline.
 */
export class ScoringQueue {
  readonly #maxRows: number;
  readonly #onError: ScoringErrorListener | undefined;
  readonly #turns = pLimit(1);
  readonly #timer = new BatchTimer();
  #closing: Promise<void> | undefined;
  #measurement: Promise<void> | undefined;

  constructor({ maxRows, onError }: SettingsOf<typeof batchEntries>) {
    this.#maxRows = maxRows;
    this.#onError = onError;
  }

  /** @param open - Loads what the call needs; has a turn of its own. */
  async run<Item, Score>(texts: readonly ScoredText[], options: ScoreOptions, open: () => Promise<BatchWork<Item, Score>>): Promise<(Score | undefined)[]> {
    requireScoreOptions(options);
    const { signal, deadlineAt = Infinity, clock = systemClock, onError } = options;
    const scores = new Array<Score | undefined>(texts.length).fill(undefined);
    const proceed = (): boolean => {
      signal?.throwIfAborted();
      return clock.now() < deadlineAt;
    };
    this.#requireOpen();
    if (!proceed() || texts.length === 0) return scores;
    const work = await this.#turn(open);
    const tell = tellErrors([this.#onError, onError]);
    const waiting = prepare(texts, work, tell);
    const scoreBatch = async (): Promise<boolean> => {
      const rows = proceed() ? this.#timer.fitting(deadlineAt - clock.now(), this.#maxRows) : 0;
      if (rows === 0) return false;
      const batch = waiting.splice(0, rows);
      const startedAt = clock.now();
      const done = await this.#attempt(batch, work, proceed, tell);
      this.#timer.record(batch.length, clock.now() - startedAt);
      for (const [index, score] of done.entries()) for (const place of batch[index]!.places) scores[place] = score;
      return true;
    };
    while (waiting.length > 0 && (await this.#turn(scoreBatch)));
    signal?.throwIfAborted();
    return scores;
  }

  /**
   * Loads what calls need and times batches of made-up texts, of one and, while that is quick, of more; once.
   *
   * @param sample - So many texts, none of which was given out before.
   */
  async measure<Item>(
    sample: (count: number) => readonly ScoredText[],
    { signal, clock = systemClock }: Pick<ScoreOptions, 'signal' | 'clock'>,
    open: () => Promise<BatchWork<Item, unknown>>,
  ): Promise<void> {
    signal?.throwIfAborted();
    this.#requireOpen();
    const work = await this.#turn(open);
    this.#measurement ??= this.#measure((count) => sample(count).map((text) => work.prepare(text)), work, clock);
    await this.#measurement;
    signal?.throwIfAborted();
  }

  async #measure<Item>(sample: (count: number) => readonly Item[], work: BatchWork<Item, unknown>, clock: Clock): Promise<void> {
    // The first pass of a session is slow, and tells nothing.
    for (const count of [1, 1, this.#maxRows]) {
      if ((this.#timer.estimate(count) ?? 0) > MEASUREMENT_BUDGET_MS) return;
      try {
        await this.#turn(async () => {
          const items = sample(count);
          const startedAt = clock.now();
          await work.score(items, () => true);
          this.#timer.recordSample(count, clock.now() - startedAt);
        });
      } catch {
        // Made-up texts may not suit the model; what else is wrong with it, calls will tell.
        return;
      }
    }
  }

  /**
   * Work that nobody waits for: done where no call is under way or waits, else left out. What it fails with, calls will tell.
   *
   * @param work - Is told how to find out whether calls have come since.
   */
  async whileIdle(work: (isIdle: () => boolean) => Promise<void>): Promise<void> {
    if (this.#closing || this.#turns.activeCount + this.#turns.pendingCount > 0) return;
    try {
      await this.#turn(() => work(() => !this.#closing && this.#turns.pendingCount === 0));
    } catch {
      // A hint gives nothing, so nothing is lost.
    }
  }

  get costs(): BatchCosts {
    return { maxRows: this.#maxRows, means: this.#timer.means };
  }

  /** Ends calls before their next batch, and frees what they used once none is under way. */
  close(free: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#turns(free);
    return this.#closing;
  }

  #turn<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#turns(() => {
      this.#requireOpen();
      return work();
    });
  }

  #requireOpen(): void {
    if (this.#closing) throw new DisposedError('scorer');
  }

  /** Scores of a batch, `undefined` where there is none. */
  async #attempt<Item, Score>(
    batch: readonly Pending<Item>[],
    work: BatchWork<Item, Score>,
    proceed: () => boolean,
    tell: ScoringErrorListener,
  ): Promise<readonly (Score | undefined)[]> {
    try {
      const scores = await work.score(
        batch.map(({ item }) => item),
        proceed,
      );
      return scores ?? [];
    } catch (error) {
      const hasTime = proceed();
      if (batch.length === 1) tell(error, batch[0]!.text);
      if (batch.length === 1 || !hasTime) return [];
    }
    const scores: (Score | undefined)[] = [];
    for (const pending of batch) scores.push(proceed() ? (await this.#attempt([pending], work, proceed, tell))[0] : undefined);
    return scores;
  }
}

/** Texts that can be scored, each once. */
function prepare<Item>(texts: readonly ScoredText[], work: BatchWork<Item, unknown>, tell: ScoringErrorListener): Pending<Item>[] {
  return distinct(texts).flatMap(({ text, places }) => {
    try {
      return [{ item: work.prepare(text), text, places }];
    } catch (error) {
      tell(error, text);
      return [];
    }
  });
}

/** Every text once, and where it stands. */
export function distinct(texts: readonly ScoredText[]): { readonly text: ScoredText; readonly places: readonly number[] }[] {
  const found = new Map<string, { text: ScoredText; places: number[] }>();
  for (const [place, text] of texts.entries()) {
    const key = `${text.isFinished ? '.' : '…'}${text.text}`;
    const known = found.get(key);
    if (known) known.places.push(place);
    else found.set(key, { text, places: [place] });
  }
  return [...found.values()];
}

export function tellError(onError: ScoringErrorListener | undefined, error: unknown, text: ScoredText): void {
  try {
    onError?.(error, text);
  } catch {
    // Scoring goes on whatever a listener does.
  }
}

/** Reports an error to the scorer's owner and to the caller. */
export function tellErrors(listeners: readonly (ScoringErrorListener | undefined)[]): ScoringErrorListener {
  return (error, text) => {
    for (const listener of listeners) tellError(listener, error, text);
  };
}

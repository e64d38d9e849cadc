import type { Clock } from '../../contracts/clock.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { ScoredText, ScoreOptions } from '../../contracts/scorer.ts';
import { DisposedError, InvalidOptionError } from '../../errors.ts';
import type { ModelWorker } from '../../models/local-model.ts';
import { PortCaller } from '../../port/port-caller.ts';
import { receiveError } from '../../port/transferred-error.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { BatchCosts } from '../batch-timer.ts';
import { tellErrors, type ScoringErrorListener } from '../scoring-queue.ts';
import type { Scoring } from '../scoring.ts';
import type { ScoringNotice, ScoringRequest } from './messages.ts';

export interface PortScoringOptions {
  /** What is known before the other side has told. */
  readonly costs: BatchCosts;
  readonly onError?: ScoringErrorListener | undefined;
  readonly onLoadProgress?: ((progress: unknown) => void) | undefined;
}

/** A scorer's work on the other side of a port: in a worker thread, where passes do not hold up this one. */
export class PortScoring<Score> implements Scoring<Score> {
  readonly #caller: PortCaller<ScoringRequest, ScoringNotice>;
  readonly #terminate: () => Promise<void>;
  /** Who listens to the failures of calls that are open, by ticket. */
  readonly #listeners = new Map<number, ScoringErrorListener>();
  #nextTicket = 0;
  #costs: BatchCosts;
  #closing: Promise<void> | undefined;

  constructor({ port, terminate }: ModelWorker, { costs, onError, onLoadProgress }: PortScoringOptions) {
    this.#costs = costs;
    this.#terminate = terminate;
    this.#caller = new PortCaller(port, (notice: ScoringNotice) => {
      if (notice.type === 'costs') this.#costs = notice.costs;
      else if (notice.type === 'failure') tellErrors([onError, this.#listeners.get(notice.ticket)])(receiveError(notice.error), notice.text);
      else onLoadProgress?.(notice.progress);
    });
  }

  get costs(): BatchCosts {
    return this.#costs;
  }

  async ready({ signal, clock }: Pick<ScoreOptions, 'signal' | 'clock'> = {}): Promise<void> {
    requireSystemClock(clock);
    await this.#caller.ask({ type: 'ready' }, signal);
  }

  async score(
    prompt: Prompt,
    texts: readonly ScoredText[],
    { signal, deadlineAt = Infinity, clock, onError }: ScoreOptions = {},
  ): Promise<(Score | undefined)[]> {
    requireSystemClock(clock);
    // Whatever else callers keep with their texts stays here.
    const plain = texts.map(({ text, isFinished }) => ({ text, isFinished }));
    const ticket = this.#nextTicket++;
    if (onError) this.#listeners.set(ticket, onError);
    try {
      return await this.#caller.ask({ type: 'score', ticket, prompt, texts: plain, deadlineAt }, signal);
    } finally {
      this.#listeners.delete(ticket);
    }
  }

  async readAhead(prompt: Prompt, texts: readonly string[]): Promise<void> {
    if (!this.#caller.isClosed) this.#caller.tell({ type: 'read-ahead', prompt, texts });
  }

  dispose(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Ending a thread within a native call would end the process.
    await this.#caller.end(new DisposedError('scorer'));
    await this.#terminate();
  }
}

/** @throws {InvalidOptionError} */
function requireSystemClock(clock: Clock = systemClock): void {
  if (clock === systemClock) return;
  throw new InvalidOptionError('clock', 'the system clock', 'another one', 'A worker has its own time; score in the calling thread to use another clock.');
}

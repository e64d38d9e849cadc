import { onAbort } from './on-abort.ts';

/**
 * Why a signal is aborted whose work is over. Made once: an error holds the stack it was made on, with all functions and
 * objects there, for as long as the signal lives.
 */
const OVER = new DOMException('Nobody waits for this any more.', 'AbortError');

/** The signal of one piece of work, which also ends when any of the signals it follows is aborted. Ending it lets go of them. */
export class AbortScope {
  readonly #controller = new AbortController();
  #forgets: (() => void)[] = [];

  /** @param followed - Signals whose abort, with its reason, ends this scope. They may live longer. */
  constructor(...followed: readonly (AbortSignal | undefined)[]) {
    for (const signal of followed) {
      if (signal && !this.isOver) this.#forgets.push(onAbort(signal, () => this.end(signal.reason)));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isOver(): boolean {
    return this.signal.aborted;
  }

  /**
   * Aborts the signal. Whoever opens a scope ends it, however the work came out; safe to call again.
   *
   * @param reason - @default an `AbortError` that all scopes share
   */
  end(reason: unknown = OVER): void {
    const forgets = this.#forgets;
    this.#forgets = [];
    for (const forget of forgets) forget();
    this.#controller.abort(reason);
  }
}

import type { Clock } from '../../contracts/clock.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { onAbort } from '../../runtime/on-abort.ts';
import { waitUntil } from '../../runtime/wait-until.ts';

/** A request that leads. */
export interface Lead {
  /** Something has come: the server has read the prompt. */
  begin(): void;
  /** The request is over. Where nothing has come, another one may lead. */
  end(): void;
}

/**
 * Lets one request of a prompt lead. A server that keeps what it has read shares it only once it has read it: branches that
 * all start at once make it read the same prompt once for each.
 */
export class LeadRequest {
  #leading: Promise<void> | undefined;
  #hasBegun = false;

  /**
   * Waits until the prompt has been read, or until a time on the clock. Returns the lead for whoever is to take it.
   *
   * @throws the `signal`'s reason when it is aborted.
   */
  async turn(clock: Clock, until: number, signal: AbortSignal): Promise<Lead | undefined> {
    while (!this.#hasBegun && this.#leading && clock.now() < until) {
      await firstOf(this.#leading, clock, until, signal);
      signal.throwIfAborted();
    }
    return this.#hasBegun || this.#leading ? undefined : this.#lead();
  }

  #lead(): Lead {
    let tell!: () => void;
    this.#leading = new Promise((resolve) => (tell = resolve));
    return {
      begin: () => {
        this.#hasBegun = true;
        tell();
      },
      end: () => {
        this.#leading = undefined;
        tell();
      },
    };
  }
}

/** Resolves with the work, at the time or with an abort, whichever comes first. */
function firstOf(work: Promise<void>, clock: Clock, until: number, signal: AbortSignal): Promise<void> {
  const waiting = new AbortScope(signal);
  return new Promise((resolve) => {
    onAbort(waiting.signal, resolve);
    void work.then(() => waiting.end());
    void waitUntil(clock, until, waiting.signal).then(() => waiting.end());
  });
}

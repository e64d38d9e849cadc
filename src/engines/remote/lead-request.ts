import type { Clock } from '../../contracts/clock.ts';
import { onAbort } from '../../runtime/on-abort.ts';
import { SETTLED, waitUntil } from '../../runtime/wait-until.ts';

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

function firstOf(work: Promise<void>, clock: Clock, until: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settled = new AbortController();
    const forget = onAbort(signal, settle);
    function settle(): void {
      forget();
      settled.abort(SETTLED);
      resolve();
    }
    void work.then(settle);
    void waitUntil(clock, until, settled.signal).then((isOver) => isOver && settle());
  });
}

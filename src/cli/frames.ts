import type { Clock } from '../contracts/clock.ts';
import { AbortScope } from '../runtime/abort-scope.ts';

/** More cannot be told apart in a terminal, and every one holds up the thread that hears from the engine. */
const FRAMES_PER_SECOND = 15;
export const FRAME_MS = 1_000 / FRAMES_PER_SECOND;

/** Draws over and over until it is ended. What happens in between costs nothing. */
export class Frames {
  readonly #life = new AbortScope();

  constructor(draw: () => void, clock: Clock) {
    void this.#run(draw, clock);
  }

  end(): void {
    this.#life.end();
  }

  async #run(draw: () => void, clock: Clock): Promise<void> {
    const { signal } = this.#life;
    while (!signal.aborted) {
      draw();
      await clock.wait!(FRAME_MS, signal);
    }
  }
}

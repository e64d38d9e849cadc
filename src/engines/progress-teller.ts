import type { BranchProgress, SessionOptions } from '../contracts/engine.ts';
import { DEFAULT_PROGRESS_INTERVAL_MS } from '../runtime/watch-progress.ts';
import { tellListener } from './tell-listener.ts';

/** Tells the owner of a session what its branches have produced, as often as the owner wants it. */
export class ProgressTeller {
  readonly #onProgress: SessionOptions['onProgress'];
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #look: () => readonly BranchProgress[];
  #toldAt = -Infinity;

  /** @param look - Gives the branches there is something to tell of. */
  constructor({ onProgress, progressIntervalMs = DEFAULT_PROGRESS_INTERVAL_MS }: SessionOptions, now: () => number, look: () => readonly BranchProgress[]) {
    this.#onProgress = onProgress;
    this.#intervalMs = progressIntervalMs;
    this.#now = now;
    this.#look = look;
  }

  /** Something came. */
  tell(): void {
    if (!this.#onProgress) return;
    const now = this.#now();
    if (now - this.#toldAt < this.#intervalMs) return;
    this.#toldAt = now;
    const progress = this.#look();
    if (progress.length > 0) tellListener(this.#onProgress, progress);
  }
}

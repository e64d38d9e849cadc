import { isActive, type DemoState } from '../state.ts';
import type { Store } from '../store.ts';

/** Shows a finished run again, at any moment and any speed. */
export class ReplayController {
  readonly #store: Store<DemoState>;
  #speed: number;

  constructor(store: Store<DemoState>, speed: number) {
    this.#store = store;
    this.#speed = speed;
  }

  setSpeed(speed: number): void {
    this.#speed = speed;
  }

  /** Stands still at a moment of the run. */
  seek(atMs: number): void {
    if (this.#lengthMs === 0) return;
    const isPlaying = this.#store.state.replay?.isPlaying ?? false;
    this.#store.update({ replay: { atMs, isPlaying } });
  }

  /** Plays from where it stands, from the start where it stands at the end; pauses where it plays. */
  toggle(): void {
    const { replay } = this.#store.state;
    if (this.#lengthMs === 0) return;
    const isPlaying = !(replay?.isPlaying ?? false);
    this.#store.update({ replay: { atMs: replay && replay.atMs < this.#lengthMs ? replay.atMs : 0, isPlaying } });
  }

  /** Moves on by the time since the last frame. */
  advance(elapsedMs: number): void {
    const { replay } = this.#store.state;
    if (!replay?.isPlaying) return;
    const atMs = replay.atMs + elapsedMs * this.#speed;
    this.#store.update({ replay: atMs >= this.#lengthMs ? undefined : { atMs, isPlaying: true } });
  }

  /** 0 while nothing can be replayed. */
  get #lengthMs(): number {
    const { run } = this.#store.state;
    return run && !isActive(run) ? run.player.lengthMs : 0;
  }
}

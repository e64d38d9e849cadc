import { RunView, type RunEvent } from './run-view.ts';

/** Keeps the events of a run and shows it at any moment. */
export class RunPlayer {
  readonly #events: RunEvent[] = [];
  #view = new RunView();
  #applied = 0;

  get events(): readonly RunEvent[] {
    return this.#events;
  }

  add(event: RunEvent): void {
    this.#events.push(event);
  }

  /** Milliseconds from the start to the last event. */
  get lengthMs(): number {
    return this.#events.at(-1)?.atMs ?? 0;
  }

  /** The run at a moment: events later than it are left out. */
  viewAt(atMs: number): RunView {
    if (atMs < this.#view.atMs) {
      this.#view = new RunView();
      this.#applied = 0;
    }
    for (let next = this.#events[this.#applied]; next && next.atMs <= atMs; next = this.#events[++this.#applied]) this.#view.apply(next);
    return this.#view;
  }
}

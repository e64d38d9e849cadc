import { SelfConsistency } from 'latency-tts';
import { withRun } from '../chart-points.ts';
import type { EngineController } from '../engine/engine-controller.ts';
import { problemAt } from '../problems.ts';
import { isActive, type DemoState } from '../state.ts';
import type { Store } from '../store.ts';

const BRANCH_COUNTS = [1, 2, 4, 8, 16];
const ROUNDS = 5;

/** Measures on this device what plans take: a few problems for each number of branches, in turns. A run of the user's ends it. */
export class MeasureController {
  readonly #store: Store<DemoState>;
  readonly #engines: EngineController;
  #aborting: AbortController | undefined;

  constructor(store: Store<DemoState>, engines: EngineController) {
    this.#store = store;
    this.#engines = engines;
  }

  /** Never rejects: what fails is left out. */
  async start(): Promise<void> {
    if (this.#store.state.measuring || isActive(this.#store.state.run)) return;
    const aborting = (this.#aborting = new AbortController());
    try {
      await this.#measure(aborting.signal);
    } catch {
      // Ended, or the engine has said already why it cannot.
    } finally {
      if (this.#aborting === aborting) this.#store.update({ measuring: undefined });
    }
  }

  stop(): void {
    this.#aborting?.abort();
  }

  async #measure(signal: AbortSignal): Promise<void> {
    const { settings, problem } = this.#store.state;
    const { drafts, device } = settings;
    const of = ROUNDS * BRANCH_COUNTS.length;
    this.#store.update({ measuring: { done: 0, of } });
    const engine = await this.#engines.ready(settings);
    for (let done = 0; done < of;) {
      signal.throwIfAborted();
      const branches = BRANCH_COUNTS[done % BRANCH_COUNTS.length]!;
      const { question } = problemAt(problem.tier, Math.floor(done / BRANCH_COUNTS.length));
      const { timing } = await new SelfConsistency({ branches }).run({ engine, prompt: question, seed: done, signal });
      const { measurements } = this.#store.state;
      const plan = { branches, tier: problem.tier, drafts, device };
      this.#store.update({ measurements: withRun(measurements, plan, timing.totalMs), measuring: { done: ++done, of } });
    }
  }
}

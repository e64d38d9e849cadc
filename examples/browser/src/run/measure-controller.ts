import { SelfConsistency } from 'latency-tts';
import { chartPoints, withRun } from '../chart-points.ts';
import type { EngineController } from '../engine/engine-controller.ts';
import { problemAt } from '../problems.ts';
import { isActive, type DemoState } from '../state.ts';
import type { Store } from '../store.ts';

const BRANCH_COUNTS = [1, 2, 4, 8, 16];
const ROUNDS = 5;
/** Nothing is measured unasked until the page has been left alone for so long. */
const IDLE_MS = 1_500;

/**
 * Measures on this device what plans take: a few problems for each number of branches, in turns. A run of the user's ends it.
 * On the CPU it begins by itself, once for each kind of plan; a graphics card may be shared or simulated, and is left to the button.
 */
export class MeasureController {
  readonly #store: Store<DemoState>;
  readonly #engines: EngineController;
  readonly #done = new Set<string>();
  #aborting: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: Store<DemoState>, engines: EngineController) {
    this.#store = store;
    this.#engines = engines;
  }

  /** Measures what the chart lacks, once nothing has happened for a while. */
  whenIdle(): void {
    clearTimeout(this.#timer);
    if (this.#isWanted()) this.#timer = setTimeout(() => this.#isWanted() && void this.start(), IDLE_MS);
  }

  /** Never rejects: what fails is left out. */
  async start(): Promise<void> {
    const { state } = this.#store;
    if (state.measuring || isActive(state.run)) return;
    const aborting = (this.#aborting = new AbortController());
    try {
      await this.#measure(aborting.signal);
    } catch {
      // Ended by a run, or the engine has said already why it cannot.
    } finally {
      if (!aborting.signal.aborted) this.#done.add(keyOf(state));
      if (this.#aborting === aborting) this.#store.update({ measuring: undefined });
    }
  }

  stop(): void {
    this.#aborting?.abort();
  }

  #isWanted(): boolean {
    const { state } = this.#store;
    const isQuiet =
      !state.measuring &&
      state.planning.status !== 'working' &&
      !isActive(state.run) &&
      !state.isPlanned &&
      !state.replay &&
      state.engine.status === 'ready' &&
      !document.hidden;
    return isQuiet && state.settings.device === 'wasm' && !this.#done.has(keyOf(state)) && chartPoints(state).length < BRANCH_COUNTS.length;
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
      const plan = { branches, tier: problem.tier, drafts, device };
      this.#store.update({ measurements: withRun(this.#store.state.measurements, plan, timing.totalMs), measuring: { done: ++done, of } });
    }
  }
}

/** What a measurement is of. */
function keyOf({ problem, settings }: DemoState): string {
  return `${problem.tier} ${settings.drafts} ${settings.device}`;
}

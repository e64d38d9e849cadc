import { RunEvents, SelfConsistency, type Engine, type RunEventMap, type StrategyResult } from 'latency-tts';
import { withRun } from '../chart-points.ts';
import type { EngineController } from '../engine/engine-controller.ts';
import { isActive, type DemoState, type RunState } from '../state.ts';
import type { Store } from '../store.ts';
import { RunPlayer } from './run-player.ts';
import type { RunEvent } from './run-view.ts';

const EVENT_NAMES: readonly (keyof RunEventMap)[] = [
  'run-start',
  'branch-delta',
  'draft-verify',
  'branch-end',
  'vote-change',
  'deadline-reach',
  'plan-change',
  'run-end',
];
/** Between two reports of a branch's text: one a frame. */
const PROGRESS_MS = 16;

/** Starts and stops runs, one at a time. */
export class RunController {
  readonly #store: Store<DemoState>;
  readonly #engines: EngineController;
  #aborting: AbortController | undefined;
  #runs = 0;

  constructor(store: Store<DemoState>, engines: EngineController) {
    this.#store = store;
    this.#engines = engines;
  }

  /** Loads the engine where it is not loaded; the deadline starts behind that. Never rejects. */
  async start(): Promise<void> {
    const { problem, settings, run, plan, isPlanned } = this.#store.state;
    if (isActive(run) || problem.question.trim() === '') return;
    const number = ++this.#runs;
    const aborting = (this.#aborting = new AbortController());
    const player = new RunPlayer();
    const started: RunState = {
      number,
      problem,
      settings,
      plan: isPlanned ? plan : undefined,
      player,
      startedAt: undefined,
      status: 'waiting',
      outcome: undefined,
      error: undefined,
    };
    this.#store.update({ run: started, replay: undefined, chosenBranch: 0 });
    const change = (fields: Partial<RunState>): void => this.#store.update({ run: { ...this.#store.state.run!, ...fields } });
    try {
      const engine = await unlessAborted(this.#engines.ready(started.plan ? { ...settings, drafts: 'adaptive' } : settings), aborting.signal);
      change({ status: 'running', startedAt: performance.now() });
      const { answer, confidence, stopReason, timing } = await this.#run(engine, started, aborting.signal);
      change({ status: 'done', outcome: { answer, confidence } });
      // A run that was cut does not tell how long its plan takes.
      if (stopReason !== 'deadline' && problem.answer !== undefined) this.#remember(started, timing.totalMs);
    } catch (error) {
      if (aborting.signal.aborted) change({ status: 'stopped' });
      else change({ status: 'failed', error: error instanceof Error ? error.message : String(error) });
    }
  }

  stop(): void {
    this.#aborting?.abort();
  }

  #remember({ problem: { tier }, settings: { branches, drafts, device } }: RunState, totalMs: number): void {
    this.#store.update({ measurements: withRun(this.#store.state.measurements, { branches, tier, drafts, device }, totalMs) });
  }

  #run(engine: Engine, { problem, settings, plan, player, number }: RunState, signal: AbortSignal): Promise<StrategyResult> {
    const events = new RunEvents();
    for (const name of EVENT_NAMES) events.on(name, (event) => player.add({ name, ...event } as RunEvent));
    const occasion = { engine: withProgressEvery(engine, PROGRESS_MS), prompt: problem.question, seed: number, signal, events };
    if (plan) return plan.run(occasion);
    return new SelfConsistency({ branches: settings.branches }).run({ ...occasion, deadlineMs: settings.deadlineMs });
  }
}

/** The same engine, telling of its branches as often as the page draws them. */
function withProgressEvery(engine: Engine, progressIntervalMs: number): Engine {
  return {
    name: engine.name,
    contextTokens: engine.contextTokens,
    ready: (options) => engine.ready(options),
    open: (prompt, options) => engine.open(prompt, { ...options, progressIntervalMs }),
    dispose: () => engine.dispose(),
  };
}

function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}

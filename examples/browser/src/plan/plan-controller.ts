import { InfeasiblePlanError, profileEngine, type LatencyOptimizer, type Plan } from 'latency-tts';
import type { Tier } from 'latency-tts/problems';
import type { EngineController } from '../engine/engine-controller.ts';
import { isActive, type Device, type DemoState, type Drafts, type Settings } from '../state.ts';
import type { Store } from '../store.ts';
import { fitPlans } from './fit.ts';

/** Time for measuring what passes take. */
const PROFILE_MS = 6_000;

/** Plans on this device: measures passes once, tries plans for each tier, and has the settings follow the best of them. */
export class PlanController {
  readonly #store: Store<DemoState>;
  readonly #engines: EngineController;
  readonly #profiles = new Map<Device, unknown>();
  readonly #optimizers = new Map<string, LatencyOptimizer>();
  #aborting: AbortController | undefined;
  /** What the plan is of. */
  #followed = '';

  constructor(store: Store<DemoState>, engines: EngineController) {
    this.#store = store;
    this.#engines = engines;
  }

  /** Never rejects. */
  async start(): Promise<void> {
    const { state } = this.#store;
    if (state.planning.status === 'working' || isActive(state.run)) return;
    const aborting = (this.#aborting = new AbortController());
    const { tier } = state.problem;
    const { device } = state.settings;
    try {
      if (!this.#optimizers.has(keyOf(tier, device))) this.#optimizers.set(keyOf(tier, device), await this.#fit(tier, state.settings, aborting.signal));
      this.#store.update({ planning: { status: 'ready', text: '' }, isPlanned: true });
      this.follow();
    } catch (error) {
      const text = aborting.signal.aborted ? '' : error instanceof Error ? error.message : String(error);
      this.#store.update({ planning: { status: text === '' ? 'none' : 'failed', text }, isPlanned: false });
    }
  }

  stop(): void {
    this.#aborting?.abort();
  }

  /** Brings the plan, and the settings where they follow it, up to date with deadline, tier and device. */
  follow(): void {
    const { problem, settings, plan, isPlanned } = this.#store.state;
    const key = `${keyOf(problem.tier, settings.device)} ${settings.deadlineMs} ${isPlanned} ${this.#optimizers.size}`;
    if (key === this.#followed) return;
    this.#followed = key;
    const optimizer = this.#optimizers.get(keyOf(problem.tier, settings.device));
    const next = optimizer && solve(optimizer, settings.deadlineMs);
    if (!next) {
      if (plan) this.#store.update({ plan: undefined });
      return;
    }
    const planned: Settings = { ...settings, branches: next.spec.branches, drafts: draftsOf(next) };
    this.#store.update({ plan: next, ...(isPlanned && { settings: planned }) });
  }

  async #fit(tier: Tier, settings: Settings, signal: AbortSignal): Promise<LatencyOptimizer> {
    const tell = (text: string): void => this.#store.update({ planning: { status: 'working', text } });
    tell('Timing passes of the models');
    const profile = this.#profiles.get(settings.device) ?? (await this.#profile(settings, tell, signal));
    this.#profiles.set(settings.device, profile);
    tell('Trying plans in simulated time');
    return fitPlans({ tier, profile, signal, onProgress: (share) => tell(`Trying plans in simulated time: ${Math.round(100 * share)} %`) });
  }

  async #profile(settings: Settings, tell: (text: string) => void, signal: AbortSignal): Promise<unknown> {
    const engine = await this.#engines.ready({ ...settings, drafts: 'adaptive' });
    const profile = await profileEngine(engine, {
      budgetMs: PROFILE_MS,
      contextTokens: 256,
      signal,
      onProgress: ({ part, points }) => tell(`Timing passes of the models: ${part}, ${points} points`),
    });
    return JSON.parse(JSON.stringify(profile)) as unknown;
  }
}

const keyOf = (tier: Tier, device: Device): string => `${tier} ${device}`;

/** `undefined` where no plan answers by then. */
function solve(optimizer: LatencyOptimizer, deadlineMs: number): Plan | undefined {
  try {
    return optimizer.solve({ deadlineMs });
  } catch (error) {
    if (error instanceof InfeasiblePlanError) return undefined;
    throw error;
  }
}

function draftsOf({ spec }: Plan): Drafts {
  if (spec.draftLength === 'adaptive') return 'adaptive';
  return spec.draftLength === 0 ? 'off' : '4';
}

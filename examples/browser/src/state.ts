/** What the page knows. Panels draw it; only `main.ts` and the controllers change it. */
import type { Plan } from 'latency-tts';
import type { Tier } from 'latency-tts/problems';
import type { RunPlayer } from './run/run-player.ts';

export type Drafts = 'off' | 'adaptive' | '4';
export type Device = 'wasm' | 'webgpu';

export interface ProblemState {
  readonly question: string;
  readonly tier: Tier;
  /** Of a generated problem; `undefined` for one that was typed. */
  readonly answer: string | undefined;
}

export interface Settings {
  readonly deadlineMs: number;
  readonly branches: number;
  readonly drafts: Drafts;
  readonly device: Device;
}

export type EngineState =
  | { readonly status: 'idle' }
  | { readonly status: 'loading'; readonly text: string }
  | { readonly status: 'ready'; readonly text: string }
  | { readonly status: 'failed'; readonly text: string };

/** What a run came to, beside its events. */
export interface Outcome {
  readonly answer: string | undefined;
  readonly confidence: number;
}

export interface RunState {
  readonly number: number;
  readonly problem: ProblemState;
  readonly settings: Settings;
  /** The optimiser's, where the settings followed it. */
  readonly plan: Plan | undefined;
  readonly player: RunPlayer;
  /** `performance.now()` at its start; `undefined` while the engine loads. */
  readonly startedAt: number | undefined;
  readonly status: 'waiting' | 'running' | 'done' | 'stopped' | 'failed';
  readonly outcome: Outcome | undefined;
  /** Why it failed. */
  readonly error: string | undefined;
}

/** A run that is watched again. */
export interface ReplayState {
  readonly atMs: number;
  readonly isPlaying: boolean;
}

/** Latency of one plan on this device. */
export interface Measurement {
  readonly branches: number;
  readonly tier: Tier;
  readonly drafts: Drafts;
  readonly device: Device;
  /** Milliseconds of each run, ascending. */
  readonly totalsMs: readonly number[];
}

export interface PlanningState {
  readonly status: 'none' | 'working' | 'ready' | 'failed';
  readonly text: string;
}

export interface DemoState {
  readonly problem: ProblemState;
  readonly settings: Settings;
  readonly engine: EngineState;
  /** Why WebGPU cannot be chosen. */
  readonly webgpuRefusal: string | undefined;
  readonly run: RunState | undefined;
  /** `undefined` while a run is followed live, or stands at its end. */
  readonly replay: ReplayState | undefined;
  /** Branch whose drafts are shown. */
  readonly chosenBranch: number;
  /** Of the optimiser on this device. */
  readonly planning: PlanningState;
  /** The optimiser's plan for deadline, tier and device; `undefined` before it has planned, or where none answers by then. */
  readonly plan: Plan | undefined;
  /** Whether the settings follow the plan. */
  readonly isPlanned: boolean;
  readonly measurements: readonly Measurement[];
  readonly measuring: { readonly done: number; readonly of: number } | undefined;
}

export function isActive(run: RunState | undefined): boolean {
  return run?.status === 'waiting' || run?.status === 'running';
}

/** The moment of the run that is shown, in milliseconds since its start. */
export function shownMs({ run, replay }: DemoState, now: number): number {
  if (!run) return 0;
  if (replay) return replay.atMs;
  if (run.status === 'running' && run.startedAt !== undefined) return now - run.startedAt;
  return run.player.lengthMs;
}

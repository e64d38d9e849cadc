import * as v from 'valibot';
import type { Clock } from '../../contracts/clock.ts';
import type { Engine } from '../../contracts/engine.ts';
import type { MemoryBudget, MeteredPart, ModelIdentity, PassMeter, ProfiledPart } from '../../contracts/profile.ts';
import type { OutcomeScorer, StepScorer } from '../../contracts/scorer.ts';
import { quantile } from '../../maths/quantile.ts';
import { func, number, objectWith, plainObject, readOptions, value, wholeNumber, type EntriesFor } from '../../option-schemas.ts';
import { callEntries } from '../../runtime/call-options.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { decodingPasses, splitOpenings, timeOpenings, type DecodingSourceOptions } from './decoding-source.ts';
import { measureGrid, type GridPlan, type MeasurePasses, type Timings } from './measure-grid.ts';
import { describeMachine } from './describe-machine.ts';
import { MeasuredProfile, type ProfileExpectation } from './measured-profile.ts';
import type { MachineIdentity, ProfilePart } from './profile-data.ts';
import { PassSurface, type Axis } from './pass-surface.ts';
import { Rehearsals, type RequestCosts } from './rehearsals.ts';
import { PIECE_TOKENS, scorerPasses } from './scorer-source.ts';

export interface ProfileEngineOptions {
  /** Timed as well, on texts that the engine writes. */
  readonly scorer?: StepScorer | OutcomeScorer;
  /** A typical request: whole ones are timed, and what the engine writes is what the scorer reads. */
  readonly prompt?: string;
  /** Milliseconds for everything; each point is timed once all the same. Above 0. @default 25_000 */
  readonly budgetMs?: number;
  /** Most branches of interest; beyond, times are extrapolated. Whole number ≥ 1. @default 16 */
  readonly rows?: number;
  /** Longest draft of interest. Whole number ≥ 0. @default 8 */
  readonly draftLength?: number;
  /** Longest context of interest. Whole number ≥ 1. @default 1024, or what the model holds */
  readonly contextTokens?: number;
  /** Timed passes of each point. Whole number ≥ 1. @default 7 */
  readonly repetitions?: number;
  /** Passes of each point before those. Whole number ≥ 0. @default 2 */
  readonly warmUp?: number;
  /** Points are added where interpolation is off by more than this share. In (0, 1]. @default 0.05 */
  readonly tolerance?: number;
  /** Called after each batch of points. */
  readonly onProgress?: (progress: ProfileProgress) => void;
  /** Goes into the profile. */
  readonly memory?: MemoryBudget;
  /** Goes into the profile. @default what the platform tells */
  readonly machine?: MachineIdentity;
  readonly signal?: AbortSignal;
  /** What is not timed by the engine itself is timed with this. @default the system clock */
  readonly clock?: Clock;
}

export interface ProfileProgress {
  /** What is being timed; `request`: whole requests, for what they take over their passes. */
  readonly part: ProfiledPart | 'request';
  /** Points of the part so far. */
  readonly points: number;
  readonly elapsedMs: number;
  readonly budgetMs: number;
}

export const profileEngineEntries = {
  scorer: v.optional(objectWith<StepScorer | OutcomeScorer>('score', 'a scorer')),
  prompt: v.optional(value<string>('text that is not empty', (given) => typeof given === 'string' && given.trim() !== '')),
  budgetMs: v.optional(number(Number.MIN_VALUE)),
  rows: v.optional(wholeNumber(1)),
  draftLength: v.optional(wholeNumber()),
  contextTokens: v.optional(wholeNumber(1)),
  repetitions: v.optional(wholeNumber(1)),
  warmUp: v.optional(wholeNumber()),
  tolerance: v.optional(number(Number.MIN_VALUE, 1)),
  onProgress: v.optional(func<(progress: ProfileProgress) => void>()),
  memory: v.optional(plainObject<MemoryBudget>()),
  machine: v.optional(plainObject<MachineIdentity>()),
  ...callEntries,
} satisfies EntriesFor<ProfileEngineOptions>;

type Settings = Required<Omit<ProfileEngineOptions, 'scorer' | 'memory' | 'machine' | 'signal' | 'clock' | 'onProgress' | 'contextTokens'>>;

const DEFAULTS: Settings = {
  prompt: 'A baker sells 12 loaves in the morning and 35 in the afternoon, each for 3 dollars. She spends 40 dollars on flour. How many dollars are left?',
  budgetMs: 25_000,
  rows: 16,
  draftLength: 8,
  repetitions: 7,
  warmUp: 2,
  tolerance: 0.05,
};
const DEFAULT_CONTEXT_TOKENS = 1024;
const SHORTEST_CONTEXT = 16;
/** After so long a thread sleeps and its caches are others'. */
const REST_MS = 25;
/** What each part gets of the time; shared out anew among the parts there are. */
const SHARES = { target: 40, draft: 15, prefill: 8, 'draft-prefill': 2, scorer: 15, request: 45 };
const SPREAD_AT = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/**
 * Measures what passes of an engine cost on this machine: of the target over branches, draft lengths and contexts, of the
 * draft, of reading prompts and of a scorer. Nothing else should run meanwhile.
 *
 * An engine that shows its passes is timed pass by pass where it decodes. Others, such as servers, are timed by decoding:
 * without drafts, and with what the network adds.
 *
 * @throws {InvalidOptionError | ModelError | DisposedError}
 * @throws the `signal`'s reason when it is aborted.
 */
export async function profileEngine(engine: Engine, options: ProfileEngineOptions = {}): Promise<MeasuredProfile> {
  return new EngineMeasurement(engine, options).run();
}

/** What an engine is, for `loadProfile` to compare with. Loads its models. */
export async function describeEngine(engine: Engine, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Omit<ProfileExpectation, 'machine'>> {
  await engine.ready(signal ? { signal } : {});
  const { target, draft } = (await engine.passes?.anatomy(signal ? { signal } : {})) ?? { target: outsideOf(engine) };
  return { target, ...(draft && { draft }) };
}

/** All but the scorer's. */
interface EngineTimes extends Pick<RequestCosts, 'requestMs'>, Partial<Omit<RequestCosts, 'requestMs' | 'scales'>> {
  readonly parts: ProfilePart[];
}

class EngineMeasurement {
  readonly #engine: Engine;
  readonly #options: ProfileEngineOptions;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #startedAt: number;

  /** @throws {InvalidOptionError} */
  constructor(engine: Engine, options: ProfileEngineOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#settings = resolveSettings(options);
    this.#clock = options.clock ?? systemClock;
    this.#startedAt = this.#clock.now();
  }

  async run(): Promise<MeasuredProfile> {
    const { signal, scorer, memory, machine = describeMachine() } = this.#options;
    signal?.throwIfAborted();
    await this.#engine.ready(signal ? { signal } : {});
    const { target, draft } = await describeEngine(this.#engine, signal ? { signal } : {});
    const { parts, ...requestCosts } = this.#engine.passes ? await this.#shown(this.#engine.passes) : await this.#hidden();
    if (scorer) parts.push(partOf('scorer', await this.#scorer(scorer)));
    return new MeasuredProfile({
      format: 'latency-tts/profile',
      version: 1,
      measuredAt: new Date(systemClock.now()).toISOString(),
      engine: this.#engine.name,
      models: { target: target as ModelIdentity, ...(draft && { draft: draft as ModelIdentity }), ...(scorer && { scorer: { name: scorer.name } }) },
      machine,
      ...requestCosts,
      parts,
      ...(memory && { memory }),
    });
  }

  /** Of an engine that shows its passes. */
  async #shown(meter: PassMeter): Promise<EngineTimes> {
    const { signal } = this.#options;
    const { repetitions, warmUp } = this.#settings;
    const { parts: metered } = await meter.anatomy(signal ? { signal } : {});
    const parts: ProfilePart[] = [];
    const { mostRows } = metered.find(({ part }) => part === 'target')!;
    const rehearsals = this.#rehearsals(
      mostRows,
      metered.some(({ part }) => part === 'draft'),
    );
    const play = async (): Promise<void> => {
      await rehearsals.play(1 / (metered.length + 1));
      this.#report('request', parts.length + 1);
    };
    await play();
    for (const { part, ...most } of metered) {
      const measure: MeasurePasses = (shapes, budgetMs) => meter.measure(part, shapes, { repetitions, warmUp, budgetMs, ...(signal && { signal }) });
      parts.push(partOf(part, await measureGrid(measure, this.#gridPlan(part, this.#axesOf({ part, ...most })))));
      await play();
    }
    return withCosts(parts, rehearsals.costs(new Map(parts.map(({ part, points }) => [part, new PassSurface(points)]))));
  }

  /** Of an engine that only decodes. */
  async #hidden(): Promise<EngineTimes> {
    const source = this.#source();
    const openings = await timeOpenings(source);
    const { requestMs, prefill } = splitOpenings(openings);
    this.#report('prefill', prefill.length);
    const contexts = [...new Set(openings.map(({ promptTokens }) => promptTokens))];
    const axes = { rows: ends(1, this.#settings.rows), newTokens: [1], contextTokens: contexts };
    const plan: GridPlan = { ...this.#gridPlan('target', axes), fixedAxes: ['contextTokens'] };
    const target = await measureGrid(decodingPasses(source, openings), plan);
    return { parts: [partOf('target', target), partOf('prefill', prefill.map(positive))], requestMs };
  }

  async #scorer(scorer: StepScorer | OutcomeScorer): Promise<Timings[]> {
    const { measure, promptTokens } = await scorerPasses({ ...this.#source(), scorer, warmUp: this.#settings.warmUp });
    const longest = Math.min(256, Math.max(2 * PIECE_TOKENS, (this.#engine.contextTokens ?? Infinity) - promptTokens - 2 * PIECE_TOKENS));
    // Texts are put together from pieces, so there is nothing between two multiples of their length.
    const widths = [...new Set([PIECE_TOKENS, 4 * PIECE_TOKENS, 16 * PIECE_TOKENS].filter((tokens) => tokens <= longest))];
    const axes = { rows: ends(1, this.#settings.rows), newTokens: widths, contextTokens: [promptTokens] };
    return measureGrid(measure, { ...this.#gridPlan('scorer', axes), fixedAxes: ['newTokens'] });
  }

  /** @param mostRows - Branches that share a pass. */
  #rehearsals(mostRows: number, hasDraft: boolean): Rehearsals {
    const { rows, draftLength } = this.#settings;
    return new Rehearsals({
      ...this.#source(),
      rows: halved(1, Math.min(rows, mostRows)),
      draftLengths: hasDraft && draftLength > 0 ? [0, ...ends(Math.min(2, draftLength), draftLength)] : [0],
      budgetMs: this.#shareOf('request'),
      rest: () => this.#rest(),
    });
  }

  /** Time of an injected clock does not pass by itself, and its machine does not sleep. */
  async #rest(): Promise<void> {
    const { clock, signal = new AbortScope().signal } = this.#options;
    if (!clock) await systemClock.wait?.(REST_MS, signal);
  }

  #axesOf({ part, mostRows, mostNewTokens, mostContextTokens }: MeteredPart): Record<Axis, readonly number[]> {
    const { rows, draftLength } = this.#settings;
    const context = Math.min(this.#options.contextTokens ?? DEFAULT_CONTEXT_TOKENS, mostContextTokens);
    const contextTokens = ends(Math.min(SHORTEST_CONTEXT, context), context);
    if (part === 'prefill' || part === 'draft-prefill') return { rows: [1], newTokens: ends(1, mostNewTokens), contextTokens: ends(0, context) };
    const width = part === 'draft' ? mostNewTokens : Math.min(draftLength + 1, mostNewTokens);
    return { rows: halved(1, Math.min(rows, mostRows)), newTokens: halved(1, width), contextTokens };
  }

  #gridPlan(part: ProfiledPart, axes: Record<Axis, readonly number[]>): GridPlan {
    const { tolerance, repetitions, warmUp } = this.#settings;
    return {
      axes,
      budgetMs: this.#shareOf(part),
      tolerance: Math.log1p(tolerance),
      clock: this.#clock,
      passesPerPoint: repetitions + warmUp,
      onPoints: (points) => this.#report(part, points),
    };
  }

  /** Milliseconds of the budget. */
  #shareOf(part: keyof typeof SHARES): number {
    const present: readonly (keyof typeof SHARES)[] = [
      'target',
      'prefill',
      'request',
      ...(this.#options.scorer ? (['scorer'] as const) : []),
      ...(this.#engine.passes ? (['draft', 'draft-prefill'] as const) : []),
    ];
    return (this.#settings.budgetMs * SHARES[part]) / present.reduce((sum, name) => sum + SHARES[name], 0);
  }

  #source(): DecodingSourceOptions {
    const { prompt, repetitions } = this.#settings;
    return { engine: this.#engine, clock: this.#clock, sessionClock: this.#sessionClock(), prompt, repetitions, signal: this.#options.signal };
  }

  #sessionClock(): { readonly clock?: Clock } {
    return this.#options.clock ? { clock: this.#options.clock } : {};
  }

  #report(part: ProfileProgress['part'], points: number): void {
    this.#options.onProgress?.({ part, points, elapsedMs: this.#clock.now() - this.#startedAt, budgetMs: this.#settings.budgetMs });
  }
}

/** @throws {InvalidOptionError} */
function resolveSettings(options: ProfileEngineOptions): Settings {
  readOptions(profileEngineEntries, options);
  return { ...DEFAULTS, ...Object.fromEntries(Object.entries(options).filter(([name, value]) => name in DEFAULTS && value !== undefined)) };
}

/** Timings as a profile keeps them. */
function partOf(part: ProfiledPart, timings: readonly Timings[]): ProfilePart {
  const points = timings.map(({ shape, times }) => {
    const [p10Ms, medianMs, p90Ms] = [0.1, 0.5, 0.9].map((share) => quantile(times, share)) as [number, number, number];
    return { ...shape, medianMs, p10Ms, p90Ms, samples: times.length };
  });
  const ratios = timings.flatMap(({ times }, index) => times.map((milliseconds) => milliseconds / points[index]!.medianMs));
  return { part, points, spread: SPREAD_AT.map((share) => [share, quantile(ratios, share)]) };
}

function withCosts(parts: readonly ProfilePart[], { scales, ...costs }: RequestCosts): EngineTimes {
  return { ...costs, parts: parts.map((timed) => ({ ...timed, scale: scales[timed.part] ?? 1 })) };
}

const positive = ({ shape, times }: Timings): Timings => ({ shape, times: times.map((milliseconds) => Math.max(1e-3, milliseconds)) });

const outsideOf = ({ name, contextTokens }: Engine): ModelIdentity => ({ name, ...(contextTokens !== undefined && { contextTokens }) });

function ends(first: number, last: number): number[] {
  return first < last ? [first, last] : [last];
}

/** With the middle of their logarithms, where decoding begins to be bound by something else. */
function halved(first: number, last: number): number[] {
  return [...new Set([first, Math.round(Math.sqrt(first * last)), last])];
}

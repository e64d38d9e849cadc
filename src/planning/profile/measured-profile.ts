import type { LatencyProfile, MemoryBudget, ModelIdentity, PassShape, ProfiledPart } from '../../contracts/profile.ts';
import { ProfileMismatchError } from '../../errors.ts';
import { requirePart, requireProbability, requireShape } from './pass-shapes.ts';
import { PassSurface } from './pass-surface.ts';
import { parseProfile, type MachineIdentity, type ProfileData, type ProfilePart, type ProfilePoint } from './profile-data.ts';

/** What a profile should be of. Fields left out, here and within, are not compared. */
export interface ProfileExpectation {
  readonly target?: Partial<ModelIdentity>;
  readonly draft?: Partial<ModelIdentity>;
  readonly scorer?: Partial<ModelIdentity>;
  readonly machine?: MachineIdentity;
}

/** Times of one part that are kept. */
const MOST_KNOWN = 100_000;
/** Above the counts of any shape that has a key; their product is still a whole number. */
const [MOST_ROWS, MOST_NEW_TOKENS, MOST_CONTEXT_TOKENS] = [2 ** 12, 2 ** 16, 2 ** 20];

/** Step times that were measured. `JSON.stringify` saves one; `loadProfile` brings it back. */
export class MeasuredProfile implements LatencyProfile {
  readonly label: string;
  readonly parts: readonly ProfiledPart[];
  readonly requestMs: number;
  readonly branchMs: number;
  readonly draftRequestMs: number;
  readonly memory?: MemoryBudget;
  /** How it differs from what `loadProfile` was told to expect, a sentence each. */
  readonly warnings: readonly string[];
  readonly #data: ProfileData;
  readonly #surfaces: ReadonlyMap<ProfiledPart, PassSurface>;
  readonly #scales: ReadonlyMap<ProfiledPart, number>;
  /** Times that were asked for before: a simulation asks for the same ones over and over. */
  readonly #known: ReadonlyMap<ProfiledPart, Map<number, number>>;
  readonly #spreads: ReadonlyMap<ProfiledPart, ProfilePart['spread']>;

  /** @throws {InvalidOptionError} for data that `parseProfile` would refuse, or points that are no full grid. */
  constructor(data: ProfileData, warnings: readonly string[] = []) {
    this.warnings = warnings;
    this.#data = parseProfile(data);
    const { parts, models, machine, measuredAt, requestMs, branchMs = 0, draftRequestMs = 0, memory } = this.#data;
    this.parts = parts.map(({ part }) => part);
    this.requestMs = requestMs;
    this.branchMs = branchMs;
    this.draftRequestMs = draftRequestMs;
    if (memory) this.memory = memory;
    this.#surfaces = new Map(parts.map(({ part, points }) => [part, new PassSurface(points)]));
    this.#scales = new Map(parts.map(({ part, scale = 1 }) => [part, scale]));
    this.#known = new Map(parts.map(({ part }) => [part, new Map<number, number>()]));
    this.#spreads = new Map(parts.map(({ part, spread }) => [part, risingSpread(spread)]));
    const draft = models.draft ? `, draft ${models.draft.name}` : '';
    this.label = `${models.target.name}${draft} on ${machine.processor ?? 'an unnamed processor'} (measured ${measuredAt.slice(0, 10)})`;
  }

  passMs(part: ProfiledPart, shape: PassShape): number {
    const known = this.#known.get(part);
    const key = keyOf(shape);
    const before = key === undefined ? undefined : known?.get(key);
    if (before !== undefined) return before;
    requirePart(part, this.parts);
    requireShape(shape);
    const milliseconds = this.#scales.get(part)! * this.#surfaces.get(part)!.at(shape);
    if (known && key !== undefined && known.size < MOST_KNOWN) known.set(key, milliseconds);
    return milliseconds;
  }

  spread(part: ProfiledPart, probability: number): number {
    requirePart(part, this.parts);
    requireProbability(probability);
    return alongKnots(this.#spreads.get(part)!, probability);
  }

  /** Passes of a part that were timed alone; `passMs` has what they take within requests. */
  points(part: ProfiledPart): readonly ProfilePoint[] {
    requirePart(part, this.parts);
    return this.#data.parts.find((found) => found.part === part)!.points;
  }

  /** What it was measured on, and when. */
  get origin(): Pick<ProfileData, 'engine' | 'models' | 'machine' | 'measuredAt'> {
    const { engine, models, machine, measuredAt } = this.#data;
    return { engine, models, machine, measuredAt };
  }

  /** A sentence for each way in which the profile is of something else. */
  differencesFrom({ machine, ...models }: ProfileExpectation): string[] {
    const { origin } = this;
    const differences: string[] = [];
    for (const [part, wanted] of Object.entries(models) as [keyof ProfileData['models'], Partial<ModelIdentity> | undefined][]) {
      if (wanted) differences.push(...modelDifferences(part, origin.models[part], wanted));
    }
    for (const field of ['processor', 'cores', 'platform'] as const) {
      const [wanted, found] = [machine?.[field], origin.machine[field]];
      if (wanted === undefined || found === undefined || wanted === found) continue;
      differences.push(`It was measured with ${field} ${quoted(found)}, not ${quoted(wanted)}.`);
    }
    return differences;
  }

  toJSON(): ProfileData {
    return this.#data;
  }
}

export interface LoadProfileOptions {
  /** What the profile should be of, as from `describeEngine` and `describeMachine`. */
  readonly expect?: ProfileExpectation;
  /** Called with what differs; the profile's `warnings` say it too. */
  readonly onWarning?: (message: string) => void;
  /** Whether differences are an error. @default false */
  readonly strict?: boolean;
}

/**
 * Brings a saved profile back; in a browser too.
 *
 * @param json - The text, or what was parsed of it.
 * @throws {InvalidOptionError} for what is no profile of this version.
 * @throws {ProfileMismatchError} under `strict`, for a profile of something else.
 */
export function loadProfile(json: unknown, { expect, onWarning, strict = false }: LoadProfileOptions = {}): MeasuredProfile {
  const data = parseProfile(json);
  const profile = new MeasuredProfile(data);
  const differences = expect ? profile.differencesFrom(expect) : [];
  if (differences.length === 0) return profile;
  const error = new ProfileMismatchError(profile.label, differences);
  if (strict) throw error;
  onWarning?.(error.message);
  return new MeasuredProfile(data, differences);
}

function modelDifferences(part: string, found: ModelIdentity | undefined, wanted: Partial<ModelIdentity>): string[] {
  if (!found) return [`It has no ${part}.`];
  const name = quoted(found.name);
  if (wanted.name !== undefined && wanted.name !== found.name) return [`Its ${part} is ${name}, not ${quoted(wanted.name)}.`];
  const fields = [
    ['weights', found.fingerprint, wanted.fingerprint],
    ['vocabulary', found.vocabularySize, wanted.vocabularySize],
    ['context', found.contextTokens, wanted.contextTokens],
    ...Object.keys({ ...found.settings, ...wanted.settings }).map((setting) => [setting, found.settings?.[setting], wanted.settings?.[setting]] as const),
  ] as const;
  return fields.flatMap(([field, left, right]) =>
    left === undefined || right === undefined || left === right ? [] : [`Its ${part} ${name} has ${field} ${quoted(left)}, not ${quoted(right)}.`],
  );
}

function quoted(value: string | number): string {
  return typeof value === 'string' ? `“${value}”` : String(value);
}

/** Sorted, nowhere falling, and 1 at the median. */
function risingSpread(spread: ProfilePart['spread']): ProfilePart['spread'] {
  const sorted = [...spread].sort(([left], [right]) => left - right);
  const middle = alongKnots(sorted, 0.5);
  let least = 0;
  return sorted.map(([probability, ratio]) => [
    probability,
    (least = Math.max(least, probability >= 0.5 ? 1 : 0, probability <= 0.5 ? Math.min(1, ratio / middle) : ratio / middle)),
  ]);
}

/** Linear between knots, constant beyond them. */
function alongKnots(knots: ProfilePart['spread'], at: number): number {
  const above = knots.findIndex(([probability]) => probability >= at);
  if (above <= 0) return knots.at(above)![1];
  const [[from, low], [to, high]] = [knots[above - 1]!, knots[above]!];
  return low + ((high - low) * (at - from)) / (to - from);
}

/** One number for a shape of whole, not too large counts. */
function keyOf({ rows, newTokens, contextTokens }: PassShape): number | undefined {
  const isWhole = Number.isInteger(rows) && Number.isInteger(newTokens) && Number.isInteger(contextTokens);
  const isInRange = rows > 0 && newTokens > 0 && contextTokens >= 0 && rows < MOST_ROWS && newTokens < MOST_NEW_TOKENS && contextTokens < MOST_CONTEXT_TOKENS;
  return isWhole && isInRange ? (contextTokens * MOST_NEW_TOKENS + newTokens) * MOST_ROWS + rows : undefined;
}

/**
 * Whole requests, timed. Passes that are timed alone follow one another as the meter has them; in a request caches are colder,
 * branches are opened and end, and results cross threads. How much that adds is fitted to what requests of several shapes take.
 *
 * @module
 */
import type { Clock } from '../../contracts/clock.ts';
import type { DraftOutcome, Engine } from '../../contracts/engine.ts';
import type { ProfiledPart } from '../../contracts/profile.ts';
import { nonnegativeFit } from '../../maths/nonnegative-fit.ts';
import { quantile } from '../../maths/quantile.ts';
import type { PassSurface } from './pass-surface.ts';

export interface RehearsalOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Whether sessions are told the clock: not where it is theirs anyway. */
  readonly sessionClock: { readonly clock?: Clock };
  readonly prompt: string;
  /** Branches of requests. */
  readonly rows: readonly number[];
  /** Lengths of their drafts. */
  readonly draftLengths: readonly number[];
  /** Milliseconds for all rehearsals. */
  readonly budgetMs: number;
  /** Lets the machine rest before a request, as it does before most: it has to be woken. */
  readonly rest: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/** What whole requests take beside, and over, their passes timed alone. */
export interface RequestCosts {
  /** Milliseconds, once a request. */
  readonly requestMs: number;
  /** Milliseconds for each branch. */
  readonly branchMs: number;
  /** Milliseconds of a request that drafts, once. */
  readonly draftRequestMs: number;
  /** Time of passes within requests over that of the timed ones. */
  readonly scales: Readonly<Partial<Record<ProfiledPart, number>>>;
}

interface RequestShape {
  readonly branches: number;
  readonly draftLength: number;
  /** Most of a branch. */
  readonly tokens: number;
}

type Surfaces = ReadonlyMap<ProfiledPart, PassSurface>;

/** A request, and how its branches went. */
interface Rehearsal {
  readonly milliseconds: number;
  readonly promptTokens: number;
  /** Tokens of the longest branch. */
  readonly mostTokens: number;
  /** Rounds of each branch behind its first token, with the length of their drafts. */
  readonly branches: readonly (readonly number[])[];
}

/** Most and fewest tokens that branches are let write. */
const [MOST_TOKENS, FEWEST_TOKENS] = [160, 8];
/** Of the tokens of a long request, those of a short one: requests of one length would not tell longer passes from costs beside them. */
const SHORT_SHARE = 0.2;
/** Requests in which a scale of 1 is believed: few, since what they say of scales is seen more clearly than of constants. */
const PRIOR_WEIGHT = 0.3;
/** Of a scale. Beyond, few requests have told nonsense. */
const [LEAST_SCALE, MOST_SCALE] = [0.5, 3];

/** Times requests, in turns between which other things are measured: a machine's speed changes from minute to minute. */
export class Rehearsals {
  readonly #options: RehearsalOptions;
  #shapes: readonly RequestShape[] = [];
  /** By shape. */
  readonly #played: Rehearsal[][] = [];
  #count = 0;

  constructor(options: RehearsalOptions) {
    this.#options = options;
  }

  /** Times one shape after the other for a share of the budget, at least one; goes on where the last turn ended. */
  async play(share: number): Promise<void> {
    const { clock, budgetMs } = this.#options;
    const endsAt = clock.now() + share * budgetMs;
    if (this.#shapes.length === 0) this.#shapes = await this.#chooseShapes();
    do {
      const index = this.#count++ % this.#shapes.length;
      (this.#played[index] ??= []).push(await timeRequest(this.#options, this.#shapes[index]!));
    } while (clock.now() < endsAt);
  }

  /** @param surfaces - Passes of each part the engine has, timed alone. */
  costs(surfaces: Surfaces): RequestCosts {
    return fitCosts(this.#played.map(middleOf), surfaces);
  }

  /** Requests of a length that lets half of the budget do for all of them, as far as it can. */
  async #chooseShapes(): Promise<RequestShape[]> {
    const { rows, draftLengths, budgetMs } = this.#options;
    const probe = await timeRequest(this.#options, { branches: Math.max(...rows), draftLength: 0, tokens: FEWEST_TOKENS });
    const eachMs = budgetMs / 2 / (rows.length * draftLengths.length);
    const whole = Math.min(MOST_TOKENS, Math.max(FEWEST_TOKENS, Math.floor((FEWEST_TOKENS * eachMs) / probe.milliseconds)));
    return [whole, Math.ceil(whole * SHORT_SHARE)].flatMap((tokens) =>
      draftLengths.flatMap((draftLength) => rows.map((branches) => ({ branches, draftLength, tokens }))),
    );
  }
}

async function timeRequest(options: RehearsalOptions, shape: RequestShape): Promise<Rehearsal> {
  const { engine, clock, sessionClock, prompt, rest, signal } = options;
  await rest();
  signal?.throwIfAborted();
  const drafts = Array.from({ length: shape.branches }, (): DraftOutcome[] => []);
  const startedAt = clock.now();
  const session = await engine.open(prompt, {
    ...sessionClock,
    draftLength: shape.draftLength,
    readsWholePrompt: true,
    onDraft: (branch, outcome) => drafts[branch]!.push(outcome),
    ...(signal && { signal }),
  });
  const branches = session.branch(shape.branches);
  try {
    await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: shape.tokens }, ...(signal && { signal }) })));
  } finally {
    await session.dispose();
  }
  const milliseconds = clock.now() - startedAt;
  return {
    milliseconds,
    promptTokens: session.promptTokens,
    mostTokens: Math.max(...branches.map(({ tokenCount }) => tokenCount)),
    branches: branches.map(({ tokenCount }, index) => roundsOf(tokenCount, drafts[index]!)),
  };
}

/** Lengths of a branch's drafts; 0 for the rounds without one that its other tokens took. The first token comes with the prompt. */
function roundsOf(tokenCount: number, drafts: readonly DraftOutcome[]): number[] {
  const drafted = drafts.reduce((sum, { accepted }) => sum + accepted + 1, 0);
  return [...drafts.map(({ proposed }) => proposed), ...new Array<number>(Math.max(0, tokenCount - 1 - drafted)).fill(0)];
}

/** The repetitions of a shape do the same work. */
function middleOf(repetitions: readonly Rehearsal[]): Rehearsal {
  const times = repetitions.map(({ milliseconds }) => milliseconds);
  return { ...repetitions[0]!, milliseconds: quantile(times, 0.5) };
}

function fitCosts(rehearsals: readonly Rehearsal[], surfaces: Surfaces): RequestCosts {
  const hasDraft = surfaces.has('draft');
  const observations = rehearsals.map((rehearsal) => {
    const { prefillMs, targetMs, draftMs } = passesOf(rehearsal, surfaces);
    const { milliseconds, branches } = rehearsal;
    const drafts = hasDraft ? [Number(draftMs > 0), draftMs] : [];
    // In shares of the whole, so that short requests count as long ones do.
    return {
      row: [1, branches.length, targetMs, ...drafts].map((value) => value / milliseconds),
      value: (milliseconds - prefillMs) / milliseconds,
    };
  });
  const priors = [2, 4].filter((column) => column < observations[0]!.row.length).map((scale) => ({ row: columnAt(scale, hasDraft), value: PRIOR_WEIGHT }));
  const all = [...observations, ...priors];
  const [requestMs = 0, branchMs = 0, target = 1, draftRequestMs = 0, draft = 1] = nonnegativeFit(
    all.map(({ row }) => row),
    all.map(({ value }) => value),
  );
  const [targetScale, draftScale] = [target, draft].map((scale) => Math.min(MOST_SCALE, Math.max(LEAST_SCALE, scale))) as [number, number];
  return { requestMs, branchMs, draftRequestMs, scales: { target: targetScale, ...(hasDraft && { draft: draftScale, 'draft-prefill': draftScale }) } };
}

function columnAt(scale: number, hasDraft: boolean): number[] {
  return Array.from({ length: hasDraft ? 5 : 3 }, (_, column) => (column === scale ? PRIOR_WEIGHT : 0));
}

/** What the passes of a request take alone. All branches begin together, so that round by round they share passes. */
function passesOf({ promptTokens, mostTokens, branches }: Rehearsal, surfaces: Surfaces): { prefillMs: number; targetMs: number; draftMs: number } {
  const rounds = Math.max(...branches.map(({ length }) => length));
  const promptMs = (part: ProfiledPart): number => surfaces.get(part)?.at({ rows: 1, newTokens: promptTokens, contextTokens: 0 }) ?? 0;
  let [targetMs, draftMs] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const contextTokens = promptTokens + ((round + 0.5) / rounds) * mostTokens;
    const passMs = (part: ProfiledPart, rows: number, newTokens: number): number => surfaces.get(part)?.at({ rows, newTokens, contextTokens }) ?? 0;
    const lengths = branches.filter(({ length }) => length > round).map((rounds) => rounds[round]!);
    const longest = Math.max(...lengths);
    targetMs += passMs('target', lengths.length, longest + 1);
    for (let position = 0; position < longest; position++) {
      draftMs += passMs('draft', lengths.filter((length) => length > position).length, position === 0 ? 2 : 1);
    }
  }
  return { prefillMs: promptMs('prefill'), targetMs, draftMs: draftMs > 0 ? draftMs + promptMs('draft-prefill') : 0 };
}

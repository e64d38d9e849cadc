/**
 * Recorded traces as an engine: strategies run on it unchanged, without a model, in simulated time that a profile of the
 * machine dictates.
 *
 * What a branch writes was recorded. How long that takes follows from the profile and from who else is in the batch, by the
 * scheduling of `engines/local/decode-loop.ts`. What becomes of a draft is drawn from recorded outcomes, or from rates by position.
 * A text that would have to go on otherwise than recorded (a fork, an unknown forced text) rejects with `NotRecordedError`.
 *
 * @module
 */
import type { Engine, Session, SessionOptions } from '../../contracts/engine.ts';
import type { LatencyProfile, PassShape, ProfiledPart } from '../../contracts/profile.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { DisposedError, InvalidOptionError } from '../../errors.ts';
import { randomAt } from '../../maths/random.ts';
import { requireKnownNames, requireWholeNumber } from '../../options.ts';
import type { SimulatedClock } from '../../runtime/simulated-clock.ts';
import { AdaptiveDraftLength } from '../speculation/draft-length.ts';
import { outcomesAtRates, type DraftOutcomes } from './draft-outcomes.ts';
import type { ReplayBank } from './replay-bank.ts';
import { ReplayLoop, type ReplayDraftLength } from './replay-loop.ts';
import { ReplaySession } from './replay-session.ts';
import { requireSessionOptions } from '../advance-options.ts';

export interface ReplayEngineOptions {
  readonly bank: ReplayBank;
  readonly profile: LatencyProfile;
  readonly clock: SimulatedClock;
  /** Tokens drafted a round. 0 drafts none. @default 'adaptive' where the profile has a draft model, else 0 */
  readonly draftLength?: number | 'adaptive';
  /** Longest adaptive draft. @default 8 */
  readonly longestDraft?: number;
  /**
   * What becomes of drafts: outcomes that were recorded, or the acceptance rate at each position of a draft given that all before
   * it were accepted, the last of which goes on.
   * @default [0.75]
   */
  readonly acceptance?: readonly number[] | DraftOutcomes;
  /** @default 64 */
  readonly maxRows?: number;
  /** Lets passes vary as the profile says they do; the same seed varies them alike. @default every pass takes its median */
  readonly jitterSeed?: number;
  /** Time of passes over what the profile says, by the time on the clock: a machine that slows down. @default 1 */
  readonly slowdown?: (atMs: number) => number;
}

const OPTIONS: Readonly<Record<keyof ReplayEngineOptions, true>> = {
  bank: true,
  profile: true,
  clock: true,
  draftLength: true,
  longestDraft: true,
  acceptance: true,
  maxRows: true,
  jitterSeed: true,
  slowdown: true,
};
const DEFAULT_RATES = [0.75];
const LONGEST_DRAFT = 8;
/** Outcomes with which an adaptive length starts, so that it does not begin as if nothing were known. */
const WARM_OUTCOMES = 48;
/** Tokens of a prompt by which reading is timed. */
const TYPICAL_PROMPT = 64;
const WARM_SEED = 0;

export class ReplayEngine implements Engine {
  readonly name: string;
  readonly contextTokens = undefined;
  readonly #bank: ReplayBank;
  readonly #clock: SimulatedClock;
  readonly #requestMs: number;
  readonly #branchMs: number;
  readonly #loop: ReplayLoop;
  readonly #draftLength: ReplayDraftLength | undefined;
  #isDisposed = false;

  /** @throws {InvalidOptionError} */
  constructor(options: ReplayEngineOptions) {
    requireKnownNames(options, Object.keys(OPTIONS));
    const { bank, profile, clock, maxRows = 64 } = options;
    requireWholeNumber('maxRows', maxRows, 1);
    this.name = `replay on ${profile.label}`;
    this.#bank = bank;
    this.#clock = clock;
    this.#requestMs = profile.requestMs;
    this.#branchMs = profile.branchMs ?? 0;
    const outcomes = outcomesOf(options);
    this.#draftLength = draftPolicy(options, outcomes);
    const parts = new Set(profile.parts);
    const draftShare = draftShareOf(profile);
    const passMs = timing(options);
    this.#loop = new ReplayLoop({
      maxRows,
      draftLength: this.#draftLength,
      outcomes,
      prefillMsPerToken: profile.passMs('prefill', { rows: 1, newTokens: TYPICAL_PROMPT, contextTokens: 0 }) / TYPICAL_PROMPT,
      draftRequestMs: profile.draftRequestMs ?? 0,
      now: () => clock.now(),
      passMs: (part, shape) => (parts.has(part) ? passMs(part, shape) : draftShare * passMs('prefill', shape)),
      wait: (milliseconds) => clock.wait(milliseconds),
    });
  }

  async ready(): Promise<void> {
    if (this.#isDisposed) throw new DisposedError('engine');
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    if (this.#isDisposed) throw new DisposedError('engine');
    requireSessionOptions(options);
    const { clock, deadlineAt = Infinity, signal } = options;
    if (clock !== this.#clock) throw new InvalidOptionError('clock', 'the simulated clock of the replay', clock, 'Pass the same one to the run.');
    signal?.throwIfAborted();
    const { promptTokens } = this.#bank.problem(prompt, options.sampling);
    let forwards = 0;
    await this.#clock.wait(this.#requestMs, signal);
    await new Promise<void>((resolve, reject) => {
      this.#loop.prefill({ promptTokens, deadlineAt, signal, onForward: () => void forwards++, resolve, reject });
    });
    return new ReplaySession(
      {
        loop: this.#loop,
        promptTokens,
        recorded: (sampling) => this.#bank.problem(prompt, sampling),
        speculates: this.#draftLength !== undefined,
        branchMs: this.#branchMs,
        promptForwards: forwards,
        now: () => this.#clock.now(),
        onPlayed: (text, scores) => scores && this.#bank.addScores(prompt, text, scores),
        onDraft: (limit, accepted) => this.#draftLength?.recordOutcome(limit, accepted),
      },
      options,
    );
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
  }
}

/** How long a pass takes. */
function timing({ profile, clock, jitterSeed, slowdown = () => 1 }: ReplayEngineOptions): (part: ProfiledPart, shape: PassShape) => number {
  let passes = 0;
  return (part, shape) => {
    const factor = jitterSeed === undefined ? 1 : profile.spread(part, Math.max(randomAt(jitterSeed, 0, passes++), Number.EPSILON));
    return profile.passMs(part, shape) * factor * slowdown(clock.now());
  };
}

function outcomesOf({ acceptance = DEFAULT_RATES }: ReplayEngineOptions): DraftOutcomes {
  return typeof acceptance === 'function' ? acceptance : outcomesAtRates(acceptance);
}

/** A step of the draft over one of the target: where a profile does not say how long it reads prompts, it is taken to read as much faster. */
function draftShareOf(profile: LatencyProfile): number {
  if (!profile.parts.includes('draft')) return 0;
  const step = { rows: 1, newTokens: 1, contextTokens: 0 };
  return profile.passMs('draft', step) / profile.passMs('target', step);
}

function draftPolicy(options: ReplayEngineOptions, outcomes: DraftOutcomes): ReplayDraftLength | undefined {
  const { profile, longestDraft = LONGEST_DRAFT } = options;
  const hasDraft = profile.parts.includes('draft');
  const { draftLength = hasDraft ? 'adaptive' : 0 } = options;
  if (draftLength !== 'adaptive') requireWholeNumber('draftLength', draftLength);
  if (draftLength === 0) return undefined;
  if (!hasDraft) throw new InvalidOptionError('draftLength', '0 without a draft model in the profile', draftLength);
  if (draftLength !== 'adaptive') return { choose: () => draftLength, recordDraft: () => undefined, recordOutcome: () => undefined };
  requireWholeNumber('longestDraft', longestDraft, 1);
  // The length depends on costs alone, not on how long the text is by now.
  const shape = (rows: number, newTokens: number) => ({ rows, newTokens, contextTokens: 0 });
  const policy = new AdaptiveDraftLength(longestDraft, {
    isPadded: true,
    draftMs: (rows) => profile.passMs('draft', shape(rows, 1)),
    targetMs: (rows, width) => profile.passMs('target', shape(rows, width)),
  });
  for (let outcome = 0; outcome < WARM_OUTCOMES; outcome++) {
    const limit = Math.max(1, policy.choose(1));
    const { proposed, accepted } = outcomes(limit, { seed: WARM_SEED, stream: outcome, round: outcome });
    policy.recordDraft(limit, proposed);
    policy.recordOutcome(limit, accepted);
  }
  return policy;
}

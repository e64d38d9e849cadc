/**
 * Rounds of decoding on virtual time: passes cost by a curve, drafts stand by chance, branches finish, machines pause. Tells what
 * a policy takes for a token.
 */
import type { DraftPolicy } from '../../../src/engines/speculation/draft-policy.ts';
import { randomSequence } from '../../../src/maths/random.ts';

export interface Regime {
  /** Milliseconds of a pass by its new tokens. */
  readonly passMs: (positions: number) => number;
  /** Milliseconds of a step of the draft model; drafts are free without. */
  readonly stepMs?: (rows: number) => number;
  /** How often a drafted token stands, on average. */
  readonly acceptance: number;
  /** Branches that begin together; in the last fifth of their time they finish one after another. */
  readonly branches: number;
  /** Share of branches of a round that have a free draft. @default 0.6 */
  readonly coverage?: number;
  /** What free drafts say of their acceptance, over the truth. @default 1 */
  readonly bias?: number;
}

export interface Simulated {
  readonly msPerToken: number;
  readonly draftedPerToken: number;
}

const TOKENS_OF_BRANCH = 200;
const NOISE = 0.08;
const PAUSE_RATE = 0.005;
const PAUSE = 4;

/** A curve through measured points, straight between and beyond them. */
export function curve(points: readonly (readonly [number, number])[]): (at: number) => number {
  return (at) => {
    const found = points.findIndex(([point]) => point >= at);
    const above = found < 0 ? points.length - 1 : Math.max(1, found);
    const [[low, from], [high, to]] = [points[above - 1]!, points[above]!];
    return from + ((to - from) * (at - low)) / (high - low);
  };
}

/** Decodes so many tokens, in each regime as many. */
export function simulate(policy: DraftPolicy, regimes: readonly Regime[], tokens: number, seed: number): Simulated {
  const random = randomSequence(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const jitter = (): number => Math.exp(NOISE * normal()) * (random() < PAUSE_RATE ? PAUSE : 1);
  let elapsedMs = 0;
  let written = 0;
  let drafted = 0;
  while (written < tokens) {
    const regime = regimes[Math.min(regimes.length - 1, Math.floor((written / tokens) * regimes.length))]!;
    const rows = rowsAt(regime, written);
    const lengths = regime.stepMs ? drawnRound(policy, regime, rows, random) : freeRound(policy, regime, rows, random, normal);
    const positions = rows + lengths.drafted;
    const draftingMs = (regime.stepMs?.(rows) ?? 0) * lengths.longest * jitter();
    if (draftingMs > 0) policy.recordStep(rows, draftingMs / lengths.longest);
    const milliseconds = regime.passMs(positions) * jitter();
    policy.recordRound({ rows, positions, widest: 1 + lengths.longest, milliseconds, draftingMs });
    elapsedMs += milliseconds + draftingMs;
    written += rows + lengths.accepted;
    drafted += lengths.drafted;
  }
  return { msPerToken: elapsedMs / written, draftedPerToken: drafted / written };
}

interface DraftedRound {
  readonly drafted: number;
  readonly accepted: number;
  readonly longest: number;
}

function rowsAt({ branches }: Regime, written: number): number {
  const lifetime = TOKENS_OF_BRANCH * branches;
  const left = 1 - (written % lifetime) / lifetime;
  return left > 0.2 ? branches : Math.max(1, Math.ceil(branches * left * 5));
}

function drawnRound(policy: DraftPolicy, { acceptance }: Regime, rows: number, random: () => number): DraftedRound {
  const length = policy.chooseLength(rows);
  if (length === 0) return { drafted: 0, accepted: 0, longest: 0 };
  let accepted = 0;
  for (let row = 0; row < rows; row++) {
    let stood = 0;
    while (stood < length && random() < acceptance) stood++;
    policy.recordDraft(length, length);
    policy.recordOutcome(length, stood);
    accepted += stood;
  }
  return { drafted: length * rows, accepted, longest: length };
}

function freeRound(
  policy: DraftPolicy,
  { acceptance, coverage = 0.6, bias = 1 }: Regime,
  rows: number,
  random: () => number,
  normal: () => number,
): DraftedRound {
  const truths = Array.from({ length: rows }, () => random() < coverage)
    .filter((hasDraft) => hasDraft)
    .map(() => Array.from({ length: policy.longest }, () => Math.min(0.99, Math.max(0.02, acceptance + 0.25 * normal()))));
  const estimates = truths.map((truth) => truth.map((probability) => Math.min(1, bias * probability)));
  const lengths = policy.cut(rows, estimates);
  let accepted = 0;
  for (const [draft, length] of lengths.entries()) {
    if (length === 0) continue;
    let stood = 0;
    while (stood < length && random() < truths[draft]![stood]!) stood++;
    policy.recordEstimated(estimates[draft]!.slice(0, length), stood);
    accepted += stood;
  }
  return { drafted: lengths.reduce((sum, length) => sum + length, 0), accepted, longest: Math.max(0, ...lengths) };
}

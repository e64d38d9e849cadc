/**
 * How far branches get by a deadline, in closed form: every branch writes a length drawn from one distribution, each round
 * takes what the profile says for the branches still writing, and drafts are as long as pays for that many.
 *
 * Branches are treated as a fluid: after n tokens, B · P(length > n) of them are still writing. So chance in single runs is
 * left out, and no accuracy comes of it; replaying recorded traces tells both.
 *
 * @module
 */
import type { LatencyProfile } from '../../contracts/profile.ts';
import { InvalidOptionError } from '../../errors.ts';
import { expectedTokens } from '../../maths/draft-rounds.ts';
import { normalCdf } from '../../maths/normal.ts';
import { requireNumber, requireWholeNumber } from '../../options.ts';
import { chooseDraftLength, roundMs, type DraftChoice } from './draft-choice.ts';
import { requestStartMs } from './request-start.ts';

/** Lengths of answers in tokens, log-normal: as many are shorter than the median as longer, and a few are very long. */
export interface LengthDistribution {
  readonly medianTokens: number;
  /** Standard deviation of the logarithm. ≥ 0 */
  readonly sigma: number;
  /** No branch writes more; those that would are cut, and do not finish. */
  readonly mostTokens: number;
}

export interface FluidOptions {
  readonly branches: number;
  readonly promptTokens: number;
  readonly lengths: LengthDistribution;
  /** Probability that a drafted token stands. In [0, 1] */
  readonly acceptance: number;
  /** A fixed draft length, or the best one for the branches still writing. @default 'adaptive' */
  readonly draftLength?: number | 'adaptive';
  /** Longest draft that `adaptive` chooses. @default 16 */
  readonly longestDraft?: number;
  /** Largest share of the branches that need not have finished for a run to be over. In (0, 1). @default 0.05 */
  readonly straggling?: number;
}

export interface FluidRun {
  /** Milliseconds until all but the straggling branches have finished. `Infinity` where more than those are cut. */
  readonly finishedMs: number;
  /** The share that has finished by a time in milliseconds. */
  finishedShare(milliseconds: number): number;
  /** Draft length in the first round, and in the round of the last branch. */
  readonly draftLengths: readonly [first: number, last: number];
  /** Tokens a second of one branch, in the first round. */
  readonly firstRate: number;
}

/** Rounds are computed anew after this share of the tokens written so far, */
const STEP_SHARE = 0.05;
/** and at least this many tokens. */
const LEAST_STEP = 8;

/** @throws {InvalidOptionError} */
export function decodeFluid(profile: LatencyProfile, options: FluidOptions): FluidRun {
  const { branches, promptTokens, lengths, straggling = 0.05 } = options;
  requireOptions(options);
  const isDrafting = options.draftLength !== 0 && profile.parts.includes('draft');
  const times = [requestStartMs(profile, { promptTokens, branches, isDrafting })];
  const shares = [0];
  const draftLengths: number[] = [];
  let firstRate = 0;
  for (let written = 0; written < lengths.mostTokens && 1 - shares.at(-1)! > 1e-4;) {
    const alive = Math.max(1, branches * (1 - shares.at(-1)!));
    const round = roundOf(profile, alive, promptTokens + written, options);
    if (draftLengths.length === 0) firstRate = (1000 * round.tokensPerRound) / round.roundMs;
    draftLengths.push(round.draftLength);
    const step = Math.min(lengths.mostTokens - written, Math.max(LEAST_STEP, STEP_SHARE * written));
    written += step;
    times.push(times.at(-1)! + (step / round.tokensPerRound) * round.roundMs);
    shares.push(shareWithin(lengths, written));
  }
  const finishedAt = shares.findIndex((share) => share >= 1 - straggling);
  return {
    finishedMs: finishedAt < 0 ? Infinity : between(1 - straggling, shares, times),
    finishedShare: (milliseconds) => between(milliseconds, times, shares),
    draftLengths: [draftLengths[0]!, draftLengths.at(-1)!],
    firstRate,
  };
}

/** Share of answers with at most this many tokens. */
function shareWithin({ medianTokens, sigma }: LengthDistribution, tokens: number): number {
  if (sigma === 0) return tokens >= medianTokens ? 1 : 0;
  return normalCdf(Math.log(tokens / medianTokens) / sigma);
}

function roundOf(profile: LatencyProfile, branches: number, contextTokens: number, options: FluidOptions): DraftChoice {
  const { acceptance, draftLength = 'adaptive', longestDraft = 16 } = options;
  if (draftLength === 'adaptive') return chooseDraftLength(profile, { branches, contextTokens }, acceptance, longestDraft);
  return fixedRound(profile, branches, contextTokens, { acceptance, draftLength });
}

function fixedRound(
  profile: LatencyProfile,
  branches: number,
  contextTokens: number,
  { acceptance, draftLength }: { readonly acceptance: number; readonly draftLength: number },
): DraftChoice {
  const rates = new Array<number>(draftLength).fill(acceptance);
  return { draftLength, tokensPerRound: expectedTokens(rates, draftLength), roundMs: roundMs(profile, { branches, contextTokens, draftLength }) };
}

/** Linear between `from` values, which rise, to `to` values. */
function between(at: number, from: readonly number[], to: readonly number[]): number {
  const above = from.findIndex((value) => value >= at);
  if (above < 0) return to.at(-1)!;
  if (above === 0) return to[0]!;
  const [low, high] = [from[above - 1]!, from[above]!];
  return to[above - 1]! + ((to[above]! - to[above - 1]!) * (at - low)) / (high - low);
}

/** @throws {InvalidOptionError} */
function requireOptions({ branches, promptTokens, lengths, acceptance, draftLength = 'adaptive', straggling = 0.05 }: FluidOptions): void {
  requireNumber('branches', branches, 1);
  requireNumber('promptTokens', promptTokens, 0);
  requireNumber('lengths.medianTokens', lengths.medianTokens, Number.MIN_VALUE);
  requireNumber('lengths.sigma', lengths.sigma, 0);
  requireNumber('lengths.mostTokens', lengths.mostTokens, Number.MIN_VALUE);
  requireNumber('acceptance', acceptance, 0, 1);
  if (draftLength !== 'adaptive') requireWholeNumber('draftLength', draftLength);
  if (!(straggling > 0 && straggling < 1)) throw new InvalidOptionError('straggling', 'a number above 0 and below 1', straggling);
}

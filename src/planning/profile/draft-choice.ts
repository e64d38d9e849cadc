import type { LatencyProfile } from '../../contracts/profile.ts';
import { InvalidOptionError } from '../../errors.ts';
import { bestDraftLength, expectedTokens } from '../../maths/draft-rounds.ts';
import { requireNumber, requireWholeNumber } from '../../options.ts';

/** A round of all branches: `draftLength` steps of the draft, and one pass of the target over one token more. */
export interface RoundShape {
  readonly branches: number;
  /** Tokens each branch holds before the round, its prompt included. */
  readonly contextTokens: number;
  readonly draftLength: number;
}

/** Milliseconds of one round; without a draft, of one step. @throws {InvalidOptionError} for drafts without a draft part. */
export function roundMs(profile: LatencyProfile, { branches: rows, contextTokens, draftLength }: RoundShape): number {
  const targetMs = profile.passMs('target', { rows, newTokens: draftLength + 1, contextTokens });
  return draftLength === 0 ? targetMs : targetMs + draftLength * profile.passMs('draft', { rows, newTokens: 1, contextTokens });
}

export interface DraftChoice {
  readonly draftLength: number;
  /** Tokens a round gives each branch, on average. */
  readonly tokensPerRound: number;
  readonly roundMs: number;
}

/**
 * The draft length with the most tokens per millisecond for this many branches, each position accepted with the same
 * probability. 0 where drafting does not pay, or the profile has no draft.
 *
 * @param acceptance - Probability that a drafted token stands. In [0, 1], or one for each position.
 * @param longest - Longest draft considered. Whole number ≥ 0. Positions without a rate of their own have the last one's. @default 16
 * @throws {InvalidOptionError}
 */
export function chooseDraftLength(
  profile: LatencyProfile,
  { branches, contextTokens }: Pick<RoundShape, 'branches' | 'contextTokens'>,
  acceptance: number | readonly number[],
  longest = 16,
): DraftChoice {
  requireWholeNumber('longest', longest);
  const given = typeof acceptance === 'number' ? [acceptance] : acceptance;
  if (given.length === 0) throw new InvalidOptionError('acceptance', 'at least one rate', acceptance);
  for (const rate of given) requireNumber('acceptance', rate, 0, 1);
  const rates = Array.from({ length: longest }, (_, position) => given[Math.min(position, given.length - 1)]!);
  const msOf = (draftLength: number): number => roundMs(profile, { branches, contextTokens, draftLength });
  const draftLength = profile.parts.includes('draft') ? bestDraftLength(rates, longest, msOf) : 0;
  return { draftLength, tokensPerRound: expectedTokens(rates, draftLength), roundMs: msOf(draftLength) };
}

/**
 * Rules that end a vote early. `exactDecision` keeps the answer that waiting for all would give; the others guess what more
 * branches would say, and docs/strategies/early-decision.md says what each of them guarantees.
 *
 * @module
 */
import * as v from 'valibot';
import type { AnswerTally, EarlyDecision, VoteState } from '../contracts/vote.ts';
import { number, objectWith, oneOfOr, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { betaPosterior, dirichletPosterior, mixtureEvidence } from './vote-evidence.ts';

/** Rules that go by a name alone, with their defaults. */
export type EarlyDecisionName = (typeof EARLY_DECISIONS)[number];

export const EARLY_DECISIONS = ['exact', 'none', 'beta', 'dirichlet', 'anytime-valid'] as const;

/** Share of the weights at stake below which a margin of sums is taken for their rounding. */
const ROUNDING = 1e-9;
const UNSEEN: AnswerTally = { answer: '', voters: [], weight: 0, least: 0, most: 0 };

/**
 * No outcome of the pending votes can change the winner: its margin over every rival, an unseen answer included, exceeds
 * what is pending, W₁ − W₂ > u · w, with the most w a vote can weigh; or equals it and the tie goes to the leader.
 */
export function exactDecision(): EarlyDecision {
  return { name: 'exact', decide: cannotChange };
}

function cannotChange({ tallies, launched, branches, pending, heaviest }: VoteState): boolean {
  const [leader, ...rivals] = tallies;
  if (!leader) return false;
  const open = pending.length + branches - launched;
  const atStake = open === 0 ? 0 : open * heaviest;
  const firstOpen = Math.min(...pending, launched < branches ? launched : Infinity);
  const isWhole = [atStake, ...tallies.flatMap(({ least, most }) => [least, most])].every(Number.isInteger);
  return (open === 0 ? rivals : [...rivals, UNSEEN]).every((rival) => {
    const margin = leader.least - rival.most - atStake;
    const isTieWon = leader.voters[0]! < Math.min(rival.voters[0] ?? Infinity, firstOpen);
    return isWhole ? margin > 0 || (margin === 0 && isTieWon) : margin > ROUNDING * (leader.most + rival.most);
  });
}

/** Waits for every branch. */
export function noDecision(): EarlyDecision {
  return { name: 'none', decide: () => false };
}

const openShare = /* @__PURE__ */ number(Number.MIN_VALUE, 1 - Number.EPSILON);

export const posteriorDecisionEntries = {
  /** Least posterior probability of the leader. In (0, 1). @default 0.95 */
  confidence: v.optional(openShare, 0.95),
};

export interface PosteriorDecisionOptions extends OptionsOf<typeof posteriorDecisionEntries> {}

/**
 * The leader is likelier than the runner-up with the given posterior probability (Aggarwal et al. 2023, arXiv:2305.11860).
 * Asked after every vote it errs more often than 1 − `confidence`: at an exact tie in 42 of 100 votes of 40.
 *
 * @throws {InvalidOptionError}
 */
export function betaDecision(options: PosteriorDecisionOptions = {}): EarlyDecision {
  const { confidence } = readOptions(posteriorDecisionEntries, options);
  return onCounts('beta', ([leader, rival = 0]) => betaPosterior(leader, rival) >= confidence);
}

export const dirichletDecisionEntries = {
  ...posteriorDecisionEntries,
  /** How many of the leading answers are compared. Whole number ≥ 2. @default 5 */
  answers: v.optional(wholeNumber(2), 5),
};

export interface DirichletDecisionOptions extends OptionsOf<typeof dirichletDecisionEntries> {}

/**
 * The leader is the likeliest of the leading answers with the given posterior probability (Aggarwal et al. 2023,
 * arXiv:2305.11860). As `betaDecision`, it errs more often than 1 − `confidence` when asked again and again.
 *
 * @throws {InvalidOptionError}
 */
export function dirichletDecision(options: DirichletDecisionOptions = {}): EarlyDecision {
  const { answers, confidence } = readOptions(dirichletDecisionEntries, options);
  return onCounts('dirichlet', ([leader, ...rivals]) => dirichletPosterior([leader, rivals[0] ?? 0, ...rivals.slice(1, answers - 1)]) >= confidence);
}

export const anytimeValidDecisionEntries = {
  /** Most probability of ever ending with a wrong leader. In (0, 1). @default 0.05 */
  alpha: v.optional(openShare, 0.05),
  /** How many wrong answers might come to lead; `alpha` is shared among them. Whole number ≥ 1. @default 1 */
  rivals: v.optional(wholeNumber(1), 1),
};

export interface AnytimeValidDecisionOptions extends OptionsOf<typeof anytimeValidDecisionEntries> {}

/**
 * The evidence for the leader over every other answer reaches `rivals / alpha`. Over independent votes, the chance that this
 * ever happens to one of `rivals` given answers while another is likelier is at most `alpha`, however often one looks
 * (Ville's inequality; see `mixtureEvidence`).
 *
 * @throws {InvalidOptionError}
 */
export function anytimeValidDecision(options: AnytimeValidDecisionOptions = {}): EarlyDecision {
  const { alpha, rivals } = readOptions(anytimeValidDecisionEntries, options);
  return onCounts('anytime-valid', ([leader, rival = 0]) => mixtureEvidence(leader, rival) >= rivals / alpha);
}

const RULES: Readonly<Record<EarlyDecisionName, () => EarlyDecision>> = {
  exact: exactDecision,
  none: noDecision,
  beta: betaDecision,
  dirichlet: dirichletDecision,
  'anytime-valid': anytimeValidDecision,
};

/** A rule by its name, or as it is. */
export const earlyDecisionSchema: v.GenericSchema<EarlyDecisionName | EarlyDecision, EarlyDecision> = /* @__PURE__ */ v.pipe(
  /* @__PURE__ */ oneOfOr(EARLY_DECISIONS, objectWith<EarlyDecision>('decide', 'a rule'), 'a rule such as betaDecision()'),
  /* @__PURE__ */ v.transform((decision) => (typeof decision === 'string' ? RULES[decision]() : decision)),
);

/** A rule over numbers of votes: the leader's, then its rivals' from the most. One whose leader has fewer votes than a rival waits. */
function onCounts(name: string, isSure: (counts: readonly [number, ...number[]]) => boolean): EarlyDecision {
  return {
    name,
    decide({ tallies }) {
      const [leader, ...rivals] = tallies.map(({ voters }) => voters.length);
      if (leader === undefined) return false;
      rivals.sort((left, right) => right - left);
      return leader > (rivals[0] ?? 0) && isSure([leader, ...rivals]);
    },
  };
}

/**
 * Plans without traces: closed forms over stated beliefs about a model.
 *
 * A branch's length is log-normal, and independent of whether it is right. Problems differ in how often a branch is right on
 * them: a Beta distribution. Of the branches that finish by the deadline a plurality decides; those that do not are asked for
 * their answer, which is right as often as `forcedAccuracy` says. Where traces can be had, they say all that better.
 *
 * @module
 */
import type { LatencyProfile } from '../../contracts/profile.ts';
import { expectedTokens } from '../../maths/draft-rounds.ts';
import { normalCdf, normalQuantile } from '../../maths/normal.ts';
import { binomial, pluralityAccuracy } from '../../maths/plurality.ts';
import { requireNumber, requireWholeNumber } from '../../options.ts';
import { branchesThatFit } from '../profile/branches-that-fit.ts';
import { roundMs } from '../profile/draft-choice.ts';
import { requestStartMs } from '../profile/request-start.ts';
import type { PlanKnowledge } from '../control/plan-knowledge.ts';
import { LATENCY_LEVELS, withVersion, type FittedCandidate, type FittedPlans, type FittedPoint } from './fitted-plans.ts';
import type { PlanSpec } from './plan-spec.ts';

/** What is believed of a model on the problems to come. */
export interface PlanPriors {
  /** Share of single finished branches that are right. In (0, 1). */
  readonly accuracy: number;
  /** How much problems differ: the sum of the Beta distribution's parameters; small where most are either easy or hopeless. @default 2 */
  readonly concentration?: number;
  /** Wrong answers of a problem, equally likely. Whole number ≥ 1. @default 4 */
  readonly wrongAnswers?: number;
  /** Mean and standard deviation of a branch's tokens. */
  readonly tokens: { readonly mean: number; readonly deviation: number };
  /** @default 200 */
  readonly promptTokens?: number;
  /** Acceptance rate of drafted tokens. @default 0.75 */
  readonly acceptance?: number;
  /** How often an answer that is asked for early is right, over `accuracy`. In [0, 1]. @default 0.1 */
  readonly forcedAccuracy?: number;
}

type Beliefs = Required<PlanPriors>;

const BRANCHES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const DRAFTS = [0, 2, 4, 8] as const;
const DEADLINES = 24;
/** Points at which the distribution of problems is summed. */
const EASES = 48;
const EDGE = 0.9999;

/** @throws {InvalidOptionError} */
export function fitPriors(profile: LatencyProfile, priors: PlanPriors): FittedPlans {
  const beliefs = resolveBeliefs(priors);
  const knowledge = knowledgeOf(profile, beliefs);
  const votes = new VoteTable(beliefs);
  const most = (withDraft: boolean): number =>
    branchesThatFit(profile, { promptTokens: beliefs.promptTokens, branchTokens: lengthAt(beliefs, 0.99), withDraft });
  const drafts = profile.parts.includes('draft') ? DRAFTS : [0];
  const specs = drafts.flatMap((draftLength) =>
    BRANCHES.filter((branches) => branches <= most(draftLength > 0)).map((branches): PlanSpec => ({ strategy: 'self-consistency', branches, draftLength })),
  );
  const single = timesOf(profile, beliefs, { strategy: 'self-consistency', branches: 1, draftLength: 0 });
  const branchMs = single.startMs + lengthAt(beliefs, 0.5) * single.msPerToken;
  const slowestMs = Math.max(
    ...specs.map((spec) => {
      const { startMs, msPerToken } = timesOf(profile, beliefs, spec);
      return startMs + lengthAt(beliefs, EDGE) * msPerToken;
    }),
  );
  const deadlines = [
    ...Array.from({ length: DEADLINES }, (_, index) => 0.2 * branchMs * (slowestMs / (0.2 * branchMs)) ** (index / (DEADLINES - 1))),
    Infinity,
  ];
  const candidates = specs.map((spec): FittedCandidate => {
    const times = timesOf(profile, beliefs, spec);
    return { spec, source: 'prior', points: deadlines.map((deadlineMs) => pointOf(spec, times, beliefs, votes, deadlineMs)) };
  });
  return withVersion({ label: profile.label, problems: 0, branchMs, knowledge, acceptance: [beliefs.acceptance], candidates });
}

function resolveBeliefs(priors: PlanPriors): Beliefs {
  const beliefs = { concentration: 2, wrongAnswers: 4, promptTokens: 200, acceptance: 0.75, forcedAccuracy: 0.1, ...priors };
  requireNumber('accuracy', beliefs.accuracy, 0.001, 0.999);
  requireNumber('concentration', beliefs.concentration, 0.1);
  requireWholeNumber('wrongAnswers', beliefs.wrongAnswers, 1);
  requireNumber('tokens.mean', beliefs.tokens.mean, 1);
  requireNumber('tokens.deviation', beliefs.tokens.deviation, Number.MIN_VALUE);
  requireWholeNumber('promptTokens', beliefs.promptTokens, 1);
  requireNumber('acceptance', beliefs.acceptance, 0, 1);
  requireNumber('forcedAccuracy', beliefs.forcedAccuracy, 0, 1);
  return beliefs;
}

interface Times {
  /** Before the first token. */
  readonly startMs: number;
  /** Of each branch, with all of them decoding. */
  readonly msPerToken: number;
}

function timesOf(profile: LatencyProfile, { promptTokens, tokens, acceptance }: Beliefs, { branches, draftLength }: PlanSpec): Times {
  const length = draftLength === 'adaptive' ? 0 : draftLength;
  const rates = new Array<number>(length).fill(acceptance);
  const contextTokens = promptTokens + tokens.mean / 2;
  return {
    startMs: requestStartMs(profile, { promptTokens, branches, isDrafting: length > 0 }),
    msPerToken: roundMs(profile, { branches, contextTokens, draftLength: length }) / expectedTokens(rates, length),
  };
}

function pointOf({ branches }: PlanSpec, { startMs, msPerToken }: Times, beliefs: Beliefs, votes: VoteTable, deadlineMs: number): FittedPoint {
  const share = shareBelow(beliefs, (deadlineMs - startMs) / msPerToken);
  let accuracy = 0;
  for (let finished = 0; finished <= branches; finished++) accuracy += binomial(branches, finished, share) * votes.accuracy(finished);
  const latencyMs = LATENCY_LEVELS.map((level) => Math.min(deadlineMs, startMs + lengthAt(beliefs, Math.min(level, EDGE) ** (1 / branches)) * msPerToken));
  const meanTokens = Math.min(beliefs.tokens.mean, Math.max(0, (deadlineMs - startMs) / msPerToken));
  return { deadlineMs: Number.isFinite(deadlineMs) ? deadlineMs : null, accuracy, accuracyError: 0, latencyMs, tokens: branches * meanTokens };
}

/** Accuracy of a vote of so many, over problems of all kinds. */
class VoteTable {
  readonly #beliefs: Beliefs;
  readonly #eases: readonly { readonly ease: number; readonly weight: number }[];
  readonly #known = new Map<number, number>();

  constructor(beliefs: Beliefs) {
    this.#beliefs = beliefs;
    const { accuracy, concentration } = beliefs;
    const [a, b] = [accuracy * concentration, (1 - accuracy) * concentration];
    // Evenly spaced angles t with p = sin²(t) take the poles of the density out of both ends.
    const eases = Array.from({ length: EASES }, (_, index) => Math.sin(((index + 0.5) / EASES) * (Math.PI / 2)) ** 2);
    const weights = eases.map((ease) => ease ** (a - 0.5) * (1 - ease) ** (b - 0.5));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    this.#eases = eases.map((ease, index) => ({ ease, weight: weights[index]! / sum }));
  }

  accuracy(voters: number): number {
    let accuracy = this.#known.get(voters);
    if (accuracy !== undefined) return accuracy;
    const { accuracy: single, forcedAccuracy, wrongAnswers } = this.#beliefs;
    accuracy = voters === 0 ? forcedAccuracy * single : 0;
    if (voters > 0) for (const { ease, weight } of this.#eases) accuracy += weight * pluralityAccuracy(voters, ease, wrongAnswers);
    this.#known.set(voters, accuracy);
    return accuracy;
  }
}

function logNormal({ tokens: { mean, deviation } }: Beliefs): { readonly mu: number; readonly sigma: number } {
  const variance = Math.log1p((deviation / mean) ** 2);
  return { mu: Math.log(mean) - variance / 2, sigma: Math.sqrt(variance) };
}

/** Share of branches of at most so many tokens. */
function shareBelow(beliefs: Beliefs, tokens: number): number {
  const { mu, sigma } = logNormal(beliefs);
  return tokens <= 0 ? 0 : normalCdf((Math.log(tokens) - mu) / sigma);
}

/** Tokens that a share of the branches stays below. */
function lengthAt(beliefs: Beliefs, share: number): number {
  const { mu, sigma } = logNormal(beliefs);
  return Math.exp(mu + sigma * normalQuantile(Math.min(share, EDGE)));
}

function knowledgeOf(profile: LatencyProfile, beliefs: Beliefs): PlanKnowledge {
  const contextTokens = beliefs.promptTokens + beliefs.tokens.mean / 2;
  const stepMs = BRANCHES.map((branches) => ({ branches, milliseconds: profile.passMs('target', { rows: branches, newTokens: 1, contextTokens }) }));
  const lengths = Array.from({ length: 11 }, (_, index) => lengthAt(beliefs, Math.max(0.001, index / 10)));
  return { lengths, stepMs, mostBranches: BRANCHES.at(-1)! };
}

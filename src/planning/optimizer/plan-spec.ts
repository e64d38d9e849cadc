import * as v from 'valibot';
import type { AnswerEquivalence, AnswerExtractor } from '../../contracts/answer.ts';
import type { SamplingOptions } from '../../contracts/engine.ts';
import type { OutcomeScorer, StepScorer } from '../../contracts/scorer.ts';
import type { Strategy } from '../../contracts/strategy.ts';
import type { EarlyDecision, LaunchSchedule } from '../../contracts/vote.ts';
import { InvalidOptionError } from '../../errors.ts';
import { EARLY_DECISIONS } from '../../maths/early-decision.ts';
import { samplingSchema } from '../../maths/sampling.ts';
import { number, oneOf, optionsSchema, wholeNumber, type OptionsOf } from '../../option-schemas.ts';
import { BeamSearch } from '../../strategies/beam-search.ts';
import { bestOfNEntries, BestOfN } from '../../strategies/best-of-n.ts';
import { FirstFinish } from '../../strategies/first-finish.ts';
import { SelfConsistency } from '../../strategies/self-consistency.ts';
import type { StepAggregation } from '../../maths/aggregate-steps.ts';
import { solutionEntries } from '../../strategies/solution-policy.ts';
import { rewardWeights } from '../../strategies/vote-weights.ts';

/** Strategies that plans choose among by themselves. */
export type PlannedStrategy = 'self-consistency' | 'weighted-vote' | 'best-of-n' | 'first-finish' | 'beam-search';

/** What a plan does, as plain data. */
export const planSpecEntries = {
  /** `weighted-vote` is self-consistency with votes weighed by reward. `beam-search` cannot be replayed: see `measureCandidate`. */
  strategy: oneOf(['self-consistency', 'weighted-vote', 'best-of-n', 'first-finish', 'beam-search']),
  /** Branch-wise parallelism. */
  branches: wholeNumber(1),
  /** Sequence-wise parallelism: tokens drafted a round. */
  draftLength: v.union([v.literal('adaptive'), wholeNumber()], "'adaptive' or a whole number of at least 0"),
  /** Weight format of the sessions, where the profiles were of several. */
  format: v.optional(v.string()),
  /** How branches choose their tokens: as the traces it was planned with. The caller's, then the engine's, where it is left out. */
  sampling: v.optional(samplingSchema),
  /** Most tokens of a branch before it is asked for its answer. */
  maxTokens: solutionEntries.maxTokens,
  /** Of votes. */
  earlyDecision: v.optional(oneOf(EARLY_DECISIONS)),
  /**
   * Most tokens of the answer an unfinished branch is asked for; as many steps are kept free for it before the deadline. 0 asks
   * none and lets branches decode to the last moment. 8 where it is left out.
   */
  answerTokens: v.optional(wholeNumber()),
  /** Of `first-finish`. */
  finishers: v.optional(wholeNumber(1)),
  /** Of `best-of-n`: a score that ends it. */
  acceptAt: v.optional(number()),
  /** Of `best-of-n` with `acceptAt`: branches that begin; the others follow when none of these is accepted. */
  firstWave: bestOfNEntries.firstWave,
  /** Of `best-of-n` with `firstWave`: how the branches that begin choose their tokens. */
  firstSampling: bestOfNEntries.firstSampling,
};

export interface PlanSpec extends OptionsOf<typeof planSpecEntries> {}

export const planSpec: v.GenericSchema<PlanSpec> = optionsSchema(planSpecEntries);

/** What plans need beside their own data. */
export interface PlanParts {
  /** Needed by strategies that go by scores. */
  readonly scorer?: StepScorer | OutcomeScorer;
  /** How the scores of steps become one. @default 'last' */
  readonly aggregation?: StepAggregation;
  /** Where the plan says nothing of it. @default the engine's */
  readonly sampling?: SamplingOptions;
  readonly extract?: AnswerExtractor;
  /** Whether two answers count as one vote. @default by meaning, as `equivalent` says */
  readonly isSame?: AnswerEquivalence;
}

/** How a controller ends and grows a vote. */
export interface VoteControl {
  readonly decision: EarlyDecision;
  readonly schedule: LaunchSchedule;
}

/** The strategy of a spec. @throws {InvalidOptionError} for one that goes by scores, without a scorer. */
export function strategyOf(spec: PlanSpec, parts: PlanParts, control?: VoteControl): Strategy {
  const { strategy, branches, maxTokens, earlyDecision = 'exact', finishers = Math.ceil(branches / 2), answerTokens, acceptAt, firstWave } = spec;
  const { firstSampling } = spec;
  const { extract, isSame } = parts;
  const sampling = parts.sampling || spec.sampling ? { ...parts.sampling, ...spec.sampling } : undefined;
  const solution = {
    branches,
    ...(answerTokens !== undefined && { forcedAnswer: answerTokens === 0 ? (false as const) : { maxTokens: answerTokens } }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(sampling && { sampling }),
    ...(extract && { extract }),
  };
  const voting = { ...solution, ...(isSame && { isSame }), earlyDecision: control?.decision ?? earlyDecision, ...(control && { launch: control.schedule }) };
  switch (strategy) {
    case 'self-consistency':
      return new SelfConsistency(voting);
    case 'weighted-vote':
      return new SelfConsistency({ ...voting, weights: rewardWeights(scoringOf(spec, parts)) });
    case 'best-of-n':
      return new BestOfN({
        ...solution,
        ...scoringOf(spec, parts),
        ...(acceptAt !== undefined && { acceptAt }),
        ...(firstWave !== undefined && { firstWave }),
        ...(firstSampling && { firstSampling }),
      });
    case 'beam-search':
      return new BeamSearch({ beams: branches, ...(sampling && { sampling }), ...beamScoring(scoringOf(spec, parts)) });
    case 'first-finish':
      return new FirstFinish({ ...solution, finishers: Math.min(finishers, branches) });
  }
}

function scoringOf({ strategy }: PlanSpec, { scorer, aggregation }: PlanParts): { scorer: StepScorer | OutcomeScorer; aggregation?: StepAggregation } {
  if (!scorer) throw new InvalidOptionError('scorer', `the reward model that ${strategy} goes by`, scorer, 'Pass the one that scored the traces.');
  return { scorer, ...(aggregation && { aggregation }) };
}

/** A spec in a few words. */
export function describeSpec(spec: PlanSpec): string {
  const { strategy, branches, draftLength, maxTokens, earlyDecision, finishers, answerTokens, acceptAt, firstWave, sampling, firstSampling, format } = spec;
  const words = [`${strategy} of ${branches}`];
  if (format !== undefined) words.push(`in ${format}`);
  if (finishers !== undefined) words.push(`first ${finishers}`);
  if (acceptAt !== undefined) words.push(`accepting ${acceptAt}`);
  if (sampling) words.push(describeSampling(sampling));
  if (firstWave !== undefined) words.push(firstSampling ? `${firstWave} first ${describeSampling(firstSampling)}` : `${firstWave} first`);
  if (draftLength === 'adaptive') words.push('adaptive drafts');
  else if (draftLength > 0) words.push(`drafts of ${draftLength}`);
  if (maxTokens !== undefined) words.push(`at most ${maxTokens} tokens`);
  if (earlyDecision !== undefined && earlyDecision !== 'exact') words.push(`${earlyDecision} decision`);
  if (answerTokens !== undefined) words.push(answerTokens === 0 ? 'no forced answers' : `${answerTokens} tokens for forced answers`);
  return words.join(', ');
}

/** @throws {InvalidOptionError} for a scorer that judges whole texts only. */
function beamScoring({ scorer, aggregation }: ReturnType<typeof scoringOf>): { scorer: StepScorer; aggregation?: StepAggregation } {
  if (scorer.kind !== 'step') throw new InvalidOptionError('scorer', 'a process reward model', scorer.kind, 'Beam search judges step by step.');
  return { scorer, ...(aggregation && { aggregation }) };
}

function describeSampling({ temperature, topK, topP, minP, repetitionPenalty }: SamplingOptions): string {
  const words: string[] = [];
  if (temperature !== undefined) words.push(temperature === 0 ? 'greedy' : `temperature ${temperature}`);
  if (topK !== undefined) words.push(`top-k ${topK}`);
  if (topP !== undefined) words.push(`top-p ${topP}`);
  if (minP !== undefined) words.push(`min-p ${minP}`);
  if (repetitionPenalty !== undefined) words.push(`repetition penalty ${repetitionPenalty}`);
  return words.join(' ');
}

/**
 * Speculation by steps: a small model writes the next step of a solution, a reward model or judge scores it, and only a step
 * that is not good enough is written by the large model instead.
 *
 * **Not lossless.** Unlike speculative decoding, which keeps the large model's distribution token by token, this accepts what
 * the large model would not have written: the result is as good as the scorer is right.
 *
 * With one candidate a step it is SpecReason (Pan et al. 2025, arXiv:2504.07891). With several, one is drawn with probability
 * proportional to exp(tilt · score) and accepted by the same threshold: reward-guided speculative decoding (Liao et al. 2025,
 * arXiv:2501.19324). Guided speculative inference (Geuter et al. 2025, arXiv:2506.04118) tilts the large model's distribution
 * rather than the small one's: to the score of each candidate it adds the log-ratio of both models' probabilities of it.
 *
 * @module
 */
import * as v from 'valibot';
import { tallyVotes, type AnswerVotes } from '../answers/vote.ts';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { Engine, EngineUsage, Session } from '../contracts/engine.ts';
import type { StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { aggregateSteps } from '../maths/aggregate-steps.ts';
import { flag, number, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import type { RunScope } from '../runtime/run-scope.ts';
import { ScoreQueue } from '../runtime/score-queue.ts';
import { withinDeadline } from '../runtime/within-deadline.ts';
import { scoringEntries, type ScoringPolicy } from './branch-scores.ts';
import { sameAnswerEntries, solutionEntries, stepEntries, withSolutionPolicy } from './solution-policy.ts';
import { engineSchema } from './nested-runs.ts';
import { SpeculatedLine, type SpeculatedStep, type SpeculationContext, type StepSpeculationPolicy } from './speculated-line.ts';
import { longestReport, StrategyRun } from './strategy-run.ts';

export const stepSpeculationEntries = {
  ...solutionEntries,
  ...scoringEntries,
  /** Writes drafts of steps: a smaller model than the request's, which writes where a draft is not accepted. */
  draft: engineSchema,
  /** Solutions written at once, which vote. Whole number ≥ 1. @default 1 */
  branches: v.optional(wholeNumber(1), 1),
  /** Drafts of every step, of which one is drawn by its score. Whole number ≥ 1. @default 1 */
  candidates: v.optional(wholeNumber(1), 1),
  /** Least score of a step that is accepted, on the scorer's scale. @default 0.7 */
  threshold: v.optional(number(), 0.7),
  /** Several candidates are drawn with probability proportional to exp(tilt · score). At least 0. @default 20 */
  tilt: v.optional(number(0), 20),
  /**
   * Whether (log π_B − log π_S) / tilt of a candidate is added to its score, with π_B the large model's probability of it and π_S
   * the small one's, both before temperature and truncation: guided speculative inference. Takes a tilt above 0, and an engine
   * that can tell the log-probabilities of a text. @default false
   */
  logRatio: v.optional(flag, false),
  ...stepEntries,
  ...sameAnswerEntries,
};

export interface StepSpeculationOptions extends OptionsOf<typeof stepSpeculationEntries> {}

/** `usage` and `branches` are those of the large model: in them steps that were accepted are forced text. */
export interface StepSpeculationResult extends StrategyResult {
  /** Votes of the solutions, most first. `confidence` is the winner's share of them. */
  readonly votes: readonly AnswerVotes[];
  /** Who wrote what, by branch. */
  readonly steps: readonly (readonly SpeculatedStep[])[];
  /** What the drafts have cost; `undefined` where the drafting engine could not be opened. */
  readonly draftUsage: EngineUsage | undefined;
  /** What drafting and scoring failed with. */
  readonly speculationErrors: readonly unknown[];
}

export class StepSpeculation implements Strategy<StepSpeculationResult> {
  readonly name = 'step-speculation';
  readonly #draft: Engine;
  readonly #branches: number;
  readonly #scoring: ScoringPolicy;
  readonly #policy: StepSpeculationPolicy;
  readonly #isSame: AnswerEquivalence;

  /** @throws {InvalidOptionError} */
  constructor(options: StepSpeculationOptions) {
    const { draft, branches, scorer, aggregation, isSame, ...settings } = readOptions(stepSpeculationEntries, options);
    if (settings.logRatio && settings.tilt === 0) throw new InvalidOptionError('tilt', 'above 0 together with `logRatio`', settings.tilt);
    this.#draft = draft;
    this.#branches = branches;
    this.#scoring = { scorer, aggregation };
    this.#policy = withSolutionPolicy(settings);
    this.#isSame = isSame;
  }

  run(request: StrategyRequest): Promise<StepSpeculationResult> {
    return StrategyRun.conduct(this.name, request, { sampling: this.#policy.solution.sampling }, async (run) => {
      const errors: unknown[] = [];
      const session = await this.#openDraft(run.scope, request, errors);
      const queue = new ScoreQueue<number | readonly number[]>(run.scope, request.prompt, this.#scoring.scorer);
      try {
        const context = this.#context(run, queue, errors);
        const drafts = session?.branch(this.#branches) ?? [];
        const targets = run.branch(this.#branches);
        if (this.#policy.logRatio && !targets[0]!.branch.logprobsOf) {
          throw new InvalidOptionError('logRatio', 'false with an engine that cannot tell log-probabilities of texts', true, `${request.engine.name} cannot.`);
        }
        const lines = targets.map((target, index) => new SpeculatedLine(context, target, drafts[index]));
        await Promise.all(lines.map((line) => line.solve()));
        const speculationErrors = [...errors, ...queue.errors];
        return { ...this.#conclude(run, lines, speculationErrors), draftUsage: session?.usage(), speculationErrors };
      } finally {
        queue.close();
        await session?.dispose();
      }
    });
  }

  /** The prompt on the drafting engine. Without it the large model writes alone. */
  async #openDraft(scope: RunScope, { prompt }: StrategyRequest, errors: unknown[]): Promise<Session | undefined> {
    const { clock, deadlineAt, seed, signal } = scope;
    try {
      const options = { sampling: this.#policy.solution.sampling, seed, clock, deadlineAt, ...(signal && { signal }) };
      return await this.#draft.open(prompt, options);
    } catch (error) {
      signal?.throwIfAborted();
      errors.push(error);
      return undefined;
    }
  }

  #context(run: StrategyRun, queue: ScoreQueue<number | readonly number[]>, errors: unknown[]): SpeculationContext {
    const { aggregation } = this.#scoring;
    return {
      run,
      policy: this.#policy,
      async score(text, deadlineAt) {
        const score = await withinDeadline(run.scope, queue.add(text), deadlineAt);
        const single = typeof score === 'object' ? aggregateSteps(score, aggregation) : score;
        return single !== undefined && Number.isFinite(single) ? single : undefined;
      },
      onDraftError: (error) => void errors.push(error),
    };
  }

  #conclude(run: StrategyRun, lines: readonly SpeculatedLine[], errors: readonly unknown[]): Omit<StepSpeculationResult, 'draftUsage' | 'speculationErrors'> {
    const reports = run.reports();
    const votes = tallyVotes(new Map(reports.map(({ branch, answer }) => [branch, answer])), this.#isSame);
    const [winner] = votes;
    const isScored = lines.some(({ steps }) => steps.some(({ score }) => score !== undefined));
    const result = run.conclude({
      ...(errors.length > 0 && {
        scoring: { coverage: isScored ? ('complete' as const) : ('none' as const), errors, otherwise: 'what the large model wrote' },
      }),
      chosen: winner ? reports.find(({ branch }) => branch === winner.voters[0]) : longestReport(reports.filter(({ finish }) => finish !== 'failed')),
      answer: winner?.answer,
      confidence: winner ? winner.votes / votes.reduce((sum, group) => sum + group.votes, 0) : 0,
      stopReason: run.stopReason(),
    });
    return { ...result, votes, steps: lines.map(({ steps }) => steps) };
  }
}

import { equivalent } from '../../answers/equivalent.ts';
import type { AnswerEquivalence } from '../../contracts/answer.ts';
import type { LatencyProfile } from '../../contracts/profile.ts';
import type { ProblemTrace } from '../../contracts/trace.ts';
import type { DraftOutcomes } from '../../engines/replay/draft-outcomes.ts';
import { ReplayBank } from '../../engines/replay/replay-bank.ts';
import { ReplayEngine } from '../../engines/replay/replay-engine.ts';
import { ReplayScorer } from '../../engines/replay/replay-scorer.ts';
import { seedFor } from '../../maths/seed-for.ts';
import { NoCandidateError } from '../../errors.ts';
import { SimulatedClock } from '../../runtime/simulated-clock.ts';
import type { PlanKnowledge } from '../control/plan-knowledge.ts';
import { runSpec } from '../control/run-spec.ts';
import type { PlanParts, PlanSpec } from './plan-spec.ts';

/** What one run of a plan came to. */
export interface RunOutcome {
  readonly isRight: boolean;
  readonly latencyMs: number;
  /** Sampled by all branches. */
  readonly tokens: number;
  /** Whether the deadline changed anything: with more time an uncut run goes just the same. */
  readonly isCut: boolean;
}

export interface ReplayBenchOptions {
  readonly traces: readonly ProblemTrace[];
  /** Of the engine in a weight format. */
  readonly profileOf: (format: string | undefined) => LatencyProfile;
  /** What becomes of drafts: recorded outcomes, or acceptance rates by position. */
  readonly acceptance: readonly number[] | DraftOutcomes;
  readonly parts: Omit<PlanParts, 'scorer'>;
  /** What plans are controlled by; `undefined` runs them as they stand. */
  readonly knowledge: PlanKnowledge | undefined;
  /** Whether an answer is the reference. */
  readonly isRight?: AnswerEquivalence;
}

/** Runs plans on recorded problems. */
export class ReplayBench {
  readonly #options: ReplayBenchOptions;
  readonly #bank: ReplayBank;
  /** Answers are few and are judged over and over. */
  readonly #judged = new Map<string, boolean>();

  constructor(options: ReplayBenchOptions) {
    this.#options = options;
    this.#bank = new ReplayBank(options.traces);
  }

  /**
   * One run. The same `replica` draws the same branches and the same variation of passes for every spec: common random
   * numbers, so that specs are compared by what they do and not by luck.
   */
  async run(spec: PlanSpec, problem: ProblemTrace, deadlineMs: number, replica: number): Promise<RunOutcome> {
    const { profileOf, acceptance, parts, knowledge } = this.#options;
    const profile = profileOf(spec.format);
    const clock = new SimulatedClock();
    const { draftLength } = spec;
    const seed = seedFor(replica, problem.id);
    const engine = new ReplayEngine({ bank: this.#bank, profile, clock, draftLength, acceptance, jitterSeed: seed });
    const scorer = new ReplayScorer(this.#bank, profile, clock);
    try {
      const run = await runSpec({ spec, parts: { ...parts, scorer }, knowledge }, { engine, prompt: problem.prompt, clock, deadlineMs, seed });
      const { answer, usage, stopReason, branches } = run.result;
      const isCut = run.changes.length > 0 || stopReason === 'deadline' || branches.some(({ finish, isForced }) => isForced || finish === 'deadline');
      return { isRight: this.#isRight(answer, problem), latencyMs: clock.now(), tokens: usage.completionTokens, isCut };
    } catch (error) {
      if (!(error instanceof NoCandidateError)) throw error;
      return { isRight: false, latencyMs: clock.now(), tokens: 0, isCut: true };
    }
  }

  #isRight(answer: string | undefined, { id, reference }: ProblemTrace): boolean {
    if (answer === undefined || reference === undefined) return false;
    const key = `${id}\n${answer}`;
    let isRight = this.#judged.get(key);
    if (isRight === undefined) this.#judged.set(key, (isRight = (this.#options.isRight ?? equivalent)(answer, reference)));
    return isRight;
  }
}

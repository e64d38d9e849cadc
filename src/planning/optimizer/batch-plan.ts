import type { Prompt } from '../../contracts/prompt.ts';
import type { Clock } from '../../contracts/clock.ts';
import { InfeasiblePlanError, InvalidOptionError } from '../../errors.ts';
import { requireWholeNumber } from '../../options.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { Plan, PlanResult, PlanRunRequest } from './plan.ts';
import type { SolveRequest } from './solve-plan.ts';

export interface BatchRequest extends Omit<SolveRequest, 'deadlineMs' | 'minAccuracy' | 'fastestBy'> {
  /** Milliseconds for all problems together. */
  readonly deadlineMs: number;
  /** How many problems there are. Whole number ≥ 1. */
  readonly problems: number;
}

export interface BatchRunRequest extends Omit<PlanRunRequest, 'prompt'> {
  readonly prompts: readonly Prompt[];
  /** Told of each answer as it comes, and again where a second look has changed it. */
  readonly onResult?: (index: number, result: PlanResult) => void;
}

/** What became of one problem of a batch. */
export interface BatchOutcome {
  /** `undefined` where there was no time for it, or it failed. */
  readonly result: PlanResult | undefined;
  readonly error?: unknown;
  /** How often it was looked at. */
  readonly attempts: number;
}

/** Share of the time for first answers; the rest goes to the least sure ones, and to whatever first answers leave over. */
const FIRST_SHARE = 0.65;
/** Answers this sure need no second look. */
const SURE = 0.9;

/**
 * One deadline for a queue of problems. Each gets its share of the time for a first answer; what easy ones leave over goes to
 * those after them, and at last to second looks at the least sure answers, with more time than the first.
 */
export class BatchPlan {
  readonly #solve: (request: SolveRequest) => Plan;
  readonly #request: BatchRequest;
  /** The plan of the first problem. */
  readonly first: Plan;

  /** @internal Made by `LatencyOptimizer.solveBatch`. @throws {InvalidOptionError | InfeasiblePlanError} */
  constructor(solve: (request: SolveRequest) => Plan, request: BatchRequest) {
    const { deadlineMs, problems } = request;
    requireWholeNumber('problems', problems, 1);
    this.#solve = solve;
    this.#request = request;
    this.first = this.#planFor((problems === 1 ? 1 : FIRST_SHARE) * (deadlineMs / problems), deadlineMs / problems);
  }

  /** Predicted share of right answers after first answers alone. */
  get predictedAccuracy(): number {
    return this.first.predicted.accuracy;
  }

  /**
   * Answers every prompt it has time for. A problem that fails leaves the others as they are.
   *
   * @returns one outcome a prompt, in order.
   * @throws the signal's reason when it is aborted.
   */
  async run({ prompts, onResult, ...request }: BatchRunRequest): Promise<BatchOutcome[]> {
    const { clock = systemClock, signal, seed = 0 } = request;
    if (prompts.length !== this.#request.problems) throw new InvalidOptionError('prompts', `${this.#request.problems} prompts, as planned`, prompts.length);
    const deadlineAt = clock.now() + this.#request.deadlineMs;
    const outcomes: BatchOutcome[] = prompts.map(() => ({ result: undefined, attempts: 0 }));
    const attempt = async (index: number, shareMs: number): Promise<boolean> => {
      const before = outcomes[index]!;
      const leftMs = deadlineAt - clock.now();
      const plan = this.#tryPlan(Math.min(shareMs, leftMs), leftMs);
      if (!plan) return false;
      const outcome = await attemptOne(plan, { ...request, prompt: prompts[index]!, seed: seed + index + before.attempts * prompts.length });
      signal?.throwIfAborted();
      outcomes[index] = merged(before, outcome);
      if (outcomes[index].result && outcomes[index].result !== before.result) onResult?.(index, outcomes[index].result);
      return true;
    };
    await this.#firstAnswers(prompts.length, clock, deadlineAt, attempt);
    await this.#secondLooks(outcomes, clock, deadlineAt, attempt);
    return outcomes;
  }

  async #firstAnswers(count: number, clock: Clock, deadlineAt: number, attempt: (index: number, shareMs: number) => Promise<boolean>): Promise<void> {
    const reservedMs = count === 1 ? 0 : (1 - FIRST_SHARE) * this.#request.deadlineMs;
    for (let index = 0; index < count; index++) await attempt(index, Math.max(0, deadlineAt - clock.now() - reservedMs) / (count - index));
  }

  /** The least sure first, each with the time that is left for as many as are unsure. */
  async #secondLooks(
    outcomes: readonly BatchOutcome[],
    clock: Clock,
    deadlineAt: number,
    attempt: (index: number, shareMs: number) => Promise<boolean>,
  ): Promise<void> {
    const confidence = (index: number): number => outcomes[index]!.result?.confidence ?? 0;
    const unsure = outcomes.map((_, index) => index).filter((index) => confidence(index) < SURE);
    unsure.sort((left, right) => confidence(left) - confidence(right));
    for (const [place, index] of unsure.entries()) {
      if (!(await attempt(index, (deadlineAt - clock.now()) / (unsure.length - place)))) return;
    }
  }

  /** A plan for a share of the time; where that is too short for any, for all that is left. @throws {InfeasiblePlanError} */
  #planFor(shareMs: number, leftMs: number): Plan {
    try {
      return this.#solve({ ...this.#request, deadlineMs: shareMs });
    } catch (error) {
      if (!(error instanceof InfeasiblePlanError) || leftMs <= shareMs) throw error;
      return this.#solve({ ...this.#request, deadlineMs: leftMs });
    }
  }

  #tryPlan(shareMs: number, leftMs: number): Plan | undefined {
    if (shareMs <= 0) return undefined;
    try {
      return this.#planFor(shareMs, leftMs);
    } catch (error) {
      if (error instanceof InfeasiblePlanError) return undefined;
      throw error;
    }
  }
}

async function attemptOne(plan: Plan, request: PlanRunRequest): Promise<Omit<BatchOutcome, 'attempts'>> {
  try {
    return { result: await plan.run(request) };
  } catch (error) {
    return { result: undefined, error };
  }
}

/** The surer of two answers; one that both looks agree on stays. */
function merged(before: BatchOutcome, now: Omit<BatchOutcome, 'attempts'>): BatchOutcome {
  const attempts = before.attempts + 1;
  if (!now.result) return { ...before, ...(before.result ? {} : now), attempts };
  const isSurer = !before.result || now.result.confidence > before.result.confidence;
  return { result: isSurer ? now.result : before.result, attempts };
}

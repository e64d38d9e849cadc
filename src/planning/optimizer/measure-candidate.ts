import * as v from 'valibot';
import { equivalent } from '../../answers/equivalent.ts';
import type { AnswerEquivalence } from '../../contracts/answer.ts';
import type { Clock } from '../../contracts/clock.ts';
import type { Engine } from '../../contracts/engine.ts';
import type { TraceProblem } from '../../contracts/trace.ts';
import { NoCandidateError } from '../../errors.ts';
import { func, listOf, number, objectWith, plainObject, readOptions, value, wholeNumber, type EntriesFor } from '../../option-schemas.ts';
import { callEntries } from '../../runtime/call-options.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { runSpec } from '../control/run-spec.ts';
import type { RunOutcome } from './evaluate-spec.ts';
import { monotone, summarise, type FittedCandidate } from './fitted-plans.ts';
import type { PlanParts, PlanSpec } from './plan-spec.ts';

export interface MeasureCandidateOptions {
  readonly engine: Engine;
  /** With references. */
  readonly problems: readonly TraceProblem[];
  /** Milliseconds, ascending; a run without a deadline is added. At least one. */
  readonly deadlines: readonly number[];
  readonly parts?: PlanParts;
  /** Whether an answer is the reference. @default `equivalent` */
  readonly isRight?: AnswerEquivalence;
  /** @default 0 */
  readonly seed?: number;
  /** @default the system clock */
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

const problemsSchema = value<readonly TraceProblem[]>(
  'a list of problems with references',
  (given) => Array.isArray(given) && given.length > 0 && given.every((problem: TraceProblem | null | undefined) => problem?.reference !== undefined),
);

export const measureCandidateEntries = {
  engine: objectWith<Engine>('open', 'an engine'),
  problems: problemsSchema,
  deadlines: listOf(number(Number.MIN_VALUE), 'number of milliseconds'),
  parts: v.optional(plainObject<PlanParts>()),
  isRight: v.optional(func<AnswerEquivalence>()),
  seed: v.optional(wholeNumber()),
  onProgress: v.optional(func<NonNullable<MeasureCandidateOptions['onProgress']>>()),
  ...callEntries,
} satisfies EntriesFor<MeasureCandidateOptions>;

/**
 * Runs a plan at every deadline on every problem, for `FitOptions.measured`: how searches by steps, which ask for
 * continuations that no trace holds, come among the candidates. Nothing else should run meanwhile.
 *
 * @throws {InvalidOptionError} before any work starts.
 * @throws the signal's reason when it is aborted.
 */
export async function measureCandidate(spec: PlanSpec, options: MeasureCandidateOptions): Promise<FittedCandidate> {
  readOptions(measureCandidateEntries, options);
  const { problems, deadlines, parts = {}, seed = 0, clock = systemClock, isRight = equivalent, engine, signal, onProgress } = options;
  const tried = [...deadlines, Infinity];
  const outcomes = tried.map((): RunOutcome[][] => problems.map(() => []));
  for (const [index, { prompt, reference }] of problems.entries()) {
    onProgress?.({ done: index, total: problems.length });
    for (const [at, deadlineMs] of tried.entries()) {
      const startedAt = clock.now();
      const request = { engine, prompt, deadlineMs, seed: seed + index, clock, ...(signal && { signal }) };
      const outcome = await runSpec({ spec, parts, knowledge: undefined }, request).catch((error: unknown) => {
        if (error instanceof NoCandidateError) return undefined;
        throw error;
      });
      const answer = outcome?.result.answer;
      outcomes[at]![index]!.push({
        isRight: answer !== undefined && isRight(answer, reference!),
        latencyMs: clock.now() - startedAt,
        tokens: outcome?.result.usage.completionTokens ?? 0,
        isCut: outcome?.result.stopReason === 'deadline',
      });
    }
  }
  onProgress?.({ done: problems.length, total: problems.length });
  return { spec, source: 'measured', points: monotone(tried.map((deadlineMs, at) => summarise(deadlineMs, outcomes[at]!))) };
}

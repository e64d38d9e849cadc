import { NoCandidateError, type Clock, type Engine, type Strategy } from 'latency-tts';
import type { Problem } from 'latency-tts/problems';
import type { StrategyRunRecord } from '../strategy-report.ts';

/** Deadlines in median times of one branch; `undefined` is none. */
export const FACTORS = [0.25, 0.5, 1, 2, 4, undefined] as const;

export type RunOutcome = Pick<StrategyRunRecord, 'answer' | 'isRight' | 'milliseconds' | 'overshootMs' | 'tokens'>;

/** One strategy on one problem; too short a deadline for anything is an unanswered problem. */
export async function runStrategy(
  strategy: Strategy,
  on: { readonly engine: Engine; readonly clock: Clock },
  problem: Problem,
  { seed, deadlineMs }: { readonly seed: number; readonly deadlineMs: number },
): Promise<RunOutcome> {
  const startedAt = on.clock.now();
  const result = await strategy.run({ ...on, prompt: problem.question, seed, deadlineMs }).catch((error: unknown) => {
    if (error instanceof NoCandidateError) return undefined;
    throw error;
  });
  const milliseconds = on.clock.now() - startedAt;
  return {
    answer: result?.answer,
    isRight: result?.answer === problem.answer,
    milliseconds,
    overshootMs: Math.max(0, milliseconds - deadlineMs),
    tokens: result?.usage.completionTokens ?? 0,
  };
}

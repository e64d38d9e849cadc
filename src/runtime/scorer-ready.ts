import type { OutcomeScorer, StepScorer } from '../contracts/scorer.ts';
import type { RunScope } from './run-scope.ts';
import { withinDeadline } from './within-deadline.ts';

/** What decides whether time for scoring can be kept free, and what can be done ahead of it. */
export type TimedScorer = Pick<OutcomeScorer | StepScorer, 'ready' | 'estimateMs' | 'readAhead'>;

/** Most of a run's time that is given to a scorer that does not know yet what it costs. */
const LONGEST_SHARE = 0.5;

/**
 * Has a scorer that cannot tell yet how long it takes load and measure itself, so that the first run under a deadline keeps
 * time free as later ones do. Without a deadline nothing depends on it. What fails here is left to the call to tell.
 *
 * @throws the run's abort reason.
 */
export async function scorerReady(scope: RunScope, scorer: TimedScorer | undefined): Promise<void> {
  const { clock, deadlineAt, deadlineMs, startedAt, signal } = scope;
  if (deadlineAt === Infinity || !scorer?.ready || scorer.estimateMs?.(1) !== undefined) return;
  const ready = scorer.ready({ clock, ...(signal && { signal }) }).catch(() => undefined);
  await withinDeadline(scope, ready, startedAt + LONGEST_SHARE * deadlineMs);
}

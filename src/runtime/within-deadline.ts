import type { RunScope } from './run-scope.ts';

/**
 * Waits for work until the run's deadline. The work itself goes on; whoever started it ends it.
 *
 * @returns what the work resolves to; `undefined` when the deadline came first.
 * @throws what the work rejects with; the run's abort reason when it comes first.
 */
export async function withinDeadline<Result>(scope: RunScope, work: Promise<Result>): Promise<Result | undefined> {
  const { signal } = scope;
  signal?.throwIfAborted();
  const settled = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { signal: settled.signal });
  });
  try {
    return await Promise.race([work, aborted, deadlineOf(scope, settled.signal)]);
  } finally {
    settled.abort();
  }
}

/** Resolves at the deadline, or once nobody waits for it any more; never without a deadline or a clock that can wait. */
async function deadlineOf(scope: RunScope, signal: AbortSignal): Promise<undefined> {
  const { clock, deadlineAt } = scope;
  if (deadlineAt === Infinity || !clock.wait) return new Promise(() => undefined);
  while (!scope.isPastDeadline() && !signal.aborted) await clock.wait(deadlineAt - clock.now(), signal);
  return undefined;
}

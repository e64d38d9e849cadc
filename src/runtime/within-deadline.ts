import type { RunScope } from './run-scope.ts';
import { AbortScope } from './abort-scope.ts';
import { onAbort } from './on-abort.ts';

/**
 * Waits for work until the run's deadline. The work itself goes on; whoever started it ends it.
 *
 * @param deadlineAt - Time on the run's clock, where the work is needed before the run's deadline.
 * @returns what the work resolves to; `undefined` when the deadline came first.
 * @throws what the work rejects with; the run's abort reason when it comes first.
 */
export async function withinDeadline<Result>(scope: RunScope, work: Promise<Result>, deadlineAt: number = scope.deadlineAt): Promise<Result | undefined> {
  const { signal } = scope;
  signal?.throwIfAborted();
  const waiting = new AbortScope();
  let forget: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    forget = signal && onAbort(signal, () => reject(signal.reason));
  });
  try {
    return await Promise.race([work, aborted, deadlineOf(scope, deadlineAt, waiting.signal)]);
  } finally {
    forget?.();
    waiting.end();
  }
}

/** Resolves at the deadline, or once nobody waits for it any more; never without a deadline or a clock that can wait. */
async function deadlineOf({ clock }: RunScope, deadlineAt: number, signal: AbortSignal): Promise<undefined> {
  if (deadlineAt === Infinity || !clock.wait) return new Promise(() => undefined);
  while (clock.now() < deadlineAt && !signal.aborted) await clock.wait(deadlineAt - clock.now(), signal);
  return undefined;
}

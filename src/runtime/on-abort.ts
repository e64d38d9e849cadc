/** What to call when a signal is aborted. One native listener per signal, since Node warns of an eleventh and runs have many branches. */
const registrations = new WeakMap<AbortSignal, Registration>();

interface Registration {
  readonly calls: Set<() => void>;
  readonly dispatch: () => void;
}

/**
 * Calls `listener` when the signal is aborted; at once where it already is.
 *
 * The only place that listens to signals. A listener on a signal that outlives it must be taken away by hand: platforms keep the
 * listeners of `AbortSignal.any` for as long as a source lives, and Node keeps a listener added with the option `signal` even
 * after that signal has removed it.
 *
 * @returns what forgets the listener. Whoever listens must call it once the wait is over; safe to call again.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  const { calls, dispatch } = registrationOf(signal);
  // Two callers may pass the same function.
  const call = (): void => listener();
  calls.add(call);
  return () => {
    if (!calls.delete(call) || calls.size > 0) return;
    // Platforms keep a signal alive as long as anyone listens to it.
    signal.removeEventListener('abort', dispatch);
    registrations.delete(signal);
  };
}

function registrationOf(signal: AbortSignal): Registration {
  const known = registrations.get(signal);
  if (known) return known;
  const calls = new Set<() => void>();
  const dispatch = (): void => {
    for (const call of calls) call();
    calls.clear();
  };
  const registration = { calls, dispatch };
  registrations.set(signal, registration);
  signal.addEventListener('abort', dispatch, { once: true });
  return registration;
}

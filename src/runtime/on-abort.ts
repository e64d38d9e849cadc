/** What to call when a signal is aborted: one listener a signal, since Node warns of an eleventh and runs have many branches. */
const abortListeners = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls once the signal is aborted, which it must not be yet. Returns what forgets the listener. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const known = abortListeners.get(signal);
  if (known) {
    known.add(listener);
    return () => known.delete(listener);
  }
  const listeners = new Set([listener]);
  abortListeners.set(signal, listeners);
  signal.addEventListener('abort', () => [...listeners].forEach((call) => call()), { once: true });
  return () => listeners.delete(listener);
}

/** Calls what a session's owner listens with. What it throws is dropped: no branch has failed, and nobody awaits the call. */
export function tellListener<Arguments extends readonly unknown[]>(listener: ((...report: Arguments) => void) | undefined, ...report: Arguments): void {
  try {
    listener?.(...report);
  } catch {
    // `SessionOptions` says that listeners must not throw.
  }
}

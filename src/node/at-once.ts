/**
 * Begins a computation whose passes of `onnxruntime-node` run at once. It puts every pass off with `setImmediate`, though it
 * computes synchronously then. Only while `compute` is called, and only in a thread that is ours: where the runtime should do
 * without `setImmediate` some day, nothing is different.
 */
export function atOnce<Result>(compute: () => Result): Result {
  const { setImmediate } = globalThis;
  globalThis.setImmediate = ((call: () => void) => call()) as unknown as typeof setImmediate;
  try {
    return compute();
  } finally {
    globalThis.setImmediate = setImmediate;
  }
}

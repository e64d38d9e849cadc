import type { InferenceSession } from 'onnxruntime-common';

let isThreadOurs = false;

/** To be called in a thread that computes models and does nothing else. */
export function claimThread(): void {
  isThreadOurs = true;
}

/**
 * Session options by which numbers too small for full precision count as 0. Attention gives far tokens such shares, and a
 * processor can take many times as long with them; no logit is another for it. ONNX Runtime sets this for the whole thread that
 * makes a session, for good, so it is left alone where the thread is somebody else's.
 */
export function denormalOptions(): Pick<InferenceSession.SessionOptions, 'extra'> {
  return isThreadOurs ? { extra: { session: { set_denormal_as_zero: '1' } } } : {};
}

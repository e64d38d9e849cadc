/** What `latency-tts calibrate` writes and applications load: a fit, and the profile it was made with. */

const FORMAT = 'latency-tts/plan';
export const PLAN_FILE_VERSION = 1;

export interface SavedPlans {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly fit: unknown;
  /** Absent where the fit is of a profile that was computed, not measured. */
  readonly profile?: unknown;
}

export function planFileOf(parts: Pick<SavedPlans, 'fit' | 'profile'>): SavedPlans {
  return { format: FORMAT, version: PLAN_FILE_VERSION, ...parts };
}

/** Whether this is the content of such a file, of whatever version. */
export function isPlanFile(saved: unknown): saved is SavedPlans {
  return typeof saved === 'object' && saved !== null && 'format' in saved && saved.format === FORMAT;
}

import type { SessionOptions } from '../contracts/engine.ts';

export const DEFAULT_PROGRESS_INTERVAL_MS = 50;

type ProgressOptions = Pick<SessionOptions, 'onProgress' | 'progressIntervalMs'>;

/** One more listener to what branches produce, told every `intervalMs`. Whoever listens already is told as often as it asked. */
export function watchProgress(
  { onProgress, progressIntervalMs = DEFAULT_PROGRESS_INTERVAL_MS }: ProgressOptions,
  intervalMs: number,
  watch: NonNullable<SessionOptions['onProgress']>,
): ProgressOptions {
  if (!onProgress) return { progressIntervalMs: intervalMs, onProgress: watch };
  const shorterMs = Math.min(intervalMs, progressIntervalMs);
  const [watchEvery, tellEvery] = [intervalMs, progressIntervalMs].map((interval) => Math.max(1, Math.round(interval / shorterMs))) as [number, number];
  let looks = 0;
  return {
    progressIntervalMs: shorterMs,
    onProgress: (progress) => {
      if (looks % watchEvery === 0) watch(progress);
      if (looks % tellEvery === 0) onProgress(progress);
      looks++;
    },
  };
}

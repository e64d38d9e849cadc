import type { SamplingOptions } from '../contracts/engine.ts';

/** Tells ways of sampling apart: two that write alike have one key, as far as the options alone say. */
export function samplingKey(options: SamplingOptions = {}): string {
  const { repetitionPenalty, temperature } = options;
  // Where the likeliest token is taken, it matters no more which others were kept.
  const told = temperature === 0 ? { repetitionPenalty, temperature } : options;
  const fields = Object.entries(told).filter(([, value]) => value !== undefined);
  return JSON.stringify(fields.sort(([left], [right]) => (left < right ? -1 : 1)));
}

import type { SamplingOptions } from '../../contracts/engine.ts';
import type { ProblemTrace } from '../../contracts/trace.ts';
import { samplingKey } from '../../maths/sampling-key.ts';

/** Whether the branches of a trace were sampled like this. `undefined` stands for the engine's own way. */
export function wasSampled(trace: ProblemTrace, sampling: SamplingOptions | undefined): boolean {
  return samplingKey(trace.sampling) === samplingKey(sampling);
}

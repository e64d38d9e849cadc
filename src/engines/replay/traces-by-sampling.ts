import type { ProblemTrace } from '../../contracts/trace.ts';
import { samplingKey } from '../../maths/sampling-key.ts';

/** Traces by how they were sampled, as `samplingKey` tells it, in the order they come. */
export function tracesBySampling(traces: readonly ProblemTrace[]): ReadonlyMap<string, readonly ProblemTrace[]> {
  const byKey = new Map<string, ProblemTrace[]>();
  for (const trace of traces) {
    const key = samplingKey(trace.sampling);
    const alike = byKey.get(key);
    if (alike) alike.push(trace);
    else byKey.set(key, [trace]);
  }
  return byKey;
}

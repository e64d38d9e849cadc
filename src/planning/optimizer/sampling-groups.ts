import type { SamplingOptions } from '../../contracts/engine.ts';
import type { ProblemTrace } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { samplingKey } from '../../maths/sampling-key.ts';

/** Traces whose branches chose their tokens alike. */
export interface SamplingGroup {
  /** `undefined` where that was left to the engine. */
  readonly sampling: SamplingOptions | undefined;
  readonly isGreedy: boolean;
  readonly traces: readonly ProblemTrace[];
  /** Branches that every problem has: one where all are alike. */
  readonly branches: number;
  /** Whether every branch has scores. */
  readonly isScored: boolean;
}

/**
 * The ways in which problems were sampled, in the order they come. Plans choose among them, so each has to be of the same problems.
 *
 * @throws {InvalidOptionError} where a problem was not recorded in one of them.
 */
export function samplingGroups(traces: readonly ProblemTrace[]): SamplingGroup[] {
  const byKey = new Map<string, ProblemTrace[]>();
  for (const trace of traces) {
    const key = samplingKey(trace.sampling);
    byKey.set(key, [...(byKey.get(key) ?? []), trace]);
  }
  const ids = new Set(traces.map(({ id }) => id));
  return [...byKey.values()].map((group) => {
    const { sampling } = group[0]!;
    const recorded = new Set(group.map(({ id }) => id));
    const missing = [...ids].filter((id) => !recorded.has(id));
    if (missing.length > 0) {
      const way = sampling ? `sampling ${JSON.stringify(sampling)}` : "the engine's own sampling";
      throw new InvalidOptionError(
        'traces',
        `of every problem with ${way}`,
        `none of ${missing.slice(0, 5).join(', ')}`,
        'Record these so, too, or leave that sampling out.',
      );
    }
    const isGreedy = sampling?.temperature === 0;
    return {
      sampling,
      isGreedy,
      traces: group,
      branches: isGreedy ? 1 : Math.min(...group.map(({ branches }) => branches.length)),
      isScored: group.every(({ branches }) => branches.every(({ scores }) => scores)),
    };
  });
}

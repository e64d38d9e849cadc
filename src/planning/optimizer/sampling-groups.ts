import type { SamplingOptions } from '../../contracts/engine.ts';
import type { ProblemTrace } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { tracesBySampling } from '../../engines/replay/traces-by-sampling.ts';

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
  // An `id` may be another problem's in another recording: the prompt is what is replayed.
  const idsByPrompt = new Map(traces.map(({ prompt, id }) => [JSON.stringify(prompt), id]));
  return [...tracesBySampling(traces).values()].map((group) => {
    const { sampling } = group[0]!;
    const recorded = new Set(group.map(({ prompt }) => JSON.stringify(prompt)));
    const missing = [...idsByPrompt].flatMap(([prompt, id]) => (recorded.has(prompt) ? [] : [id]));
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

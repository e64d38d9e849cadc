import type { SamplingOptions } from '../../contracts/engine.ts';
import type { PlannedStrategy, PlanSpec } from './plan-spec.ts';

export interface SpecGridOptions {
  /** @default what the traces allow: all without scores where there are none */
  readonly strategies?: readonly Exclude<PlannedStrategy, 'beam-search'>[];
  /** @default 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, … up to what was recorded and fits the memory */
  readonly branches?: readonly number[];
  /** @default none, 2, 4 and adaptive with a draft model, else none */
  readonly draftLengths?: readonly (number | 'adaptive')[];
  /** Further limits of a branch's tokens; none is always tried. @default none */
  readonly maxTokens?: readonly number[];
}

export interface SpecGridLimits {
  /** Weight format, where there are several. */
  readonly format: string | undefined;
  /** How the branches choose their tokens; `undefined` where the engine was left to it. */
  readonly sampling: SamplingOptions | undefined;
  /** A greedy way of sampling that was recorded, too. */
  readonly greedy: SamplingOptions | undefined;
  readonly hasDraft: boolean;
  readonly hasScores: boolean;
  /** A score with which a solution is as good as surely right, where there is one. */
  readonly acceptAt: number | undefined;
  /** Most branches with and without a draft model in memory. */
  mostBranches(withDraft: boolean): number;
}

const BRANCHES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
const DRAFTS = [0, 2, 4, 'adaptive'] as const;
const FIRST_WAVES = [1, 2, 4];

/** Every combination worth trying. */
export function candidateSpecs(options: SpecGridOptions, limits: SpecGridLimits): PlanSpec[] {
  const { branches = BRANCHES, draftLengths = limits.hasDraft ? DRAFTS : [0], maxTokens = [] } = options;
  const { strategies = limits.hasScores ? ['self-consistency', 'weighted-vote', 'best-of-n', 'first-finish'] : ['self-consistency', 'first-finish'] } = options;
  const specs: PlanSpec[] = [];
  for (const draftLength of draftLengths) {
    for (const count of branches.filter((count) => count <= limits.mostBranches(draftLength !== 0))) {
      for (const limit of [undefined, ...maxTokens]) {
        const base = {
          branches: count,
          draftLength,
          ...(limits.format !== undefined && { format: limits.format }),
          ...(limits.sampling && { sampling: limits.sampling }),
          ...(limit !== undefined && { maxTokens: limit }),
        };
        for (const strategy of strategies) specs.push(...variants(strategy, base, limits));
      }
    }
  }
  return specs;
}

/** A strategy with the rules that end it. One branch leaves nothing to choose. */
function variants(strategy: PlannedStrategy, base: Omit<PlanSpec, 'strategy'>, { acceptAt, greedy }: SpecGridLimits): PlanSpec[] {
  const { branches } = base;
  if (branches === 1) return strategy === 'self-consistency' ? [{ strategy, ...base }] : [];
  switch (strategy) {
    case 'self-consistency':
      return [{ strategy, ...base }, ...(branches >= 6 ? [{ strategy, ...base, earlyDecision: 'beta' as const }] : [])];
    case 'first-finish':
      return branches >= 4 ? [{ strategy, ...base, finishers: Math.ceil(branches / 2) }] : [];
    case 'best-of-n':
      return [{ strategy, ...base }, ...(acceptAt === undefined ? [] : waves({ strategy, ...base, acceptAt }, greedy))];
    default:
      return [{ strategy, ...base }];
  }
}

/** All branches at once, some of them first, or the likeliest text first. */
function waves(spec: PlanSpec, greedy: SamplingOptions | undefined): PlanSpec[] {
  const first = FIRST_WAVES.filter((count) => count <= spec.branches / 2);
  return [spec, ...first.map((firstWave) => ({ ...spec, firstWave })), ...(greedy ? [{ ...spec, firstWave: 1, firstSampling: greedy }] : [])];
}

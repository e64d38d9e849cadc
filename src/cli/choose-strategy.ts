import type { StepScorer } from '../contracts/scorer.ts';
import type { Strategy } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { standardStrategies } from '../serve/standard-strategies.ts';

export const DEFAULT_STRATEGY = 'self-consistency';

/** What strategies that do not sample `branches` call the number of texts that they decode together. */
const WIDTHS: Readonly<Record<string, string>> = {
  'beam-search': 'beams',
  'diverse-tree-search': 'beams',
  rebase: 'width',
  'particle-filter': 'particles',
  'monte-carlo-tree-search': 'simulations',
};

export interface StrategyFlags {
  readonly strategy: string;
  readonly branches?: number;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly deadline?: number;
}

/** The strategy that the flags ask for. @param scorer - Without one, those that need it are not offered. @throws {InvalidOptionError} */
export function chooseStrategy({ strategy: name, branches, temperature, maxTokens, deadline }: StrategyFlags, scorer: StepScorer | undefined): Strategy {
  const registry = standardStrategies({ maxBranches: Number.MAX_SAFE_INTEGER, ...(scorer && { scorer }) });
  const served = Object.hasOwn(registry, name) ? registry[name]! : undefined;
  if (!served || !('create' in served)) {
    const advice = scorer ? undefined : 'Strategies that go by scores need a reward model, which comes with the bundled model only.';
    throw new InvalidOptionError('strategy', `one of ${Object.keys(registry).join(', ')}`, name, advice);
  }
  return served.create({
    options: branches === undefined ? {} : { [WIDTHS[name] ?? 'branches']: branches },
    maxTokens,
    sampling: temperature === undefined ? {} : { temperature },
    deadlineMs: deadline ?? Infinity,
  });
}

/** Whether the strategy goes by scores, whose model has to be loaded then. */
export function usesScorer({ strategy }: StrategyFlags): boolean {
  return !Object.hasOwn(standardStrategies(), strategy);
}

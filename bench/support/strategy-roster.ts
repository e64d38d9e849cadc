import {
  BeamSearch,
  BestOfN,
  cascade,
  DeepConf,
  DiverseTreeSearch,
  FirstFinish,
  MonteCarloTreeSearch,
  ParticleFilter,
  ProbeAndExit,
  Rebase,
  rewardWeights,
  selfCertaintyWeights,
  SelfConsistency,
  SpeculativeRejection,
  type StepScorer,
  type Strategy,
} from 'latency-tts';
import type { HeadlineNames } from './strategy-report.ts';

/** A strategy under a name, and the page in docs/strategies that shows its curve. */
export interface RosterEntry {
  readonly name: string;
  readonly page: string;
  make(): Strategy;
}

const BRANCHES = 16;

export const HEADLINE: HeadlineNames = {
  accuracies: {
    single: 'single branch',
    majority_16: 'majority of 16',
    weighted_16: 'majority of 16, weighted by reward',
    best_of_16_prm: 'best of 16',
    beam_16: 'beam search',
  },
  decided: 'majority of 16',
  undecided: 'majority of 16, waiting for all',
};

/** Strategies at comparable budgets: sixteen solutions, or as many beams or particles. @param given - Needed by what makes a strategy. @param expectedTokens - Of one solution. */
export function strategyRoster(given: StepScorer | undefined, expectedTokens = 1): RosterEntry[] {
  // Names and pages can be told without a scorer.
  const scorer = given!;
  const voting = (options: () => ConstructorParameters<typeof SelfConsistency>[0]) => (): Strategy => new SelfConsistency({ branches: BRANCHES, ...options() });
  return [
    { name: 'single branch', page: 'self-consistency', make: () => new SelfConsistency({ branches: 1 }) },
    { name: 'majority of 16', page: 'self-consistency', make: voting(() => ({})) },
    { name: 'majority of 16, waiting for all', page: 'self-consistency', make: voting(() => ({ earlyDecision: 'none' })) },
    { name: 'majority of 16, as many as fit', page: 'self-consistency', make: voting(() => ({ expectedTokens })) },
    { name: 'majority of 16, Beta decision', page: 'early-decision', make: voting(() => ({ earlyDecision: 'beta' })) },
    { name: 'majority of 16, in windows', page: 'early-decision', make: voting(() => ({ launch: 'windows' })) },
    { name: 'majority of 16, weighted by self-certainty', page: 'self-consistency', make: voting(() => ({ weights: selfCertaintyWeights() })) },
    { name: 'majority of 16, weighted by reward', page: 'self-consistency', make: voting(() => ({ weights: rewardWeights({ scorer }) })) },
    { name: 'first 5 of 16', page: 'first-finish', make: () => new FirstFinish({ branches: BRANCHES, finishers: 5 }) },
    { name: 'DeepConf, offline', page: 'deep-conf', make: () => new DeepConf({ mode: 'offline', branches: BRANCHES, window: 8, topLogprobs: 5 }) },
    { name: 'probe and exit', page: 'probe-and-exit', make: () => new ProbeAndExit({ branches: BRANCHES, interval: 8, agreements: 2 }) },
    { name: 'best of 16', page: 'best-of-n', make: () => new BestOfN({ branches: BRANCHES, scorer }) },
    { name: 'best of 16, as many as fit', page: 'best-of-n', make: () => new BestOfN({ branches: BRANCHES, expectedTokens, scorer }) },
    { name: 'beam search', page: 'beam-search', make: () => new BeamSearch({ beams: BRANCHES, scorer }) },
    { name: 'diverse tree search', page: 'diverse-tree-search', make: () => new DiverseTreeSearch({ beams: BRANCHES, scorer }) },
    { name: 'REBASE', page: 'rebase', make: () => new Rebase({ width: BRANCHES, scorer }) },
    { name: 'particle filter', page: 'particle-filter', make: () => new ParticleFilter({ particles: BRANCHES, scorer }) },
    { name: 'speculative rejection', page: 'speculative-rejection', make: () => new SpeculativeRejection({ branches: BRANCHES, scorer }) },
    { name: 'MCTS', page: 'mcts', make: () => new MonteCarloTreeSearch({ scorer }) },
    {
      name: 'cascade of 4, then best of 16',
      page: 'cascade',
      make: () =>
        cascade([{ strategy: new SelfConsistency({ branches: 4 }) }, { strategy: new BestOfN({ branches: BRANCHES, scorer }) }], {
          confidence: 0.9,
          merge: 'last',
        }),
    },
  ];
}

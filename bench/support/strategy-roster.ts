import {
  BeamSearch,
  BestOfN,
  BudgetForcing,
  cascade,
  DeepConf,
  DiverseTreeSearch,
  FirstFinish,
  LlmSelector,
  MonteCarloTreeSearch,
  ParticleFilter,
  ProbeAndExit,
  Rebase,
  rewardWeights,
  selfCertaintyWeights,
  SelfConsistency,
  SelfRefine,
  SpeculativeRejection,
  StepSpeculation,
  withFallback,
  type Engine,
  type StepScorer,
  type Strategy,
} from 'latency-tts';
import type { HeadlineNames } from './strategy-report.ts';

/** What strategies are made of. */
export interface RosterParts {
  readonly scorer: StepScorer;
  /** On the draft model. */
  readonly draft: Engine;
  /** Median time of one branch in milliseconds, and its median tokens. */
  readonly branchMs: number;
  readonly branchTokens: number;
}

/** A strategy under a name, and the page in docs/strategies that shows its curve. */
export interface RosterEntry {
  readonly name: string;
  readonly page: string;
  make(parts: RosterParts): Strategy;
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

const voting =
  (options: (parts: RosterParts) => ConstructorParameters<typeof SelfConsistency>[0]) =>
  (parts: RosterParts): Strategy =>
    new SelfConsistency({ branches: BRANCHES, ...options(parts) });

/** Windows and log-probabilities that suit solutions of a few dozen tokens. */
const DEEP_CONF = { branches: BRANCHES, window: 8, topLogprobs: 5 } as const;

/** Strategies at comparable budgets: sixteen solutions, or as many beams or particles, where nothing else is said. */
export const ROSTER: readonly RosterEntry[] = [
  { name: 'single branch', page: 'self-consistency', make: () => new SelfConsistency({ branches: 1 }) },
  { name: 'majority of 16', page: 'self-consistency', make: voting(() => ({})) },
  { name: 'majority of 16, waiting for all', page: 'self-consistency', make: voting(() => ({ earlyDecision: 'none' })) },
  { name: 'majority of 16, as many as fit', page: 'self-consistency', make: voting(({ branchTokens }) => ({ expectedTokens: branchTokens })) },
  { name: 'majority of 16, Beta decision', page: 'early-decision', make: voting(() => ({ earlyDecision: 'beta' })) },
  { name: 'majority of 16, Dirichlet decision', page: 'early-decision', make: voting(() => ({ earlyDecision: 'dirichlet' })) },
  { name: 'majority of 16, anytime-valid decision', page: 'early-decision', make: voting(() => ({ earlyDecision: 'anytime-valid' })) },
  { name: 'majority of 16, in windows', page: 'early-decision', make: voting(() => ({ launch: 'windows' })) },
  { name: 'majority of 16, doubling', page: 'early-decision', make: voting(() => ({ launch: 'doubling' })) },
  { name: 'majority of 16, weighted by self-certainty', page: 'self-consistency', make: voting(() => ({ weights: selfCertaintyWeights() })) },
  { name: 'majority of 16, weighted by reward', page: 'self-consistency', make: voting(({ scorer }) => ({ weights: rewardWeights({ scorer }) })) },
  { name: 'first 5 of 16', page: 'first-finish', make: () => new FirstFinish({ branches: BRANCHES, finishers: 5 }) },
  { name: 'DeepConf, offline', page: 'deep-conf', make: () => new DeepConf({ mode: 'offline', ...DEEP_CONF }) },
  { name: 'DeepConf, on-line', page: 'deep-conf', make: () => new DeepConf({ mode: 'online', warmUp: 4, ...DEEP_CONF }) },
  { name: 'probe and exit', page: 'probe-and-exit', make: () => new ProbeAndExit({ branches: BRANCHES, interval: 8, agreements: 2 }) },
  { name: 'best of 16', page: 'best-of-n', make: ({ scorer }) => new BestOfN({ branches: BRANCHES, scorer }) },
  {
    name: 'best of 16, as many as fit',
    page: 'best-of-n',
    make: ({ scorer, branchTokens }) => new BestOfN({ branches: BRANCHES, expectedTokens: branchTokens, scorer }),
  },
  { name: 'beam search', page: 'beam-search', make: ({ scorer }) => new BeamSearch({ beams: BRANCHES, scorer }) },
  { name: 'beam search, looking ahead', page: 'beam-search', make: ({ scorer }) => new BeamSearch({ beams: BRANCHES, lookahead: 1, scorer }) },
  { name: 'diverse tree search', page: 'diverse-tree-search', make: ({ scorer }) => new DiverseTreeSearch({ beams: BRANCHES, scorer }) },
  { name: 'REBASE', page: 'rebase', make: ({ scorer }) => new Rebase({ width: BRANCHES, scorer }) },
  { name: 'particle filter', page: 'particle-filter', make: ({ scorer }) => new ParticleFilter({ particles: BRANCHES, scorer }) },
  {
    name: 'particle filter of 8, two iterations',
    page: 'particle-filter',
    make: ({ scorer }) => new ParticleFilter({ particles: BRANCHES / 2, iterations: 2, scorer }),
  },
  { name: 'speculative rejection', page: 'speculative-rejection', make: ({ scorer }) => new SpeculativeRejection({ branches: BRANCHES, scorer }) },
  { name: 'MCTS', page: 'mcts', make: ({ scorer }) => new MonteCarloTreeSearch({ scorer }) },
  {
    name: 'cascade of 4, then best of 16',
    page: 'cascade',
    make: ({ scorer }) =>
      cascade([{ strategy: new SelfConsistency({ branches: 4 }) }, { strategy: new BestOfN({ branches: BRANCHES, scorer }) }], {
        confidence: 0.9,
        merge: 'last',
      }),
  },
  {
    name: 'ladder of best of 16, best of 4 and one branch',
    page: 'fallback',
    make: ({ scorer, branchMs }) =>
      withFallback([
        { strategy: new BestOfN({ branches: BRANCHES, scorer }), minMs: 4 * branchMs },
        { strategy: new BestOfN({ branches: 4, scorer }), minMs: 2 * branchMs },
        { strategy: new SelfConsistency({ branches: 1 }) },
      ]),
  },
  { name: 'step speculation', page: 'step-speculation', make: ({ scorer, draft }) => new StepSpeculation({ draft, scorer }) },
  { name: 'step speculation, 16 solutions', page: 'step-speculation', make: ({ scorer, draft }) => new StepSpeculation({ branches: BRANCHES, draft, scorer }) },
  { name: 'budget forcing', page: 'budget-forcing', make: () => new BudgetForcing({ branches: BRANCHES, thinkingEnd: false }) },
  {
    name: 'budget forcing, with a wait',
    page: 'budget-forcing',
    make: ({ branchMs }) => new BudgetForcing({ branches: BRANCHES, thinkingEnd: false, minThinkMs: 100 * branchMs }),
  },
  { name: 'selector of 4', page: 'llm-selector', make: () => new LlmSelector() },
  { name: 'self-refine', page: 'self-refine', make: () => new SelfRefine() },
];

/** @param only - Parts of names, between bars; an entry is wanted whose name has one of them in it. */
export function isWanted(only: string): (entry: RosterEntry) => boolean {
  const parts = only.split('|');
  return ({ name }) => parts.some((part) => name.includes(part));
}

import type { BranchReport } from '../../src/contracts/result.ts';
import { BeamSearch } from '../../src/strategies/beam-search.ts';
import { DiverseTreeSearch } from '../../src/strategies/diverse-tree-search.ts';
import { MonteCarloTreeSearch } from '../../src/strategies/monte-carlo-tree-search.ts';
import { ParticleFilter } from '../../src/strategies/particle-filter.ts';
import { Rebase } from '../../src/strategies/rebase.ts';
import { SpeculativeRejection } from '../../src/strategies/speculative-rejection.ts';
import type { Strategy } from '../../src/contracts/strategy.ts';
import { ScriptedStepScorer } from './scripted-scorer.ts';
import type { StrategySubject } from './strategy-laws.ts';

/** Judges a solution of the solver by its plan alone, some of them alike. */
const worthOf = (text: string): number => ({ a: 0.4, b: 0.9, c: 0.7, d: 0.7, e: 0.2, f: 0.9, g: 0.5, h: 0.1 })[text[0] ?? ''] ?? 0;

/** A process reward model of every line's end, at a cost. */
const planScorer = (): ScriptedStepScorer =>
  new ScriptedStepScorer({
    steps: ({ text, isFinished }) => Array.from({ length: text.split('\n').length - (isFinished ? 0 : 1) }, () => worthOf(text)),
    costMs: () => 5,
  });

/** The complete solution of most worth; without one, the one that was asked for its answer. */
function worthiestOf(reports: readonly BranchReport[]): BranchReport {
  const complete = reports.filter(({ finish, isForced }) => finish === 'end' && !isForced);
  const candidates = complete.length > 0 ? complete : reports.filter(({ finish }) => finish !== 'aborted');
  return candidates.reduce((best, report) => (worthOf(report.text) > worthOf(best.text) ? report : best));
}

const subject = (make: () => Strategy): StrategySubject => ({ make, chosen: worthiestOf, isTree: true });

/** Strategies that search step by step, for the laws of all strategies. */
export const TREE_SUBJECTS: Readonly<Record<string, StrategySubject>> = {
  BeamSearch: subject(() => new BeamSearch({ scorer: planScorer(), beams: 6, width: 3 })),
  DiverseTreeSearch: subject(() => new DiverseTreeSearch({ scorer: planScorer(), beams: 6, width: 2 })),
  Rebase: subject(() => new Rebase({ scorer: planScorer(), width: 6 })),
  'ParticleFilter, systematic': subject(() => new ParticleFilter({ scorer: planScorer(), particles: 6 })),
  'ParticleFilter, multinomial, effective size, two iterations': subject(
    () => new ParticleFilter({ scorer: planScorer(), particles: 6, resampling: 'multinomial', essThreshold: 0.5, iterations: 2, references: 2 }),
  ),
  SpeculativeRejection: subject(() => new SpeculativeRejection({ scorer: planScorer(), branches: 6, checkpoints: 2, firstPhaseTokens: 4 })),
  'MonteCarloTreeSearch, UCT': subject(() => new MonteCarloTreeSearch({ scorer: planScorer(), simulations: 4, width: 3 })),
  'MonteCarloTreeSearch, PUCT': subject(() => new MonteCarloTreeSearch({ scorer: planScorer(), simulations: 4, width: 3, rule: 'puct' })),
};

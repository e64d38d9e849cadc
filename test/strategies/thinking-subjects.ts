/** Strategies that decide within a solution when to go on, for the laws. */
import { BudgetForcing } from '../../src/strategies/budget-forcing.ts';
import { DeepConf } from '../../src/strategies/deep-conf.ts';
import { ProbeAndExit } from '../../src/strategies/probe-and-exit.ts';
import { StepSpeculation } from '../../src/strategies/step-speculation.ts';
import { scriptedScorer } from './text-scorers.ts';
import { openSolver } from './solver.ts';
import { heaviestOf } from './solution-subjects.ts';
import type { StrategySubject } from './strategy-laws.ts';

const plurality: StrategySubject['chosen'] = (reports) => heaviestOf(reports);

/** Drafts cost nothing on the clock of a run. */
const drafter = await openSolver({ stepMs: () => 0 });

export const THINKING_SUBJECTS: Readonly<Record<string, StrategySubject>> = {
  // The solver's dots are its thoughts.
  'BudgetForcing, the deadline': { make: () => new BudgetForcing({ branches: 6, thinkingEnd: '\n' }), chosen: plurality },
  'BudgetForcing, a cap of tokens': { make: () => new BudgetForcing({ branches: 6, thinkingEnd: '\n', maxTokens: 24 }), chosen: plurality },
  'BudgetForcing, no end of thoughts': { make: () => new BudgetForcing({ branches: 6, thinkingEnd: false }), chosen: plurality },
  // The solver is as unsure of every plan, at the first token, so that every trace weighs the same.
  'DeepConf, offline': { make: () => new DeepConf({ mode: 'offline', branches: 6, window: 1 }), chosen: plurality },
  'DeepConf, on-line': { make: () => new DeepConf({ branches: 6, warmUp: 2, window: 1, consensus: 1 }), chosen: plurality, isThrifty: true },
  'ProbeAndExit, without a probe': { make: () => new ProbeAndExit({ branches: 6, interval: 100 }), chosen: plurality },
  'ProbeAndExit, probes that never agree often enough': {
    make: () => new ProbeAndExit({ branches: 6, interval: 4, agreements: 99 }),
    // Probes are numbered behind the lines.
    chosen: (reports) => heaviestOf(reports.filter(({ branch }) => branch < 6)),
    isTree: true,
    isSettled: ({ branch }) => branch < 6,
  },
  'StepSpeculation, thoughts by the draft and answers by the target': {
    make: () =>
      new StepSpeculation({
        draft: drafter.engine,
        branches: 6,
        candidates: 2,
        scorer: scriptedScorer({ scoreOf: ({ text, isFinished }) => (isFinished ? 0 : 0.8 + text.length / 200) }),
      }),
    chosen: plurality,
    isThrifty: true,
  },
  'StepSpeculation, nothing accepted': {
    make: () => new StepSpeculation({ draft: drafter.engine, branches: 6, scorer: scriptedScorer({ scoreOf: () => 0 }) }),
    chosen: plurality,
    // Lines wait for their drafts while others decode.
    isThrifty: true,
  },
};

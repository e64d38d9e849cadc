import * as v from 'valibot';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { OutcomeScorer, StepScorer } from '../contracts/scorer.ts';
import type { Strategy } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { isPlain, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { requireKnownNames } from '../options.ts';
import { BeamSearch, beamSearchEntries } from '../strategies/beam-search.ts';
import { scorerSchema } from '../strategies/branch-scores.ts';
import { BestOfN, bestOfNEntries } from '../strategies/best-of-n.ts';
import { BudgetForcing, budgetForcingEntries } from '../strategies/budget-forcing.ts';
import { DeepConf, deepConfEntries } from '../strategies/deep-conf.ts';
import { DiverseTreeSearch, diverseTreeSearchEntries } from '../strategies/diverse-tree-search.ts';
import { FirstFinish, firstFinishEntries } from '../strategies/first-finish.ts';
import { MonteCarloTreeSearch, monteCarloTreeSearchEntries } from '../strategies/monte-carlo-tree-search.ts';
import { ParticleFilter, particleFilterEntries } from '../strategies/particle-filter.ts';
import { ProbeAndExit, probeAndExitEntries } from '../strategies/probe-and-exit.ts';
import { Rebase, rebaseEntries } from '../strategies/rebase.ts';
import { sameAnswerEntries } from '../strategies/solution-policy.ts';
import { SelfConsistency, selfConsistencyEntries } from '../strategies/self-consistency.ts';
import { SpeculativeRejection, speculativeRejectionEntries } from '../strategies/speculative-rejection.ts';
import type { StrategyCall, StrategyMaker, StrategyRegistry } from './served-model.ts';
import { WIDTH_OPTIONS } from './work-size.ts';

export const standardStrategiesEntries = {
  /** Judges solutions; without one, strategies that need it are not offered. */
  scorer: v.optional(scorerSchema(['step', 'outcome'])),
  /** Most branches, beams, particles or simulations that a client may ask for. Whole number ≥ 1. @default 64 */
  maxBranches: v.optional(wholeNumber(1), 64),
  ...sameAnswerEntries,
};

export interface StandardStrategiesOptions extends OptionsOf<typeof standardStrategiesEntries> {}

/**
 * The library's strategies under their own names. `strategy.options` of a request are those options of their constructors that
 * are plain data; `max_tokens`, `temperature` and the like go to `maxTokens` and `sampling`.
 *
 * @throws {InvalidOptionError}
 */
export function standardStrategies(options: StandardStrategiesOptions = {}): StrategyRegistry {
  const { scorer, maxBranches, isSame } = readOptions(standardStrategiesEntries, options);
  const same = { isSame };
  const offer = offering(maxBranches);
  const streamsText: StrategyMaker['streamsText'] = ({ options }) => (options['branches'] ?? 1) === 1;
  return {
    'self-consistency': offer(selfConsistencyEntries, (options) => new SelfConsistency({ ...same, ...options })),
    'first-finish': offer(firstFinishEntries, (options) => new FirstFinish({ ...same, ...options })),
    'deep-conf': offer(deepConfEntries, (options) => new DeepConf({ ...same, ...options })),
    'budget-forcing': offer(budgetForcingEntries, (options) => new BudgetForcing({ ...same, ...options }), streamsText),
    'probe-and-exit': offer(probeAndExitEntries, (options) => new ProbeAndExit({ ...same, ...options }), streamsText),
    ...(scorer && scoredStrategies({ ...same, scorer }, offer)),
  };
}

type Offer = ReturnType<typeof offering>;

function scoredStrategies(fixed: { readonly scorer: StepScorer | OutcomeScorer; readonly isSame?: AnswerEquivalence }, offer: Offer): StrategyRegistry {
  const { scorer } = fixed;
  return {
    'best-of-n': offer(bestOfNEntries, (options) => new BestOfN({ ...fixed, ...options })),
    'speculative-rejection': offer(speculativeRejectionEntries, (options) => new SpeculativeRejection({ ...fixed, ...options })),
    ...(scorer.kind === 'step' && treeSearches({ ...fixed, scorer }, offer)),
  };
}

function treeSearches(fixed: { readonly scorer: StepScorer; readonly isSame?: AnswerEquivalence }, offer: Offer): StrategyRegistry {
  return {
    'beam-search': offer(beamSearchEntries, (options) => new BeamSearch({ ...fixed, ...options })),
    'diverse-tree-search': offer(diverseTreeSearchEntries, (options) => new DiverseTreeSearch({ ...fixed, ...options })),
    rebase: offer(rebaseEntries, (options) => new Rebase({ ...fixed, ...options })),
    'particle-filter': offer(particleFilterEntries, (options) => new ParticleFilter({ ...fixed, ...options })),
    'monte-carlo-tree-search': offer(monteCarloTreeSearchEntries, (options) => new MonteCarloTreeSearch({ ...fixed, ...options })),
  };
}

/** Options that fields of the request set. */
const BY_REQUEST: Readonly<Record<string, string>> = { maxTokens: '`max_tokens`', sampling: '`temperature`, `top_p` and the like' };

/** Offers a strategy with those of its options that plain data can set; their values are checked by its constructor. */
function offering(maxBranches: number) {
  return (entries: v.ObjectEntries, make: (options: object) => Strategy, streamsText?: StrategyMaker['streamsText']): StrategyMaker => {
    const names = Object.keys(entries).filter((name) => !(name in BY_REQUEST) && isPlain(entries[name]!));
    const create = ({ options, maxTokens, sampling }: StrategyCall): Strategy => {
      for (const [name, field] of Object.entries(BY_REQUEST)) {
        if (options[name] !== undefined) throw new InvalidOptionError(name, 'left out of `strategy.options`', options[name], `Set ${field} in the request.`);
      }
      requireKnownNames(options, names, 'strategy.options');
      // Of these a client could ask for more than a machine bears.
      for (const name of WIDTH_OPTIONS) {
        const value = options[name];
        if (typeof value === 'number' && value > maxBranches) throw new InvalidOptionError(name, `at most ${maxBranches} on this server`, value);
      }
      return make({ ...options, ...(maxTokens !== undefined && { maxTokens }), sampling });
    };
    return { create, ...(streamsText && { streamsText }) };
  };
}

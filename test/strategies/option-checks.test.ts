/** Every strategy, and every function that takes options, refuses what is wrong, with the path of the option. */
import { describe, expect, test } from 'vitest';
import type * as v from 'valibot';
import { InvalidOptionError } from '../../src/errors.ts';
import * as decisions from '../../src/maths/early-decision.ts';
import { samplingEntries } from '../../src/maths/sampling.ts';
import { isPlain } from '../../src/option-schemas.ts';
import { standardStrategies, standardStrategiesEntries } from '../../src/serve/standard-strategies.ts';
import { verifierScorer } from '../../src/scoring/verifier-scorer.ts';
import { BeamSearch, beamSearchEntries } from '../../src/strategies/beam-search.ts';
import { BestOfN, bestOfNEntries } from '../../src/strategies/best-of-n.ts';
import { BudgetForcing, budgetForcingEntries } from '../../src/strategies/budget-forcing.ts';
import { cascade, cascadeEntries, cascadeStageEntries } from '../../src/strategies/cascade.ts';
import { DeepConf, deepConfEntries } from '../../src/strategies/deep-conf.ts';
import { DiverseTreeSearch, diverseTreeSearchEntries } from '../../src/strategies/diverse-tree-search.ts';
import { FirstFinish, firstFinishEntries } from '../../src/strategies/first-finish.ts';
import { forcedAnswerEntries } from '../../src/strategies/forced-answer.ts';
import { launchDoubling, launchDoublingEntries, launchWindows, launchWindowsEntries } from '../../src/strategies/launch-schedule.ts';
import { LlmSelector, llmSelectorEntries } from '../../src/strategies/llm-selector.ts';
import { MonteCarloTreeSearch, monteCarloTreeSearchEntries } from '../../src/strategies/monte-carlo-tree-search.ts';
import { ParticleFilter, particleFilterEntries } from '../../src/strategies/particle-filter.ts';
import { ProbeAndExit, probeAndExitEntries } from '../../src/strategies/probe-and-exit.ts';
import { Rebase, rebaseEntries } from '../../src/strategies/rebase.ts';
import { SelfConsistency, selfConsistencyEntries } from '../../src/strategies/self-consistency.ts';
import { SelfRefine, selfRefineEntries } from '../../src/strategies/self-refine.ts';
import { SpeculativeRejection, speculativeRejectionEntries } from '../../src/strategies/speculative-rejection.ts';
import { StepSpeculation, stepSpeculationEntries } from '../../src/strategies/step-speculation.ts';
import * as weights from '../../src/strategies/vote-weights.ts';
import { fallbackRungEntries, withFallback } from '../../src/strategies/with-fallback.ts';
import { describeOptionLaws, refusal, subject, type Subject } from '../support/option-laws.ts';
import { scriptedStepScorer } from './text-scorers.ts';

const step = { scorer: scriptedStepScorer(() => [1]) };
const judged = { scorer: verifierScorer(() => true) };
const strategy = new SelfConsistency();
const engine = { open: () => Promise.reject(new Error('never')), name: 'none' };

const SUBJECTS: readonly Subject[] = [
  subject('SelfConsistency', selfConsistencyEntries, (options) => new SelfConsistency(options)),
  subject('BestOfN', bestOfNEntries, (options) => new BestOfN(options), judged),
  subject('FirstFinish', firstFinishEntries, (options) => new FirstFinish(options)),
  subject('DeepConf', deepConfEntries, (options) => new DeepConf(options)),
  subject('ProbeAndExit', probeAndExitEntries, (options) => new ProbeAndExit(options)),
  subject('BudgetForcing', budgetForcingEntries, (options) => new BudgetForcing(options)),
  subject('LlmSelector', llmSelectorEntries, (options) => new LlmSelector(options)),
  subject('SelfRefine', selfRefineEntries, (options) => new SelfRefine(options)),
  subject('BeamSearch', beamSearchEntries, (options) => new BeamSearch(options), step),
  subject('DiverseTreeSearch', diverseTreeSearchEntries, (options) => new DiverseTreeSearch(options), step),
  subject('Rebase', rebaseEntries, (options) => new Rebase(options), step),
  subject('ParticleFilter', particleFilterEntries, (options) => new ParticleFilter(options), step),
  subject('MonteCarloTreeSearch', monteCarloTreeSearchEntries, (options) => new MonteCarloTreeSearch(options), step),
  subject('SpeculativeRejection', speculativeRejectionEntries, (options) => new SpeculativeRejection(options), step),
  subject('StepSpeculation', stepSpeculationEntries, (options) => new StepSpeculation(options), { ...judged, draft: engine }),
  subject('cascade', cascadeEntries, (options) => cascade([{ strategy }], options)),
  subject('a stage of cascade', cascadeStageEntries, (stage) => cascade([{ strategy }, stage]), { strategy }, 'stages[1]'),
  subject('a rung of withFallback', fallbackRungEntries, (rung) => withFallback([rung]), { strategy }, 'rungs[0]'),
  subject('sampling', samplingEntries, (sampling) => new SelfConsistency({ sampling }), {}, 'sampling'),
  subject('firstSampling', samplingEntries, (firstSampling) => new BestOfN({ ...judged, acceptAt: 1, firstWave: 1, firstSampling }), {}, 'firstSampling'),
  subject('forcedAnswer', forcedAnswerEntries, (forcedAnswer) => new SelfConsistency({ forcedAnswer }), {}, 'forcedAnswer'),
  subject('probe', forcedAnswerEntries, (probe) => new ProbeAndExit({ probe }), {}, 'probe'),
  subject('launchWindows', launchWindowsEntries, (options) => launchWindows(options)),
  subject('launchDoubling', launchDoublingEntries, (options) => launchDoubling(options)),
  subject('betaDecision', decisions.posteriorDecisionEntries, (options) => decisions.betaDecision(options)),
  subject('dirichletDecision', decisions.dirichletDecisionEntries, (options) => decisions.dirichletDecision(options)),
  subject('anytimeValidDecision', decisions.anytimeValidDecisionEntries, (options) => decisions.anytimeValidDecision(options)),
  subject('confidenceWeights', weights.confidenceWeightsEntries, (options) => weights.confidenceWeights(options)),
  subject('selfCertaintyWeights', weights.selfCertaintyWeightsEntries, (options) => weights.selfCertaintyWeights(options)),
  subject('rewardWeights', weights.rewardWeightsEntries, (options) => weights.rewardWeights(options), judged),
  subject('standardStrategies', standardStrategiesEntries, (options) => standardStrategies(options)),
];

describeOptionLaws(SUBJECTS);

test('a value that the range excludes is refused with the range', () => {
  expect(() => new SelfConsistency({ branches: 0 })).toThrow('Expected `branches` to be a whole number of at least 1, got `0` (number).');
  expect(() => new DeepConf({ keep: 1.5 })).toThrow('Expected `keep` to be a number above 0 and at most 1, got `1.5` (number).');
  expect(() => new LlmSelector({ selectShare: 1 })).toThrow('Expected `selectShare` to be a number from 0 and below 1, got `1` (number).');
  expect(() => cascade([{ strategy }, { strategy, weight: 0 }])).toThrow('Expected `stages[1].weight` to be a finite number above 0, got `0` (number).');
  expect(() => new BestOfN({ ...judged, select: 'best' as never })).toThrow("Expected `select` to be 'highest' or 'by-answer', got `\"best\"`.");
  expect(() => cascade([])).toThrow(new InvalidOptionError('stages', 'a list of at least one stage', []));
});

describe('serve offers every option that plain data can set', () => {
  const registry = standardStrategies(step);
  const call = { maxTokens: undefined, sampling: {}, deadlineMs: Infinity };
  const offered: Readonly<Record<string, v.ObjectEntries>> = {
    'self-consistency': selfConsistencyEntries,
    'first-finish': firstFinishEntries,
    'deep-conf': deepConfEntries,
    'budget-forcing': budgetForcingEntries,
    'probe-and-exit': probeAndExitEntries,
    'best-of-n': bestOfNEntries,
    'speculative-rejection': speculativeRejectionEntries,
    'beam-search': beamSearchEntries,
    'diverse-tree-search': diverseTreeSearchEntries,
    rebase: rebaseEntries,
    'particle-filter': particleFilterEntries,
    'monte-carlo-tree-search': monteCarloTreeSearchEntries,
  };

  test('of every strategy', () => expect(Object.keys(registry).sort()).toEqual(Object.keys(offered).sort()));

  test.each(Object.entries(offered))('%s', (name, entries) => {
    const { create } = registry[name] as { create(call: object): unknown };
    for (const [option, schema] of Object.entries(entries)) {
      if (option === 'maxTokens' || option === 'sampling')
        expect(() => create({ ...call, options: { [option]: 1 } })).toThrow(refusal(option, /in the request/));
      // Known, and wrong; or not known.
      else
        expect(() => create({ ...call, options: { [option]: [null] } })).toThrow(refusal(option, isPlain(schema) ? /^(?!.*a known option)/ : /a known option/));
    }
  });

  test.each([
    ['deep-conf', { consensus: 0.8 }],
    ['self-consistency', { expectedTokens: 100, earlyDecision: 'beta' }],
    ['probe-and-exit', { probe: { suffix: '\nSo: ', maxTokens: 8 } }],
    ['best-of-n', { acceptAt: 0.9, firstWave: 1, firstSampling: { temperature: 0 } }],
  ])('%s takes %j', (name, options) => {
    const { create } = registry[name] as { create(call: object): unknown };
    expect(() => create({ ...call, options })).not.toThrow();
  });
});

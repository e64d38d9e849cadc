import * as v from 'valibot';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { OutcomeScorer, StepScorer } from '../contracts/scorer.ts';
import type { Strategy } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireWholeNumber } from '../options.ts';
import { BeamSearch } from '../strategies/beam-search.ts';
import { BestOfN } from '../strategies/best-of-n.ts';
import { BudgetForcing } from '../strategies/budget-forcing.ts';
import { DeepConf } from '../strategies/deep-conf.ts';
import { DiverseTreeSearch } from '../strategies/diverse-tree-search.ts';
import { FirstFinish } from '../strategies/first-finish.ts';
import { MonteCarloTreeSearch } from '../strategies/monte-carlo-tree-search.ts';
import { ParticleFilter } from '../strategies/particle-filter.ts';
import { ProbeAndExit } from '../strategies/probe-and-exit.ts';
import { Rebase } from '../strategies/rebase.ts';
import { SelfConsistency } from '../strategies/self-consistency.ts';
import { SpeculativeRejection } from '../strategies/speculative-rejection.ts';
import type { StrategyCall, StrategyMaker, StrategyRegistry } from './served-model.ts';
import { WIDTH_OPTIONS } from './work-size.ts';

export interface StandardStrategiesOptions {
  /** Judges solutions; without one, strategies that need it are not offered. */
  readonly scorer?: StepScorer | OutcomeScorer;
  /** Most branches, beams, particles or simulations that a client may ask for. Whole number ≥ 1. @default 64 */
  readonly maxBranches?: number;
  /** Whether two answers count as one vote. @default by meaning, as `equivalent` says */
  readonly isSame?: AnswerEquivalence;
}

type Entries = v.ObjectEntries;
/** Options out of a request, checked for their types; ranges are the constructors' own affair. */
type PlainOptions = Readonly<Record<string, unknown>>;

const number = v.optional(v.number());
const text = v.optional(v.string());
const texts = v.optional(v.array(v.string()));
const forcedAnswer = v.strictObject({ suffix: text, maxTokens: number, stop: texts });
const solution: Entries = { forcedAnswer: v.optional(v.union([v.literal(false), forcedAnswer])) };
const search: Entries = { ...solution, aggregation: text, select: text };
const tree: Entries = { ...search, stepStop: texts, maxStepTokens: number, maxSteps: number, lookahead: number };

/**
 * The library's strategies under their own names. `strategy.options` of a request are those options of their constructors that
 * are plain data; `max_tokens`, `temperature` and the like go to `maxTokens` and `sampling`.
 *
 * @throws {InvalidOptionError}
 */
export function standardStrategies({ scorer, maxBranches = 64, isSame }: StandardStrategiesOptions = {}): StrategyRegistry {
  requireWholeNumber('maxBranches', maxBranches, 1);
  const same = isSame && { isSame };
  const offer = (entries: Entries, make: (options: never) => Strategy, streamsText?: StrategyMaker['streamsText']): StrategyMaker => ({
    create: (call) => make(constructorOptions(entries, call, maxBranches) as never),
    ...(streamsText && { streamsText }),
  });
  return {
    'self-consistency': offer({ ...solution, branches: number, earlyDecision: text, launch: text }, (options: object) => {
      return new SelfConsistency({ ...same, ...options });
    }),
    'first-finish': offer({ ...solution, branches: number, finishers: number }, (options: object) => new FirstFinish({ ...same, ...options })),
    'deep-conf': offer(
      { ...solution, mode: text, branches: number, warmUp: number, keep: number, window: number, topLogprobs: number, aggregation: text },
      (options: object) => new DeepConf({ ...same, ...options }),
    ),
    'budget-forcing': offer(
      {
        forcedAnswer: v.optional(forcedAnswer),
        branches: number,
        thinkMs: number,
        minThinkMs: number,
        maxWaits: number,
        wait: text,
        thinkingEnd: v.optional(v.union([v.literal(false), v.string()])),
      },
      (options: object) => new BudgetForcing(options),
      ({ options }) => (options['branches'] ?? 1) === 1,
    ),
    'probe-and-exit': offer(
      { ...solution, branches: number, interval: number, agreements: number, hedges: texts },
      (options: object) => new ProbeAndExit({ ...same, ...options }),
      ({ options }) => (options['branches'] ?? 1) === 1,
    ),
    ...(scorer && scoredStrategies(scorer, same ?? {}, offer)),
  };
}

type Offer = (entries: Entries, make: (options: never) => Strategy) => StrategyMaker;

function scoredStrategies(scorer: StepScorer | OutcomeScorer, same: object, offer: Offer): StrategyRegistry {
  const fixed = { ...same, scorer };
  return {
    'best-of-n': offer({ ...solution, branches: number, select: text, acceptAt: number, firstWave: number, aggregation: text }, (options: object) => {
      return new BestOfN({ ...('select' in options && options.select === 'by-answer' ? same : {}), scorer, ...options });
    }),
    'speculative-rejection': offer(
      { ...search, branches: number, rejectShare: number, checkpoints: number, firstPhaseTokens: number },
      (options: object) => new SpeculativeRejection({ ...fixed, ...options }),
    ),
    ...(scorer.kind === 'step' && treeSearches({ ...same, scorer }, offer)),
  };
}

function treeSearches(fixed: { readonly scorer: StepScorer }, offer: Offer): StrategyRegistry {
  return {
    'beam-search': offer({ ...tree, beams: number, width: number, dropsDuplicates: v.optional(v.boolean()) }, (options: object) => {
      return new BeamSearch({ ...fixed, ...options });
    }),
    'diverse-tree-search': offer({ ...tree, beams: number, width: number }, (options: object) => new DiverseTreeSearch({ ...fixed, ...options })),
    rebase: offer({ ...tree, width: number, temperature: number }, (options: object) => new Rebase({ ...fixed, ...options })),
    'particle-filter': offer(
      { ...tree, particles: number, resampling: text, essThreshold: number, temperature: number, iterations: number, references: number },
      (options: object) => new ParticleFilter({ ...fixed, ...options }),
    ),
    'monte-carlo-tree-search': offer({ ...tree, simulations: number, width: number, rule: text, exploration: number }, (options: object) => {
      return new MonteCarloTreeSearch({ ...fixed, ...options });
    }),
  };
}

/** @throws {InvalidOptionError} for an option that is unknown, of another type, or beyond what is offered. */
function constructorOptions(entries: Entries, { options, maxTokens, sampling }: StrategyCall, maxBranches: number): PlainOptions {
  const parsed = v.safeParse(v.strictObject(entries), options);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue) ?? '';
    const names = Object.keys(entries).join(', ');
    if (issue.expected === 'never') throw new InvalidOptionError(path, `one of ${names}`, path);
    throw new InvalidOptionError(path, issue.expected ?? 'valid', issue.input);
  }
  const checked = parsed.output as PlainOptions;
  // Of these a client could ask for more than a machine bears.
  for (const name of WIDTH_OPTIONS) {
    const value = checked[name];
    if (typeof value === 'number' && value > maxBranches) throw new InvalidOptionError(name, `at most ${maxBranches} on this server`, value);
  }
  return { ...checked, ...(maxTokens !== undefined && { maxTokens }), sampling };
}

/**
 * Particle filtering against a process reward model, and particle Gibbs (Puri, Sudalairaj, Xu, Xu and Srivastava 2025,
 * arXiv:2502.01618): solutions are samples of a posterior, drawn step by step. After each step the particles, complete ones
 * among them, are drawn anew by the softmax of the logits of their scores; so a poor one may live on, and a reward model
 * that errs early costs less than in a search that keeps the best only.
 *
 * A particle Gibbs iteration runs the filter again with particles of the one before as references: they keep their place
 * whatever is drawn, and others may go on from where they were (Andrieu, Doucet and Holenstein 2010).
 *
 * @module
 */
import * as v from 'valibot';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { randomSequence, type RandomSource } from '../maths/random.ts';
import { effectiveSampleSize, multinomialCounts, particleWeights, systematicCounts } from '../maths/resampling.ts';
import { number, oneOf, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';
import { withSolutionPolicy } from './solution-policy.ts';
import { StrategyRun } from './strategy-run.ts';
import { effectiveScores, type Path } from './tree/path.ts';
import { Particles, type ParticlePolicy } from './tree/particles.ts';
import { SELECTIONS, treeEntries, type TreePolicy } from './tree/tree-options.ts';
import { chooseSolution, concludeSearch, type Choice, type TreeSearchResult } from './tree/tree-result.ts';
import { treeMachine } from './tree/tree-search.ts';

export const particleFilterEntries = {
  ...treeEntries,
  /** How many solutions are sampled together. Whole number ≥ 1. @default 16 */
  particles: v.optional(wholeNumber(1), 16),
  /** How particles are drawn: by evenly spaced points, which varies least, or independently of each other. @default 'systematic' */
  resampling: v.optional(oneOf(['systematic', 'multinomial']), 'systematic'),
  /** Particles are drawn again when their weights are worth no more than this share of as many equal ones; 1: after every step. In [0, 1]. @default 1 */
  essThreshold: v.optional(number(0, 1), 1),
  /** Divides the logits of scores; the higher, the more equal the weights. Above 0. @default 1 */
  temperature: v.optional(number(Number.MIN_VALUE), 1),
  /** Times the filter is run, each with references from the one before. Whole number ≥ 1. @default 1 */
  iterations: v.optional(wholeNumber(1), 1),
  /** References a further iteration keeps: fewer than `particles`. Whole number ≥ 1. No effect with one iteration. @default 1 */
  references: v.optional(wholeNumber(1), 1),
  /** Which of the complete particles is returned; `sample` draws one by weight, as the posterior has it. @default 'highest' */
  select: v.optional(oneOf([...SELECTIONS, 'sample']), 'highest'),
};

export interface ParticleFilterOptions extends OptionsOf<typeof particleFilterEntries> {}

/** Random numbers of resampling, apart from those of tokens. */
const PURPOSE = 16;

export class ParticleFilter implements Strategy<TreeSearchResult> {
  readonly name = 'particle-filter';
  readonly #tree: TreePolicy;
  readonly #policy: ParticlePolicy;
  readonly #temperature: number;
  readonly #iterations: number;
  readonly #references: number;
  readonly #isSampled: boolean;

  /** @throws {InvalidOptionError} */
  constructor(options: ParticleFilterOptions) {
    const { particles, resampling, essThreshold, temperature, iterations, references, select, ...tree } = readOptions(particleFilterEntries, options);
    if (iterations > 1 && references >= particles) throw new InvalidOptionError('references', `less than \`particles\`, ${particles}`, references);
    this.#isSampled = select === 'sample';
    this.#tree = withSolutionPolicy({ ...tree, select: select === 'sample' ? 'highest' : select });
    this.#temperature = temperature;
    this.#iterations = iterations;
    this.#references = references;
    const draw = resampling === 'systematic' ? drawSystematically : multinomialCounts;
    this.#policy = {
      count: particles,
      resample: (scores, count, random) => {
        const weights = particleWeights(scores, temperature);
        return effectiveSampleSize(weights) <= essThreshold * weights.length ? draw(weights, count, random) : undefined;
      },
      select: (scores, count, random) => draw(particleWeights(scores, temperature), count, random),
    };
  }

  run(request: StrategyRequest): Promise<TreeSearchResult> {
    return StrategyRun.conduct(this.name, request, { sampling: this.#tree.solution.sampling, scorer: this.#tree.scorer }, async (run) => {
      const machine = treeMachine(run, request.prompt, this.#tree);
      const random = randomSequence(run.scope.seed, 0, PURPOSE);
      const particles = new Particles(machine, this.#tree, this.#policy, random);
      const sampled: Path[] = [];
      for (let iteration = 0; iteration < this.#iterations && !machine.isOutOfTime; iteration++) {
        const references = iteration === 0 ? [] : particles.references(sampled, this.#references);
        sampled.push(...(await particles.filter(references)));
      }
      // Where the deadline came first, whatever ended stands for the particles.
      const ended = sampled.length > 0 ? sampled : machine.ended;
      return concludeSearch(machine, this.#choose(ended, random));
    });
  }

  #choose(paths: readonly Path[], random: RandomSource): Choice {
    const complete = paths.filter(({ isComplete }) => isComplete);
    if (!this.#isSampled || complete.length === 0) return chooseSolution(paths, this.#tree.select, this.#tree.isSame);
    const weights = particleWeights(effectiveScores(complete), this.#temperature);
    const drawn = multinomialCounts(weights, 1, random).indexOf(1);
    return { path: complete[drawn], confidence: weights[drawn]! };
  }
}

function drawSystematically(weights: readonly number[], count: number, random: RandomSource): number[] {
  return systematicCounts(weights, count, random());
}

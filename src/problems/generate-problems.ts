/**
 * Seeded multi-step word problems over + − × ÷ on natural numbers, with worked solutions.
 * The bundled models are trained on the `train` split of this generator and measured on `test`.
 *
 * @module
 */
import { InvalidOptionError } from '../errors.ts';
import { requireKnownNames, requireWholeNumber } from '../options.ts';
import { hashText } from '../maths/hash-text.ts';
import { randomSequence } from '../maths/random.ts';
import { tellStory, type SolutionStep } from './story.ts';

/** How many operations the solution needs. */
export type Tier = 2 | 3 | 4 | 5 | 6;
export const TIERS: readonly Tier[] = [2, 3, 4, 5, 6];

/** Disjoint by content: the text of a problem decides its split, whatever the seed. */
export type Split = 'train' | 'calibration' | 'test';

export interface Problem {
  /** Stable name, derived from the text. */
  readonly id: string;
  readonly tier: Tier;
  readonly split: Split;
  /** The problem as a person would ask it. */
  readonly question: string;
  /** The operations that solve it, in order. */
  readonly steps: readonly SolutionStep[];
  /** One step a line and a last line `#### answer`. */
  readonly solution: string;
  /** The value of the last step, as text. */
  readonly answer: string;
}

export interface GenerateProblemsOptions {
  /** Whole number ≥ 0. The same options give the same problems. */
  readonly seed: number;
  readonly tier: Tier;
  /** How many problems. Whole number ≥ 0. */
  readonly count: number;
  readonly split: Split;
}

/** Share of all possible problems in each split, in hundredths: test, calibration, the rest is for training. */
const TEST_SHARE = 5;
const CALIBRATION_SHARE = 5;

/**
 * Generates problems without repetitions.
 *
 * @throws {InvalidOptionError} for a tier, split, seed or count outside its range.
 */
export function generateProblems(options: GenerateProblemsOptions): Problem[] {
  requireKnownNames(options, ['seed', 'tier', 'count', 'split'] satisfies (keyof GenerateProblemsOptions)[]);
  const { seed, tier, count, split } = options;
  requireWholeNumber('seed', seed);
  requireWholeNumber('count', count);
  if (!TIERS.includes(tier)) throw new InvalidOptionError('tier', 'one of 2, 3, 4, 5, 6', tier);
  if (!['train', 'calibration', 'test'].includes(split)) throw new InvalidOptionError('split', "'train', 'calibration' or 'test'", split);

  const problems = new Map<string, Problem>();
  for (let attempt = 0; problems.size < count; attempt++) {
    const { question, steps } = tellStory(randomSequence(seed, attempt, tier), tier);
    const digest = hashText(question);
    if (splitOf(digest) !== split || problems.has(question)) continue;
    const answer = String(steps.at(-1)!.result);
    problems.set(question, {
      id: `t${tier}-${digest.toString(16).padStart(8, '0')}`,
      tier,
      split,
      question,
      steps,
      solution: formatSolution(steps),
      answer,
    });
  }
  return [...problems.values()];
}

/** Writes steps the way the bundled models do: `34+84=118` a line, then `#### 118`. */
export function formatSolution(steps: readonly SolutionStep[]): string {
  const lines = steps.map(({ left, operator, right, result }) => `${left}${operator}${right}=${result}`);
  return [...lines, `#### ${steps.at(-1)?.result ?? ''}`].join('\n');
}

function splitOf(digest: number): Split {
  const bucket = digest % 100;
  if (bucket < TEST_SHARE) return 'test';
  return bucket < TEST_SHARE + CALIBRATION_SHARE ? 'calibration' : 'train';
}

/**
 * Mistakes a person makes in a worked solution: a wrong digit, a number from elsewhere in the story, plus for minus.
 * The training solutions contain them at a fixed rate, so that the bundled model errs on purpose and the
 * strategies of the library have something to win. Everything after a slip goes on consistently from the wrong value.
 */
import type { SolutionStep } from '../src/problems/story.ts';
import { pick } from '../src/problems/story.ts';
import type { RandomSource } from '../src/maths/random.ts';

const APPLY: Readonly<Record<SolutionStep['operator'], (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
};

/** A copy of the solution in which each step carries a mistake with probability `rate`. */
export function withSlips(steps: readonly SolutionStep[], storyNumbers: readonly number[], rate: number, random: RandomSource): SolutionStep[] {
  const written = new Map<number, number>();
  return steps.map((step) => {
    const left = written.get(step.left) ?? step.left;
    const right = written.get(step.right) ?? step.right;
    const honest: SolutionStep = { ...step, left, right, result: APPLY[step.operator](left, right) };
    const slipped = random() < rate ? slip(honest, storyNumbers, random) : honest;
    const isPossible = Number.isInteger(slipped.result) && slipped.result >= 0 && slipped.result <= 999;
    const final = isPossible ? slipped : { ...step, left, right, result: step.result };
    if (final.result !== step.result) written.set(step.result, final.result);
    return final;
  });
}

function slip(step: SolutionStep, storyNumbers: readonly number[], random: RandomSource): SolutionStep {
  const kind = random();
  if (kind < 0.5) {
    const digit = 10 ** Math.floor(random() * String(step.result).length);
    return { ...step, result: step.result + pick(random, [-1, 1, 1, 2, -2]) * digit };
  }
  if (kind < 0.75) {
    const right = pick(random, storyNumbers);
    return { ...step, right, result: APPLY[step.operator](step.left, right) };
  }
  const operator = step.operator === '+' ? '-' : '+';
  return { ...step, operator, result: APPLY[operator](step.left, step.right) };
}

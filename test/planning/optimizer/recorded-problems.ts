/** Traces of problems that never were: solutions of known lengths, right as often as a problem is easy. */
import type { LatencyProfile } from '../../../src/contracts/profile.ts';
import type { BranchTrace, ProblemTrace } from '../../../src/contracts/trace.ts';
import { randomAt } from '../../../src/maths/random.ts';

export interface InventedProblems {
  readonly count: number;
  readonly branches: number;
  /** Probability that a branch of the problem is right. */
  readonly ease: (problem: number) => number;
  /** Tokens of a branch. @default 12 to 40 */
  readonly length?: (random: number) => number;
}

/** A token a character; every sixth token the branch was asked for its answer, and said something wrong. */
export function inventTraces({ count, branches, ease, length = (random) => 12 + Math.floor(28 * random) }: InventedProblems): ProblemTrace[] {
  return Array.from({ length: count }, (_, problem) => ({
    id: String(problem),
    prompt: `problem ${problem}?`,
    reference: '42',
    promptTokens: 10,
    seed: 0,
    branches: Array.from({ length: branches }, (_, branch) => {
      const isRight = randomAt(problem, branch, 0) < ease(problem);
      const answer = isRight ? '42' : String(Math.floor(5 * randomAt(problem, branch, 1)));
      return inventBranch(
        answer,
        isRight ? 0.4 + 0.6 * randomAt(problem, branch, 3) : 0.7 * randomAt(problem, branch, 3),
        length(randomAt(problem, branch, 2)),
      );
    }),
  }));
}

function inventBranch(answer: string, score: number, tokens: number): BranchTrace {
  const text = `${'.'.repeat(tokens - answer.length - 7)}\n#### ${answer}`;
  const ends = [...Array.from(text, (_, index) => index + 1), text.length];
  const probes = Array.from({ length: Math.floor(tokens / 6) }, (_, probe) => ({
    at: 6 * (probe + 1),
    suffix: '\n#### ',
    suffixTokens: 5,
    text: '9',
    ends: [1, 1],
    logprobs: [-1, -1],
    finish: 'end' as const,
    scores: [0.1],
  }));
  return { text, ends, logprobs: ends.map(() => -0.5), finish: 'end', answer, isRight: answer === '42', scores: [score], probes };
}

/** Steps of 2 ms and a tenth more for every token; drafts of a quarter of that. */
export const PROFILE: LatencyProfile = {
  label: 'invented',
  parts: ['target', 'draft', 'prefill', 'scorer'],
  passMs: (part, { rows, newTokens }) => (part === 'draft' ? 0.4 : part === 'scorer' ? 3 + 0.05 * rows : 2 + 0.1 * rows * newTokens),
  spread: (_, probability) => 0.95 + 0.1 * probability,
  requestMs: 1,
};

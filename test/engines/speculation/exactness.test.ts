/**
 * Speculative decoding is lossless: at toy vocabulary the distribution of whole outputs is computed exactly, by running
 * the decoder once for every combination of the uniform numbers it asks for on a fine grid, and compared with the
 * distribution of plain decoding. A planted fault must show.
 */
import { describe, expect, test } from 'vitest';
import { acceptByRejection } from '../../../src/maths/accept-draft.ts';
import { TokenDistribution } from '../../../src/maths/token-distribution.ts';

const of = (...probs: readonly number[]): TokenDistribution => TokenDistribution.of(probs);
const TARGET = [of(0.5, 0.3, 0.2), of(0.1, 0.6, 0.3), of(0.25, 0.25, 0.5)];
const DRAFT = [of(0.2, 0.5, 0.3), of(0.4, 0.2, 0.4), of(0.6, 0.3, 0.1)];
const GRID = 60;

/** Probability of each outcome of one position, over all combinations of its three uniform numbers. */
function outcomes(decide: (points: readonly [number, number, number]) => number): number[] {
  const counts = [0, 0, 0];
  for (let first = 0; first < GRID; first++) {
    for (let second = 0; second < GRID; second++) {
      for (let third = 0; third < GRID; third++) {
        counts[decide([(first + 0.5) / GRID, (second + 0.5) / GRID, (third + 0.5) / GRID])]!++;
      }
    }
  }
  return counts.map((count) => count / GRID ** 3);
}

function distance(left: ArrayLike<number>, right: ArrayLike<number>): number {
  return Array.from(left, (value, index) => Math.abs(value - right[index]!)).reduce((sum, value) => sum + value, 0) / 2;
}

describe('acceptByRejection', () => {
  test.each([0, 1, 2])('gives the target distribution for a drawn token (pair %i)', (pair) => {
    const found = outcomes(([draftPoint, acceptPoint, residualPoint]) => {
      const drafted = DRAFT[pair]!.draw(draftPoint);
      return acceptByRejection(drafted, DRAFT[pair], TARGET[pair]!, { acceptPoint, residualPoint }).token;
    });
    expect(distance(found, TARGET[pair]!.probs.subarray(0, 3))).toBeLessThan(0.02);
  });

  test.each([0, 1, 2])('gives the target distribution for a token that was looked up (token %i)', (drafted) => {
    const found = outcomes(([, acceptPoint, residualPoint]) => acceptByRejection(drafted, undefined, TARGET[0]!, { acceptPoint, residualPoint }).token);
    expect(distance(found, TARGET[0]!.probs.subarray(0, 3))).toBeLessThan(0.02);
  });

  test('accepts with probability sum of min(target, draft)', () => {
    let accepted = 0;
    outcomes(([draftPoint, acceptPoint, residualPoint]) => {
      const drafted = DRAFT[0]!.draw(draftPoint);
      const verdict = acceptByRejection(drafted, DRAFT[0], TARGET[0]!, { acceptPoint, residualPoint });
      accepted += Number(verdict.isAccepted) / GRID ** 3;
      return verdict.token;
    });
    expect(accepted).toBeCloseTo(0.7, 1);
  });

  test('shows swapped roles and a wrong residual: both miss the target', () => {
    const swapped = outcomes(([draftPoint, acceptPoint, residualPoint]) => {
      const drafted = DRAFT[0]!.draw(draftPoint);
      return acceptByRejection(drafted, TARGET[0], DRAFT[0]!, { acceptPoint, residualPoint }).token;
    });
    expect(distance(swapped, TARGET[0]!.probs.subarray(0, 3))).toBeGreaterThan(0.1);
    const wholeTarget = outcomes(([draftPoint, acceptPoint, residualPoint]) => {
      const drafted = DRAFT[0]!.draw(draftPoint);
      const { isAccepted } = acceptByRejection(drafted, DRAFT[0], TARGET[0]!, { acceptPoint, residualPoint });
      return isAccepted ? drafted : TARGET[0]!.draw(residualPoint);
    });
    expect(distance(wholeTarget, TARGET[0]!.probs.subarray(0, 3))).toBeGreaterThan(0.05);
  });

  test('falls back to the target when rounding leaves no residual', () => {
    const same = of(0.5, 0.5);
    const { token } = acceptByRejection(0, of(0.5, 0.5), same, { acceptPoint: 1, residualPoint: 0.9 });
    expect(token).toBe(1);
  });

  test('never keeps a token outside the target support', () => {
    const target = of(0, 1, 0);
    for (const acceptPoint of [0, 0.5, 0.999]) {
      expect(acceptByRejection(0, of(1, 0, 0), target, { acceptPoint, residualPoint: 0.3 })).toEqual({ isAccepted: false, token: 1 });
    }
  });
});

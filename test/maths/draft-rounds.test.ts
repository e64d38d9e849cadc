import { describe, expect, test } from 'vitest';
import { bestDraftLength, expectedTokens } from '../../src/maths/draft-rounds.ts';

const LONGEST = 16;
const constant = (rate: number): number[] => new Array<number>(LONGEST).fill(rate);

describe('expectedTokens', () => {
  // Leviathan et al. 2022, equation 1: (1 − a^(k+1)) / (1 − a).
  test.each([
    [0.6, [1.6, 1.96, 2.176, 2.306, 2.383, 2.458, 2.491]],
    [0.7, [1.7, 2.19, 2.533, 2.773, 2.941, 3.141, 3.267]],
    [0.8, [1.8, 2.44, 2.952, 3.362, 3.689, 4.161, 4.571]],
    [0.9, [1.9, 2.71, 3.439, 4.095, 4.686, 5.695, 6.862]],
  ])('at acceptance %f', (rate, expected) => {
    expect([1, 2, 3, 4, 5, 7, 10].map((length) => Number(expectedTokens(constant(rate), length).toFixed(3)))).toEqual(expected);
  });

  test('takes rates by position', () => {
    expect(expectedTokens([0.5, 0.4], 2)).toBeCloseTo(1 + 0.5 + 0.2);
  });
});

describe('bestDraftLength', () => {
  test.each([
    [0.6, 0.1, 3, 1.674],
    [0.6, 0.3, 1, 1.231],
    [0.7, 0.1, 4, 1.981],
    [0.7, 0.3, 2, 1.369],
    [0.8, 0.05, 8, 3.092],
    [0.8, 0.1, 6, 2.47],
    [0.8, 0.2, 4, 1.868],
    [0.9, 0.05, 13, 4.674],
    [0.9, 0.1, 10, 3.431],
    [0.9, 0.3, 5, 1.874],
  ])('acceptance %f and draft cost %f: length %i, speed-up %f', (rate, cost, length, speedUp) => {
    const roundMs = (drafted: number): number => 1 + cost * drafted;
    expect(bestDraftLength(constant(rate), LONGEST, roundMs)).toBe(length);
    expect(expectedTokens(constant(rate), length) / roundMs(length)).toBeCloseTo(speedUp, 2);
  });

  test('is 0 when verifying costs more than it saves', () => {
    expect(bestDraftLength(constant(0.8), 8, (length) => (length === 0 ? 2 : 6 + length))).toBe(0);
  });
});

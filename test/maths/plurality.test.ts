import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { binomial, pluralityAccuracy } from '../../src/maths/plurality.ts';
import { randomSequence } from '../../src/maths/random.ts';

/** The same by drawing votes. */
function simulated(voters: number, share: number, answers: number): number {
  const random = randomSequence(7);
  let right = 0;
  for (let round = 0; round < 20_000; round++) {
    const votes = new Array<number>(answers + 1).fill(0);
    for (let voter = 0; voter < voters; voter++) votes[random() < share ? 0 : 1 + Math.floor(answers * random())]!++;
    const most = Math.max(...votes.slice(1));
    right += votes[0]! > most ? 1 : votes[0]! === most && most > 0 ? 0.5 : 0;
  }
  return right / 20_000;
}

describe('pluralityAccuracy', () => {
  test('is the share itself for one voter, and nothing without any', () => {
    expect(pluralityAccuracy(1, 0.3, 4)).toBeCloseTo(0.3, 12);
    expect(pluralityAccuracy(0, 0.3, 4)).toBe(0);
  });

  test.each([
    [3, 0.4, 1],
    [5, 0.4, 4],
    [8, 0.3, 3],
    [16, 0.25, 5],
  ])('is what drawn votes say: %i voters, %d right, %i wrong answers', (voters, share, answers) => {
    expect(Math.abs(pluralityAccuracy(voters, share, answers) - simulated(voters, share, answers))).toBeLessThan(0.012);
  });

  test('is a probability that grows with the share', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 0.9, noNaN: true }), fc.integer({ min: 1, max: 6 }), (voters, share, answers) => {
        const accuracy = pluralityAccuracy(voters, share, answers);
        expect(accuracy).toBeGreaterThanOrEqual(-1e-9);
        expect(pluralityAccuracy(voters, share + 0.1, answers)).toBeGreaterThanOrEqual(accuracy - 1e-9);
        expect(accuracy).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });
});

test('binomial probabilities add up to one', () => {
  for (const probability of [0, 0.2, 1])
    expect(Array.from({ length: 13 }, (_, hits) => binomial(12, hits, probability)).reduce((sum, value) => sum + value)).toBeCloseTo(1, 10);
});

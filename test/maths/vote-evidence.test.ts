import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { betaPosterior, dirichletPosterior, expectedWindowBranches, mixtureEvidence } from '../../src/maths/vote-evidence.ts';
import { randomAt } from '../../src/maths/random.ts';

const count = fc.integer({ min: 0, max: 60 });

/** Simpson's rule over [start, 1]: slow, independent, exact enough. */
function integrate(start: number, density: (share: number) => number, intervals = 4000): number {
  const step = (1 - start) / intervals;
  let sum = 0;
  for (let index = 0; index <= intervals; index++) sum += (index === 0 || index === intervals ? 1 : index % 2 ? 4 : 2) * density(start + index * step);
  return (sum * step) / 3;
}

describe('the Beta posterior', () => {
  test.each([
    [1, 0, 0.75],
    [2, 0, 0.875],
    [3, 0, 0.9375],
    [4, 0, 0.96875],
    [3, 1, 0.8125],
    [4, 1, 0.890625],
    [5, 1, 0.9375],
    [6, 1, 0.9648],
    [7, 2, 0.94531],
    [9, 3, 0.95386],
  ])('of %i against %i votes is %f', (leader, rival, expected) => {
    expect(betaPosterior(leader, rival)).toBeCloseTo(expected, 4);
  });

  test('is the share of the Beta density above a half', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }), (leader, rival) => {
        const density = (share: number): number => share ** leader * (1 - share) ** rival;
        expect(betaPosterior(leader, rival)).toBeCloseTo(integrate(0.5, density) / integrate(0, density), 6);
      }),
    );
  });

  test('is a half at a tie, and what one answer lacks the other has', () => {
    fc.assert(
      fc.property(count, count, (leader, rival) => {
        expect(betaPosterior(leader, rival) + betaPosterior(rival, leader)).toBeCloseTo(1, 10);
        expect(betaPosterior(leader, leader)).toBeCloseTo(0.5, 10);
      }),
    );
  });

  test('holds for thousands of votes', () => {
    expect(betaPosterior(3000, 3000)).toBeCloseTo(0.5, 8);
    expect(betaPosterior(3200, 2800)).toBeCloseTo(1, 6);
  });
});

describe('the mixture evidence', () => {
  test.each([
    [1, 0, 1.5],
    [2, 0, 2.33],
    [3, 0, 3.75],
    [4, 0, 6.2],
    [5, 0, 10.5],
    [6, 0, 18.14],
    [7, 0, 31.88],
    [8, 0, 56.78],
    [8, 1, 11.26],
    [10, 2, 9.44],
    [12, 3, 8.91],
  ])('of %i against %i votes is %f', (leader, rival, expected) => {
    expect(mixtureEvidence(leader, rival)).toBeCloseTo(expected, 1);
  });

  test('is 1 before any vote, and at an exact tie its next value is on average no larger', () => {
    expect(mixtureEvidence(0, 0)).toBeCloseTo(1, 12);
    fc.assert(
      fc.property(count, count, fc.double({ min: 0, max: 0.5, noNaN: true }), (leader, rival, share) => {
        const next = share * mixtureEvidence(leader + 1, rival) + (1 - share) * mixtureEvidence(leader, rival + 1);
        expect(next).toBeLessThanOrEqual(mixtureEvidence(leader, rival) * (1 + 1e-9));
      }),
    );
  });

  test('rarely claims a leader at an exact tie, however often one looks, where the Beta posterior often does', () => {
    let claims = 0;
    let betaClaims = 0;
    for (let run = 0; run < 2000; run++) {
      const votes = [0, 0];
      let isClaimed = false;
      let isBetaClaimed = false;
      for (let position = 0; position < 40; position++) {
        votes[randomAt(7, run, position) < 0.5 ? 0 : 1]!++;
        const [most, least] = [Math.max(...votes), Math.min(...votes)];
        isClaimed ||= mixtureEvidence(most, least) >= 20;
        isBetaClaimed ||= betaPosterior(most, least) >= 0.95;
      }
      if (isClaimed) claims++;
      if (isBetaClaimed) betaClaims++;
    }
    expect(claims / 2000).toBeCloseTo(0.045, 1);
    expect(claims / 2000).toBeLessThan(0.1);
    expect(betaClaims / 2000).toBeCloseTo(0.418, 1);
  });
});

describe('the Dirichlet posterior', () => {
  test.each([
    [[5, 1, 1], 0.8883],
    [[6, 2, 1], 0.8861],
    [[4, 3, 2], 0.5497],
    [[10, 4, 3, 1], 0.9178],
    [[5, 1], 0.9375],
  ])('of %j is %f', (counts, expected) => {
    expect(dirichletPosterior(counts)).toBeCloseTo(expected, 3);
  });

  test('of two counts is the Beta posterior', () => {
    fc.assert(
      fc.property(count, count, (leader, rival) => {
        expect(dirichletPosterior([leader, rival])).toBeCloseTo(betaPosterior(leader, rival), 5);
      }),
    );
  });

  test('over all answers sums to 1, and the order of the rivals does not matter', () => {
    fc.assert(
      fc.property(fc.array(count, { minLength: 2, maxLength: 5 }), (counts) => {
        const leading = counts.map((_, index) => dirichletPosterior([counts[index]!, ...counts.filter((_, other) => other !== index)]));
        expect(leading.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 5);
        const [leader, ...rivals] = counts;
        expect(dirichletPosterior([leader!, ...rivals.reverse()])).toBeCloseTo(leading[0]!, 10);
      }),
    );
  });

  test('of one answer is certain', () => {
    expect(dirichletPosterior([3])).toBeCloseTo(1, 6);
  });
});

describe('the branches that windows launch', () => {
  test.each([
    [[0.8, 0.1, 0.1], 14.62],
    [[0.95, 0.05], 6.46],
    [[0.5, 0.3, 0.2], 35.55],
  ])('with shares %j are %f on average', (shares, expected) => {
    expect(expectedWindowBranches(shares)).toBeCloseTo(expected, 1);
  });

  test('are one window where all agree and all windows where none do', () => {
    expect(expectedWindowBranches([1], { window: 4, branches: 20 })).toBe(4);
    expect(expectedWindowBranches([], { window: 4, branches: 20 })).toBe(20);
  });
});

test.each([
  ['leader', () => betaPosterior(-1, 0)],
  ['rival', () => mixtureEvidence(1, 0.5)],
  ['counts', () => dirichletPosterior([1, Number.NaN])],
  ['shares', () => expectedWindowBranches([1.5])],
  ['window', () => expectedWindowBranches([1], { window: 0 })],
])('a bad %s is refused', (option, call) => {
  expect(call).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
});

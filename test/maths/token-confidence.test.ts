import { assert as property, array, double, float, integer, property as forAll } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logSumExp } from '../../src/maths/sampling.ts';
import {
  aggregateConfidence,
  confidenceOf,
  groupConfidences,
  likeliestTokens,
  meanLogprobOf,
  meanSelfCertaintyOf,
  selfCertaintyOf,
  tokenConfidences,
  type LogitRow,
} from '../../src/maths/token-confidence.ts';

const rowOf = (logits: readonly number[]): LogitRow => {
  const values = Float32Array.from([99, ...logits, 99]);
  return { values, start: 1, size: logits.length, logNormaliser: logSumExp(values, 1, logits.length) };
};
const logits = array(float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 40 });
const confidences = array(double({ min: 0, max: 30, noNaN: true }), { minLength: 1, maxLength: 60 });
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('likeliestTokens', () => {
  test('are those with the largest logits of the row, descending, of equals the lower one first', () => {
    const ties = array(integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 40 });
    for (const some of [logits, ties]) {
      property(
        forAll(some, integer({ min: 1, max: 45 }), (values, count) => {
          const row = rowOf(values);
          const rowValues = row.values.subarray(1, 1 + values.length);
          const sorted = values.map((_, index) => index).sort((left, right) => rowValues[right]! - rowValues[left]! || left - right);
          expect(likeliestTokens(row, count)).toEqual(sorted.slice(0, count));
        }),
      );
    }
  });
});

describe('selfCertaintyOf', () => {
  test('is the divergence of the row from the uniform distribution', () => {
    property(
      forAll(logits, (values) => {
        const row = rowOf(values);
        const size = values.length;
        const terms = Array.from(row.values.subarray(1, 1 + size), (value) => Math.log(1 / size) - (value - row.logNormaliser));
        expect(selfCertaintyOf(row)).toBeCloseTo(Math.max(0, meanOf(terms)), 4);
      }),
    );
  });

  test('is 0 for a uniform row and grows with the peak', () => {
    expect(selfCertaintyOf(rowOf([2, 2, 2]))).toBeCloseTo(0, 6);
    expect(selfCertaintyOf(rowOf([6, 2, 2]))).toBeGreaterThan(selfCertaintyOf(rowOf([4, 2, 2])));
  });

  test('leaves out tokens that are ruled out', () => {
    expect(selfCertaintyOf(rowOf([1, -Infinity, 3, 0]))).toBeCloseTo(selfCertaintyOf(rowOf([1, 3, 0])), 6);
  });
});

describe('tokenConfidences', () => {
  test('are minus the mean log-probability of the k likeliest', () => {
    expect(tokenConfidences([[-1, -2, -6], [-0.5]])).toEqual([3, 0.5]);
  });

  test('take exactly k, whatever else an engine lists', () => {
    expect(
      tokenConfidences(
        [
          [-1, -3, -9],
          [-1, -3],
        ],
        2,
      ),
    ).toEqual([2, 2]);
  });

  test('leave out a token without a list', () => {
    expect(tokenConfidences([[-1], [], [-3]])).toEqual([1, 3]);
  });
});

describe('groupConfidences', () => {
  test('are the means of every window', () => {
    property(
      forAll(confidences, integer({ min: 1, max: 70 }), (values, window) => {
        const size = Math.min(window, values.length);
        const groups = groupConfidences(values, window);
        expect(groups).toHaveLength(values.length - size + 1);
        for (const [start, group] of groups.entries()) expect(group).toBeCloseTo(meanOf(values.slice(start, start + size)), 8);
      }),
    );
  });

  test('are none of no tokens', () => {
    expect(groupConfidences([], 3)).toEqual([]);
  });
});

describe('aggregateConfidence', () => {
  const VALUES = [8, 6, 2, 4, 9, 7, 5, 1, 3, 10];

  test.each([
    ['mean', {}, 5.5],
    ['tail', { window: 2 }, 6.5],
    ['tail', { window: 100 }, 5.5],
    ['lowest-group', { window: 2 }, 2],
    ['lowest-group', { window: 1 }, 1],
    ['lowest-group', { window: 100 }, 5.5],
    ['bottom-groups', { window: 1, bottomShare: 0.3 }, 2],
    ['bottom-groups', { window: 1 }, 1],
    ['bottom-groups', { window: 1, bottomShare: 0.01 }, 1],
  ] as const)('%s with %j', (aggregation, options, expected) => {
    expect(aggregateConfidence(VALUES, { aggregation, ...options })).toBeCloseTo(expected, 12);
  });

  test('orders lowest group ≤ bottom groups ≤ mean of the groups', () => {
    property(
      forAll(confidences, integer({ min: 1, max: 20 }), (values, window) => {
        const lowest = aggregateConfidence(values, { aggregation: 'lowest-group', window })!;
        const bottom = aggregateConfidence(values, { aggregation: 'bottom-groups', window })!;
        expect(lowest).toBeLessThanOrEqual(bottom + 1e-9);
        expect(bottom).toBeLessThanOrEqual(meanOf(groupConfidences(values, window)) + 1e-9);
      }),
    );
  });

  test('is undefined for a branch without tokens', () => {
    expect(aggregateConfidence([])).toBeUndefined();
  });

  test('refuses options outside their range', () => {
    expect(() => aggregateConfidence([1], { window: 0 })).toThrow('`window`');
    expect(() => aggregateConfidence([1], { bottomShare: 0 })).toThrow('`bottomShare`');
    expect(() => aggregateConfidence([1], { aggregation: 'median' as 'mean' })).toThrow("'lowest-group'");
  });
});

describe('scores of a branch', () => {
  const SEGMENTS = [
    { logprobs: [-1, -3], topLogprobs: [[-1, -3], [-0.5, -3]], selfCertainty: [2, 4] }, // prettier-ignore
    { logprobs: [-0.5], topLogprobs: [[-0.5, -1.5]], selfCertainty: [9] },
  ];

  test('run over all tokens of all segments', () => {
    expect(meanLogprobOf(SEGMENTS)).toBeCloseTo(-1.5, 12);
    expect(meanSelfCertaintyOf(SEGMENTS)).toBeCloseTo(5, 12);
    expect(confidenceOf(SEGMENTS)).toBeCloseTo((2 + 1.75 + 1) / 3, 12);
    expect(confidenceOf(SEGMENTS, { count: 1 })).toBeCloseTo((1 + 0.5 + 0.5) / 3, 12);
    expect(confidenceOf(SEGMENTS, { aggregation: 'lowest-group', window: 2 })).toBeCloseTo(1.375, 12);
  });

  test('are undefined where a segment does not tell, or there is no token', () => {
    const silent = [...SEGMENTS, { logprobs: [-1] }];
    expect([meanSelfCertaintyOf(silent), confidenceOf(silent)]).toEqual([undefined, undefined]);
    expect([meanLogprobOf([]), meanSelfCertaintyOf([]), confidenceOf([])]).toEqual([undefined, undefined, undefined]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { TokenDistribution } from '../../src/maths/token-distribution.ts';
import { argmax, DEFAULT_SAMPLING, logSumExp, processedDistribution, resolveSampling, sampleIndex, type Sampling } from '../../src/maths/sampling.ts';

/** The processed distribution of one row of logits. */
function distribution(logits: readonly number[], sampling: Partial<Sampling> = {}, seen: readonly number[] = []): number[] {
  const into = new TokenDistribution();
  processedDistribution({ values: Float32Array.from(logits), start: 0, size: logits.length }, { ...DEFAULT_SAMPLING, ...sampling }, seen, into);
  return dense(into, logits.length);
}

function dense(distribution: TokenDistribution, size: number): number[] {
  return Array.from({ length: size }, (_, token) => distribution.probabilityOf(token));
}

/** Logits whose softmax is these probabilities. */
function logitsOf(...probabilities: readonly number[]): number[] {
  return probabilities.map(Math.log);
}

function expectClose(received: readonly number[], expected: readonly number[]): void {
  expect(received).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) expect(received[index]).toBeCloseTo(value, 5);
}

/** Tokens with any probability, ascending. */
function support(probs: readonly number[]): number[] {
  return [...probs.keys()].filter((token) => probs[token]! > 0);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const anyLogits = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 40 });
const anySampling: fc.Arbitrary<Sampling> = fc.record({
  repetitionPenalty: fc.double({ min: 0.5, max: 2, noNaN: true }),
  temperature: fc.oneof(fc.constant(0), fc.double({ min: 0.05, max: 5, noNaN: true })),
  topK: fc.integer({ min: 0, max: 45 }),
  topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
  minP: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('resolveSampling', () => {
  test('fills in the stated defaults', () => {
    expect(resolveSampling()).toEqual({ repetitionPenalty: 1, temperature: 1, topK: 0, topP: 1, minP: 0 });
  });

  test('takes given fields, the others from the defaults passed in', () => {
    const defaults: Sampling = { repetitionPenalty: 1.1, temperature: 0.6, topK: 20, topP: 0.95, minP: 0.05 };
    expect(resolveSampling({ temperature: 0, topK: 3 }, defaults)).toEqual({ ...defaults, temperature: 0, topK: 3 });
  });

  test.each([
    ['repetitionPenalty', 0],
    ['repetitionPenalty', -1],
    ['repetitionPenalty', Infinity],
    ['temperature', -0.1],
    ['temperature', NaN],
    ['temperature', Infinity],
    ['temperature', '1'],
    ['topK', -1],
    ['topK', 1.5],
    ['topP', 0],
    ['topP', 1.01],
    ['topP', NaN],
    ['minP', -0.01],
    ['minP', 1.01],
    ['minP', null],
  ])('refuses %s %s and names the option', (field, value) => {
    // A caller in JavaScript can pass anything.
    const options: Record<string, unknown> = { [field]: value };
    expect(() => resolveSampling(options)).toThrow(InvalidOptionError);
    expect(() => resolveSampling(options)).toThrow(expect.objectContaining({ option: `sampling.${field}` }));
  });

  test.each([{ temperature: 0 }, { topP: 1 }, { minP: 0 }, { minP: 1 }, { topK: 0 }, { repetitionPenalty: 0.01 }])('accepts the edge %o', (options) => {
    expect(resolveSampling(options)).toEqual({ ...DEFAULT_SAMPLING, ...options });
  });
});

describe('argmax', () => {
  test('takes the first of equal largest values', () => {
    expect(argmax(Float32Array.of(1, 3, 2, 3))).toBe(1);
  });

  test('looks only at the row and counts from its start', () => {
    expect(argmax(Float32Array.of(9, 1, 4, 2, 9), 1, 3)).toBe(1);
  });

  test('finds a largest value that is not finite', () => {
    expect(argmax(Float32Array.of(-Infinity, -Infinity, -5))).toBe(2);
    expect(argmax(Float32Array.of(1, Infinity))).toBe(1);
  });
});

describe('logSumExp', () => {
  test('equals the logarithm of the sum of exponentials', () => {
    fc.assert(
      fc.property(anyLogits, (logits) => {
        expect(logSumExp(Float32Array.from(logits))).toBeCloseTo(Math.log(sum(logits.map(Math.exp))), 4);
      }),
    );
  });

  test('neither overflows nor underflows', () => {
    expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.LN2, 4);
    expect(logSumExp(Float32Array.of(-1000, -1000))).toBeCloseTo(-1000 + Math.LN2, 4);
    expect(logSumExp(Float32Array.of(3, -Infinity))).toBe(3);
  });

  test('looks only at the row', () => {
    expect(logSumExp(Float32Array.of(50, 0, 0, 50), 1, 2)).toBeCloseTo(Math.LN2, 6);
  });
});

describe('processedDistribution', () => {
  test('without options is the softmax', () => {
    expectClose(distribution(logitsOf(0.1, 0.2, 0.7)), [0.1, 0.2, 0.7]);
  });

  test('reads its row and leaves the logits as they are', () => {
    const logits = Float32Array.of(7, 7, ...logitsOf(0.25, 0.75), 7);
    const before = Float32Array.from(logits);
    const into = new TokenDistribution();
    processedDistribution({ values: logits, start: 2, size: 2 }, { ...DEFAULT_SAMPLING, repetitionPenalty: 2 }, [1], into);
    expect(into.count).toBe(2);
    processedDistribution({ values: logits, start: 2, size: 2 }, DEFAULT_SAMPLING, [], into);
    expectClose(dense(into, 2), [0.25, 0.75]);
    expect(logits).toEqual(before);
  });

  test('overwrites what the receiver held before', () => {
    const into = TokenDistribution.of([9, 9, 9]);
    processedDistribution({ values: Float32Array.of(0, 0), start: 0, size: 2 }, DEFAULT_SAMPLING, [], into);
    expect(dense(into, 3)).toEqual([0.5, 0.5, 0]);
  });

  test('gives no probability to a logit of -Infinity', () => {
    expect(distribution([-Infinity, 0, 0])).toEqual([0, 0.5, 0.5]);
  });

  describe('temperature', () => {
    test('divides the logits', () => {
      // Half the temperature squares the ratio of two probabilities: 1:3 becomes 1:9.
      expectClose(distribution(logitsOf(0.25, 0.75), { temperature: 0.5 }), [0.1, 0.9]);
      expectClose(distribution(logitsOf(0.1, 0.9), { temperature: 2 }), [0.25, 0.75]);
    });

    test('0 puts everything on the first largest logit', () => {
      expect(distribution([1, 5, 2, 5], { temperature: 0 })).toEqual([0, 1, 0, 0]);
    });

    test('0 ignores top-k, top-p and min-p', () => {
      expect(distribution([1, 5, 2], { temperature: 0, topK: 2, topP: 0.1, minP: 1 })).toEqual([0, 1, 0]);
    });

    test('close to 0 stays finite', () => {
      expect(distribution([1000, 999, -1000], { temperature: 1e-6 })).toEqual([1, 0, 0]);
    });
  });

  describe('top-k', () => {
    test('keeps the likeliest tokens and renormalises', () => {
      expectClose(distribution(logitsOf(0.1, 0.4, 0.2, 0.3), { topK: 2 }), [0, 4 / 7, 0, 3 / 7]);
    });

    test('keeps the lower index of equals', () => {
      expect(distribution([2, 1, 2, 2], { topK: 2 })).toEqual([0.5, 0, 0.5, 0]);
    });

    test('0, or as many as there are, keeps all', () => {
      for (const topK of [0, 3, 99]) expectClose(distribution(logitsOf(0.2, 0.5, 0.3), { topK }), [0.2, 0.5, 0.3]);
    });

    test('1 is the likeliest token', () => {
      expect(distribution(logitsOf(0.2, 0.5, 0.3), { topK: 1 })).toEqual([0, 1, 0]);
    });
  });

  describe('top-p', () => {
    test('keeps the fewest likeliest tokens that reach the mass', () => {
      expectClose(distribution(logitsOf(0.1, 0.4, 0.2, 0.3), { topP: 0.6 }), [0, 4 / 7, 0, 3 / 7]);
      expectClose(distribution(logitsOf(0.1, 0.4, 0.2, 0.3), { topP: 0.75 }), [0, 4 / 9, 2 / 9, 3 / 9]);
    });

    test('stops at a token that reaches the mass exactly', () => {
      // Halves and quarters are exact in binary.
      expect(
        distribution(
          [1, 0, 0].map((weight) => weight * Math.LN2),
          { topP: 0.5 },
        ),
      ).toEqual([1, 0, 0]);
    });

    test('always keeps the likeliest token', () => {
      expect(distribution(logitsOf(0.3, 0.4, 0.3), { topP: 0.001 })).toEqual([0, 1, 0]);
    });

    test('keeps the lower index of equals', () => {
      expect(distribution([0, 0, 0, 0], { topP: 0.5 })).toEqual([0.5, 0.5, 0, 0]);
    });

    test('comes after top-k: its mass is of what top-k kept', () => {
      // Of 0.4, 0.35 and 0.25, top-k 2 leaves 0.533 and 0.467, so that 0.5 is reached by the first alone.
      expect(distribution(logitsOf(0.4, 0.35, 0.25), { topK: 2, topP: 0.5 })).toEqual([1, 0, 0]);
    });
  });

  describe('min-p', () => {
    test('drops tokens below a share of the likeliest and renormalises', () => {
      expectClose(distribution(logitsOf(0.5, 0.3, 0.15, 0.05), { minP: 0.5 }), [5 / 8, 3 / 8, 0, 0]);
    });

    test('keeps a token at exactly the share', () => {
      expect(distribution([0, 0, -Infinity], { minP: 1 })).toEqual([0.5, 0.5, 0]);
      expect(support(distribution([Math.LN2, 0, 0], { minP: 0.5 }))).toEqual([0, 1, 2]);
    });

    test('scales with the likeliest token, unlike a fixed threshold', () => {
      expect(support(distribution(logitsOf(0.04, 0.03, ...new Array<number>(93).fill(0.01)), { minP: 0.5 }))).toEqual([0, 1]);
    });
  });

  describe('repetition penalty', () => {
    test('divides positive logits, multiplies negative ones, leaves tokens that were not seen', () => {
      const weights = [Math.exp(2 / 2), Math.exp(-1 * 2), Math.exp(2), Math.exp(-1)];
      expectClose(
        distribution([2, -1, 2, -1], { repetitionPenalty: 2 }, [0, 1]),
        weights.map((weight) => weight / sum(weights)),
      );
    });

    test('makes every seen token less likely, whatever the sign of its logit', () => {
      fc.assert(
        fc.property(fc.float({ min: -10, max: 10, noNaN: true }), (logit) => {
          fc.pre(Math.abs(logit) > 1e-3);
          expect(distribution([logit, 0], { repetitionPenalty: 1.5 }, [0])[0]).toBeLessThan(distribution([logit, 0])[0]!);
        }),
      );
    });

    test('counts a token once, however often it was seen', () => {
      expect(distribution([2, 1], { repetitionPenalty: 1.5 }, [0, 0, 0])).toEqual(distribution([2, 1], { repetitionPenalty: 1.5 }, [0]));
    });

    test('comes first: it can change which token temperature 0 takes', () => {
      expect(distribution([3, 2], { temperature: 0, repetitionPenalty: 2 }, [0])).toEqual([0, 1]);
    });
  });

  test('sums to 1 under any options', () => {
    fc.assert(
      fc.property(anyLogits, anySampling, fc.array(fc.nat(200)), (logits, sampling, seen) => {
        const probs = distribution(
          logits,
          sampling,
          seen.filter((token) => token < logits.length),
        );
        expect(sum(probs)).toBeCloseTo(1, 4);
        expect(Math.min(...probs)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('never gives probability to a token that a looser option drops', () => {
    fc.assert(
      fc.property(anyLogits, anySampling, (logits, sampling) => {
        fc.pre(sampling.temperature > 0);
        const full = new Set(support(distribution(logits, { temperature: sampling.temperature })));
        const byCount = new Set(support(distribution(logits, { ...sampling, repetitionPenalty: 1, topP: 1, minP: 0 })));
        const byMass = new Set(support(distribution(logits, { ...sampling, repetitionPenalty: 1, minP: 0 })));
        const all = support(distribution(logits, { ...sampling, repetitionPenalty: 1 }));
        expect([...byCount].every((token) => full.has(token))).toBe(true);
        expect([...byMass].every((token) => byCount.has(token))).toBe(true);
        expect(all.every((token) => byMass.has(token))).toBe(true);
        expect(all.length).toBeGreaterThan(0);
      }),
    );
  });

  test('keeps the order and the ratios of what it keeps', () => {
    fc.assert(
      fc.property(anyLogits, anySampling, (logits, sampling) => {
        fc.pre(sampling.temperature > 0);
        const full = distribution(logits, { temperature: sampling.temperature });
        const kept = distribution(logits, { ...sampling, repetitionPenalty: 1 });
        const share = sum(support(kept).map((token) => full[token]!));
        for (const token of support(kept)) expect(kept[token]).toBeCloseTo(full[token]! / share, 3);
      }),
    );
  });
});

describe('sampleIndex', () => {
  test('inverts the cumulative distribution', () => {
    const weights = Float32Array.of(0.25, 0, 0.5, 0.25);
    expect([0, 0.24, 0.25, 0.74, 0.75, 0.999].map((point) => sampleIndex(weights, point))).toEqual([0, 0, 2, 2, 3, 3]);
  });

  test('takes weights that do not sum to 1', () => {
    const weights = Float32Array.of(3, 1);
    expect([0, 0.74, 0.75, 0.99].map((point) => sampleIndex(weights, point))).toEqual([0, 0, 1, 1]);
  });

  test('never takes a token without weight, at either end', () => {
    expect(sampleIndex(Float32Array.of(0, 1, 0), 0)).toBe(1);
    expect(sampleIndex(Float32Array.of(0, 1, 0), 1 - 2 ** -53)).toBe(1);
  });

  test('takes the last token with weight where rounding leaves a sliver behind it', () => {
    // 1 itself is past every cumulative sum: what a sliver looks like.
    expect(sampleIndex(Float32Array.of(0.5, 0, 0.25, 0.25, 0, 0), 1)).toBe(3);
    expect(sampleIndex(Float32Array.of(0, 3, 0), 1)).toBe(1);
  });

  test('takes a token that has weight, for any weights and points', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (weights, point) => {
          fc.pre(weights.some((weight) => weight > 0));
          expect(weights[sampleIndex(Float32Array.from(weights), point)]).toBeGreaterThan(0);
        },
      ),
    );
  });

  test('takes each token for a share of the points equal to its weight', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }), (weights) => {
        const total = sum(weights);
        fc.pre(total > 0);
        const counts = new Array<number>(weights.length).fill(0);
        // Midpoints of as many equal intervals as there are units of weight: an enumeration, not a sample.
        for (let unit = 0; unit < total; unit++) counts[sampleIndex(Float32Array.from(weights), (unit + 0.5) / total)]!++;
        expect(counts).toEqual(weights);
      }),
    );
  });
});

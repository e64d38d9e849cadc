import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { censoredQuantile } from '../../src/maths/censored-quantile.ts';

const whole = (milliseconds: number) => ({ milliseconds, isCut: false });
const cut = (milliseconds: number) => ({ milliseconds, isCut: true });

describe('censoredQuantile', () => {
  test('is the smallest time that the share stays within, where nothing was cut', () => {
    const times = [40, 10, 30, 20].map(whole);
    expect([0.25, 0.26, 0.5, 0.75, 1].map((share) => censoredQuantile(times, share))).toEqual([10, 20, 20, 30, 40]);
  });

  test('agrees with the textbook: remission under 6-MP (Freireich et al. 1963), where half last 23 weeks', () => {
    const ended = [6, 6, 6, 7, 10, 13, 16, 22, 23].map(whole);
    const censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35].map(cut);
    expect(censoredQuantile([...censored, ...ended], 0.5)).toBe(23);
    expect(censoredQuantile([...censored, ...ended], 0.25)).toBe(13);
  });

  test('takes the longest that was seen where too much was cut to tell, and 0 where nothing was seen', () => {
    expect(censoredQuantile([whole(10), cut(20), cut(90)], 0.75)).toBe(90);
    expect(censoredQuantile([], 0.5)).toBe(0);
  });

  test('does not fall when something was cut that would have gone on', () => {
    const times = fc.array(fc.record({ milliseconds: fc.integer({ min: 0, max: 100 }), isCut: fc.boolean() }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (some, share) => {
        const asIfWhole = some.map(({ milliseconds }) => whole(milliseconds));
        expect(censoredQuantile(some, share)).toBeGreaterThanOrEqual(censoredQuantile(asIfWhole, share));
      }),
    );
  });
});

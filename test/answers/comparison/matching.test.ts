import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMatched } from '../../../src/answers/comparison/matching.ts';

describe('isMatched', () => {
  test('finds partners where the first that fits would leave another without', () => {
    const fits = new Set(['a 1', 'a 2', 'b 1']);
    expect(isMatched(['a', 'b'], ['1', '2'], (left, right) => fits.has(`${left} ${right}`))).toBe(true);
  });

  test('agrees with trying every order', () => {
    const size = 4;
    const relation = fc.array(fc.array(fc.boolean(), { minLength: size, maxLength: size }), { minLength: size, maxLength: size });
    const isPossible = (fits: readonly (readonly boolean[])[], row: number, taken: ReadonlySet<number>): boolean =>
      row === size || fits[row]!.some((isFit, column) => isFit && !taken.has(column) && isPossible(fits, row + 1, new Set([...taken, column])));
    fc.assert(
      fc.property(relation, (fits) => {
        const items = fits.map((_, index) => index);
        expect(isMatched(items, items, (left, right) => fits[left]![right]!)).toBe(isPossible(fits, 0, new Set()));
      }),
    );
  });

  test('needs lists of one length', () => {
    expect(isMatched([1], [1, 1], Object.is)).toBe(false);
    expect(isMatched([], [], Object.is)).toBe(true);
  });
});

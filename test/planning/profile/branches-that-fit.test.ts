import { describe, expect, test } from 'vitest';
import type { MemoryBudget } from '../../../src/contracts/profile.ts';
import { branchesThatFit } from '../../../src/planning/profile/branches-that-fit.ts';
import { rooflineProfile } from '../../../src/planning/profile/roofline-profile.ts';

const memory: MemoryBudget = { availableBytes: 1000, targetWeightBytes: 400, targetBytesPerToken: 2, draftWeightBytes: 100, draftBytesPerToken: 1 };

describe('branchesThatFit', () => {
  test.each([
    [{ promptTokens: 10, branchTokens: 20 }, 10],
    [{ promptTokens: 10, branchTokens: 20, isPromptShared: true }, 14],
    [{ promptTokens: 10, branchTokens: 20, withDraft: true }, 5],
    [{ promptTokens: 10, branchTokens: 20, withDraft: true, isPromptShared: true }, 7],
    [{ promptTokens: 0, branchTokens: 0 }, Infinity],
  ])('%o: %f', (options, expected) => {
    expect(branchesThatFit({ memory }, options)).toBe(expected);
  });

  test('is 0 where the weights alone are too large', () => {
    expect(branchesThatFit({ memory: { ...memory, targetWeightBytes: 1001 } }, { promptTokens: 1, branchTokens: 1 })).toBe(0);
    expect(branchesThatFit(rooflineProfile('rtx-4090', 'qwen2.5-32b'), { promptTokens: 1, branchTokens: 1 })).toBe(0);
  });

  test('has no limit where none is known', () => {
    expect(branchesThatFit({}, { promptTokens: 1e9, branchTokens: 1e9 })).toBe(Infinity);
  });

  test('a draft beside the target leaves room for fewer', () => {
    const profile = rooflineProfile('h100-sxm', 'qwen2.5-32b', { draft: 'qwen2.5-1.5b' });
    const [alone, together] = [false, true].map((withDraft) => branchesThatFit(profile, { promptTokens: 200, branchTokens: 1000, withDraft }));
    expect(together).toBeLessThan(alone!);
    expect(together).toBeGreaterThan(0);
  });
});

import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../../src/errors.ts';
import { chooseDraftLength, roundMs } from '../../../src/planning/profile/draft-choice.ts';
import { rooflineProfile } from '../../../src/planning/profile/roofline-profile.ts';

const profile = rooflineProfile('h100-sxm', 'qwen2.5-32b', { draft: 'qwen2.5-0.5b' });
const at = { contextTokens: 500 };

describe('chooseDraftLength', () => {
  test('drafts less the more branches there are, down to none', () => {
    const lengths = [1, 4, 16, 64, 256].map((branches) => chooseDraftLength(profile, { ...at, branches }, 0.8).draftLength);
    expect(lengths).toEqual([...lengths].sort((left, right) => right - left));
    expect(lengths[0]).toBeGreaterThan(2);
    expect(chooseDraftLength(profile, { ...at, branches: 2000 }, 0.8).draftLength).toBe(0);
  });

  test('is not beaten by any other length', () => {
    for (const branches of [1, 8, 32]) {
      const { tokensPerRound, roundMs: milliseconds } = chooseDraftLength(profile, { ...at, branches }, 0.75, 12);
      for (let draftLength = 0; draftLength <= 12; draftLength++) {
        const tokens = (1 - 0.75 ** (draftLength + 1)) / (1 - 0.75);
        expect(tokens / roundMs(profile, { ...at, branches, draftLength })).toBeLessThanOrEqual((tokensPerRound / milliseconds) * (1 + 1e-9));
      }
    }
  });

  test('takes rates by position: nothing behind a position that never stands', () => {
    expect(chooseDraftLength(profile, { ...at, branches: 1 }, [0.9, 0.9, 0]).draftLength).toBe(2);
  });

  test('never drafts without a draft', () => {
    expect(chooseDraftLength(rooflineProfile('h100-sxm', 'qwen2.5-32b'), { ...at, branches: 1 }, 0.9)).toMatchObject({ draftLength: 0, tokensPerRound: 1 });
  });

  test('refuses what is no rate', () => {
    expect(() => chooseDraftLength(profile, { ...at, branches: 1 }, 1.1)).toThrow(InvalidOptionError);
    expect(() => chooseDraftLength(profile, { ...at, branches: 1 }, [])).toThrow(InvalidOptionError);
  });
});

import { describe, expect, test } from 'vitest';
import type { LatencyProfile } from '../../../src/contracts/profile.ts';
import { InvalidOptionError } from '../../../src/errors.ts';
import { decodeFluid } from '../../../src/planning/profile/fluid-decoding.ts';
import { rooflineProfile } from '../../../src/planning/profile/roofline-profile.ts';

/** Every pass takes a millisecond a row, prompts take 5, a request 2. */
const plain: LatencyProfile = {
  label: 'plain',
  parts: ['target', 'prefill'],
  passMs: (part, { rows }) => (part === 'prefill' ? 5 : rows),
  spread: () => 1,
  requestMs: 2,
};
const lengths = { medianTokens: 100, sigma: 0, mostTokens: 400 };
const base = { promptTokens: 10, lengths, acceptance: 0.8 };

describe('decodeFluid', () => {
  test('counts passes where all branches are equally long', () => {
    const run = decodeFluid(plain, { ...base, branches: 4 });
    // 7 ms before the first token, then 4 ms a token; lengths are met within a step.
    expect(run.finishedMs).toBeGreaterThan(7 + 4 * 92);
    expect(run.finishedMs).toBeLessThan(7 + 4 * 108);
    expect([run.finishedShare(0), run.finishedShare(1e6)]).toEqual([0, 1]);
    expect(run.firstRate).toBeCloseTo(250);
  });

  test('a batch that thins out takes less time than one that does not', () => {
    const varied = decodeFluid(plain, { ...base, lengths: { ...lengths, sigma: 0.5 }, branches: 8 });
    expect(varied.finishedShare(7 + 8 * 100)).toBeGreaterThan(0.5);
  });

  test('never finishes where more than the stragglers are cut', () => {
    expect(decodeFluid(plain, { ...base, lengths: { medianTokens: 100, sigma: 1, mostTokens: 150 }, branches: 2 }).finishedMs).toBe(Infinity);
  });

  test('drafts grow as branches finish, and pay', () => {
    const profile = rooflineProfile('h100-sxm', 'qwen2.5-32b', { draft: 'qwen2.5-0.5b' });
    const options = { ...base, lengths: { medianTokens: 500, sigma: 0.6, mostTokens: 4096 }, branches: 64 };
    const [adaptive, without] = [decodeFluid(profile, options), decodeFluid(profile, { ...options, draftLength: 0 })];
    expect(adaptive.draftLengths[1]).toBeGreaterThan(adaptive.draftLengths[0]);
    expect(adaptive.finishedMs).toBeLessThan(without.finishedMs);
  });

  test('refuses what makes no sense', () => {
    expect(() => decodeFluid(plain, { ...base, branches: 0 })).toThrow(InvalidOptionError);
    expect(() => decodeFluid(plain, { ...base, branches: 1, acceptance: 2 })).toThrow(/acceptance/);
  });
});

/** Drafting never costs: the policy against every fixed length, on simulated machines. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AdaptiveDrafting } from '../../../src/engines/speculation/adaptive-drafting.ts';
import { fixedDraftLength, type DraftPolicy } from '../../../src/engines/speculation/draft-policy.ts';
import { curve, simulate, type Regime } from './drafting-simulation.ts';

/** Milliseconds of a pass by its new tokens, as measured on two cores: Qwen2.5-Coder-0.5B and -1.5B, and a small int4 export. */
const CURVES = {
  int4: curve([
    [1, 15.7],
    [4, 24.4],
    [8, 42],
    [16, 75],
    [40, 186],
  ]),
  int8: curve([
    [1, 22.5],
    [4, 24.9],
    [8, 32],
    [16, 45],
    [40, 95],
  ]),
  'int4, larger': curve([
    [1, 42.6],
    [5, 81.5],
    [9, 128],
    [16, 221],
  ]),
  'int8, larger': curve([
    [1, 59.1],
    [5, 69.6],
    [9, 82],
    [16, 124],
  ]),
  'a cliff after one token': curve([
    [1, 1.96],
    [2, 6.4],
    [4, 7],
    [8, 8.9],
    [16, 12],
    [32, 17],
  ]),
  'idle hardware': curve([
    [1, 10],
    [64, 11],
  ]),
};
const FIXED = [0, 1, 2, 3, 5, 8];
/** Finding out is paid for by the first few hundred. */
const TOKENS = 3000;

function adaptive(): AdaptiveDrafting {
  return new AdaptiveDrafting({ longest: 8, isPadded: false });
}

/** Tokens a millisecond over those of the best fixed length, none included; means of three runs. */
function shareOfBest(regimes: readonly Regime[], tokens = TOKENS): number {
  const msOf = (policy: () => DraftPolicy): number => [1, 2, 3].reduce((sum, seed) => sum + simulate(policy(), regimes, tokens, seed).msPerToken, 0);
  return Math.min(...FIXED.map((length) => msOf(() => fixedDraftLength(length)))) / msOf(adaptive);
}

const grid = Object.entries(CURVES).flatMap(([name, passMs]) =>
  [1, 8].flatMap((branches) =>
    [0.15, 0.8].flatMap((acceptance): [string, Regime][] => [
      [`free drafts, ${name}, ${branches} branches, acceptance ${acceptance}`, { passMs, branches, acceptance }],
      [
        `a draft model, ${name}, ${branches} branches, acceptance ${acceptance}`,
        { passMs, branches, acceptance, stepMs: (rows: number) => 0.3 * passMs(rows) },
      ],
    ]),
  ),
);

describe('adaptive drafting', () => {
  test.each(grid)('%s: as good as the best fixed length, but for what finding out costs', (_, regime) => {
    expect(shareOfBest([regime])).toBeGreaterThan(0.96);
  });

  test('any machine and acceptance: none costs more than a few hundredths', () => {
    const regime = fc.record({
      fixedMs: fc.double({ min: 0, max: 40, noNaN: true }),
      eachMs: fc.double({ min: 0.2, max: 10, noNaN: true }),
      share: fc.option(fc.double({ min: 0.02, max: 1, noNaN: true })),
      acceptance: fc.double({ min: 0.02, max: 0.95, noNaN: true }),
      branches: fc.constantFrom(1, 2, 4, 8, 16),
      bias: fc.double({ min: 0.7, max: 1.5, noNaN: true }),
    });
    fc.assert(
      fc.property(regime, ({ fixedMs, eachMs, share, ...rest }) => {
        const passMs = (positions: number): number => fixedMs + eachMs * positions;
        const one: Regime = { ...rest, passMs, ...(share !== null && { stepMs: (rows: number) => share * passMs(rows) }) };
        expect(shareOfBest([one])).toBeGreaterThan(0.94);
      }),
      { numRuns: 12, seed: 11, endOnFailure: true },
    );
  });

  test('follows drafts that begin to stand, and cease to, and a machine that changes', () => {
    const { int4, int8 } = CURVES;
    const changing = [0.1, 0.9, 0.1].map((acceptance): Regime => ({ passMs: int8, branches: 8, acceptance }));
    const slower = [int8, int4].map((passMs): Regime => ({ passMs, branches: 8, acceptance: 0.6 }));
    const drawn = [0.9, 0.1, 0.9].map((acceptance): Regime => ({ passMs: CURVES['int8, larger'], branches: 1, acceptance, stepMs: () => 12 }));
    for (const regimes of [changing, slower, drawn]) expect(shareOfBest(regimes, 9000)).toBeGreaterThan(0.97);
  });

  test('no draft comes before plain rounds have been timed', () => {
    const policy = adaptive();
    const drafted: number[] = [];
    for (let round = 0; round < 20; round++) {
      const [length] = policy.cut(1, [[0.99, 0.99]]);
      drafted.push(length!);
      policy.recordRound({ rows: 1, positions: 1 + length!, widest: 1 + length!, milliseconds: 10, draftingMs: 0 });
    }
    expect(drafted.slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(drafted.at(-1)).toBe(2);
  });

  test('returns to none within a few rounds, and tries again for a hundredth of the time at most', () => {
    const { draftedPerToken } = simulate(adaptive(), [{ passMs: CURVES['int4, larger'], branches: 1, acceptance: 0.05, stepMs: () => 30 }], TOKENS, 3);
    expect(draftedPerToken).toBeLessThan(0.03);
    const { draftedPerToken: free } = simulate(adaptive(), [{ passMs: CURVES['int4, larger'], branches: 8, acceptance: 0.15 }], TOKENS, 3);
    expect(free).toBeLessThan(0.1);
  });

  test('a branch whose drafts stand gets longer ones', () => {
    const policy = adaptive();
    for (let round = 0; round < 50; round++) {
      const lengths = policy.cut(2, [Array<number>(8).fill(0.97), Array<number>(8).fill(0.4)]);
      const positions = 2 + lengths.reduce((sum, length) => sum + length, 0);
      policy.recordRound({ rows: 2, positions, widest: 1 + Math.max(...lengths), milliseconds: CURVES.int8(positions), draftingMs: 0 });
    }
    const [sure, unsure] = policy.cut(2, [Array<number>(8).fill(0.97), Array<number>(8).fill(0.4)]);
    expect(sure).toBe(8);
    expect(unsure).toBeLessThan(4);
  });

  test('where short rows are filled up, all branches are cut at one length', () => {
    const policy = new AdaptiveDrafting({ longest: 8, isPadded: true });
    const estimates = [Array<number>(8).fill(0.97), Array<number>(8).fill(0.5)];
    for (let round = 0; round < 50; round++) {
      const lengths = policy.cut(2, estimates);
      const widest = 1 + Math.max(...lengths);
      const positions = 2 + lengths.reduce((sum, length) => sum + length, 0);
      policy.recordRound({ rows: 2, positions, widest, milliseconds: CURVES.int8(2 * widest), draftingMs: 0 });
    }
    const [sure, unsure] = policy.cut(2, estimates);
    expect(sure).toBe(unsure);
    expect(sure).toBeGreaterThan(2);
  });
});

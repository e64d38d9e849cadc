import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DraftOutcome } from '../../../src/contracts/engine.ts';
import type { ProblemTrace } from '../../../src/contracts/trace.ts';
import { outcomesAtRates, recordedOutcomes } from '../../../src/engines/replay/draft-outcomes.ts';

const DRAWS = Array.from({ length: 1000 }, (_, index) => (index + 0.5) / 1000);

function traceOf(draftRuns: ProblemTrace['draftRuns']): ProblemTrace {
  return { id: 'a', prompt: 'how many?', promptTokens: 3, seed: 1, branches: [], ...(draftRuns && { draftRuns }) };
}

const times = (count: number, outcome: DraftOutcome): DraftOutcome[] => Array.from({ length: count }, () => outcome);
const meanAccepted = (outcomes: readonly DraftOutcome[]): number => outcomes.reduce((sum, { accepted }) => sum + accepted, 0) / outcomes.length;

describe('outcomes at rates', () => {
  test('stand as often as the rates say, at every position', () => {
    const outcomes = DRAWS.map((draw) => outcomesAtRates([0.8, 0.5])(3, draw));
    expect(outcomes.every(({ proposed }) => proposed === 3)).toBe(true);
    for (const [position, share] of [0.8, 0.4, 0.2].entries()) {
      expect(outcomes.filter(({ accepted }) => accepted > position).length / DRAWS.length).toBeCloseTo(share, 2);
    }
  });
});

describe('recorded outcomes', () => {
  const short = [...times(60, { proposed: 2, accepted: 2 }), ...times(20, { proposed: 1, accepted: 1 }), ...times(20, { proposed: 2, accepted: 0 })];
  const long = [...times(50, { proposed: 8, accepted: 7 }), ...times(50, { proposed: 5, accepted: 0 })];
  const outcomes = recordedOutcomes([
    traceOf([
      { length: 2, outcomes: short },
      { length: 8, outcomes: long },
    ]),
  ])!;

  test('come as often as they were recorded', () => {
    const drawn = DRAWS.map((draw) => outcomes(2, draw));
    expect(meanAccepted(drawn)).toBeCloseTo(meanAccepted(short), 2);
    expect(drawn.filter(({ proposed }) => proposed === 1).length / DRAWS.length).toBeCloseTo(0.2, 2);
  });

  test('of a length that was not recorded are those of the next longer one, cut', () => {
    const drawn = DRAWS.map((draw) => outcomes(4, draw));
    expect(new Set(drawn.map(({ proposed, accepted }) => `${accepted} of ${proposed}`))).toEqual(new Set(['4 of 4', '0 of 4']));
    expect(DRAWS.map((draw) => outcomes(20, draw))).toEqual(DRAWS.map((draw) => outcomes(8, draw)));
  });

  test('are none where too few were recorded', () => {
    expect(recordedOutcomes([traceOf(undefined)])).toBeUndefined();
    expect(recordedOutcomes([traceOf([{ length: 2, outcomes: times(3, { proposed: 2, accepted: 1 }) }])])).toBeUndefined();
  });

  test('never have more accepted than proposed, nor more proposed than asked for; a smaller draw never has fewer accepted', () => {
    const outcome = fc.tuple(fc.nat(8), fc.nat(8)).map(([one, other]) => ({ proposed: Math.max(1, one, other), accepted: Math.min(one, other) }));
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 30, maxLength: 60 }), fc.integer({ min: 1, max: 12 }), unit, unit, (recorded, length, one, other) => {
        const drawn = recordedOutcomes([traceOf([{ length: 8, outcomes: recorded }])])!;
        const [lucky, unlucky] = [drawn(length, Math.min(one, other)), drawn(length, Math.max(one, other))];
        expect(lucky.accepted).toBeLessThanOrEqual(lucky.proposed);
        expect(lucky.proposed).toBeLessThanOrEqual(length);
        expect(lucky.accepted).toBeGreaterThanOrEqual(unlucky.accepted);
      }),
    );
  });
});

import { describe, expect, test } from 'vitest';
import type { DraftOutcome, SamplingOptions } from '../../../src/contracts/engine.ts';
import type { ProblemTrace } from '../../../src/contracts/trace.ts';
import { samplingKey } from '../../../src/maths/sampling-key.ts';
import { outcomesAtRates, recordedOutcomes, type DraftPlace } from '../../../src/engines/replay/draft-outcomes.ts';

/** First drafts of many branches. */
const PLACES = Array.from({ length: 2000 }, (_, stream) => ({ seed: 7, stream, round: 0 }));

function traceOf(draftRuns: ProblemTrace['draftRuns']): ProblemTrace {
  return { id: 'a', prompt: 'how many?', promptTokens: 3, seed: 1, branches: [], ...(draftRuns && { draftRuns }) };
}

const times = (count: number, outcome: DraftOutcome): DraftOutcome[] => Array.from({ length: count }, () => outcome);
const meanAccepted = (outcomes: readonly DraftOutcome[]): number => outcomes.reduce((sum, { accepted }) => sum + accepted, 0) / outcomes.length;

describe('outcomes at rates', () => {
  test('stand as often as the rates say, at every position', () => {
    const outcomes = PLACES.map((place) => outcomesAtRates([0.8, 0.5])(3, place));
    expect(outcomes.every(({ proposed }) => proposed === 3)).toBe(true);
    for (const [position, share] of [0.8, 0.4, 0.2].entries()) {
      expect(outcomes.filter(({ accepted }) => accepted > position).length / PLACES.length).toBeCloseTo(share, 1);
    }
  });
});

describe('recorded outcomes', () => {
  const standing = times(40, { proposed: 2, accepted: 2 });
  const falling = times(40, { proposed: 2, accepted: 0 });
  const long = [
    { proposed: 8, accepted: 7 },
    { proposed: 5, accepted: 0 },
  ];
  const outcomes = recordedOutcomes([
    traceOf([
      { length: 2, outcomes: standing },
      { length: 8, outcomes: [...times(20, long[0]!), ...times(20, long[1]!)] },
    ]),
    traceOf([{ length: 2, outcomes: falling }]),
  ])!;

  test('are those of one run for the whole of a branch, of each run as often', () => {
    const drawn = PLACES.map((place) => outcomes(2, place));
    expect(meanAccepted(drawn)).toBeCloseTo(1, 1);
    for (const [index, { accepted }] of drawn.slice(0, 20).entries()) {
      expect(outcomes(2, { ...PLACES[index]!, round: 57 }).accepted).toBe(accepted);
    }
  });

  test('are those of branches that were sampled alike, as far as enough were recorded', () => {
    const greedy = { temperature: 0 };
    const bySampling = recordedOutcomes([
      traceOf([{ length: 2, outcomes: falling }]),
      { ...traceOf([{ length: 2, outcomes: standing }]), sampling: greedy },
      { ...traceOf([{ length: 2, outcomes: standing.slice(0, 3) }]), sampling: { temperature: 2 } },
    ])!;
    const acceptedOf = (sampling?: SamplingOptions): number =>
      meanAccepted(PLACES.map((place) => bySampling(2, { ...place, ...(sampling && { sampling: samplingKey(sampling) }) })));
    expect(PLACES.map((place) => bySampling(2, { ...place, sampling: samplingKey() }).accepted).some((accepted) => accepted > 0)).toBe(false);
    expect(acceptedOf(greedy)).toBe(2);
    expect(acceptedOf({ temperature: 0, topK: 5 })).toBe(2);
    // Of the rest, and where it is not told, all of them together.
    for (const sampling of [{ temperature: 2 }, { temperature: 3 }, undefined]) expect(acceptedOf(sampling)).toBeCloseTo(4 / 3, 1);
  });

  test('come in the order of the run', () => {
    const [place] = PLACES as [DraftPlace];
    expect([0, 19, 20, 39, 40].map((round) => outcomes(8, { ...place, round }))).toEqual([long[0], long[0], long[1], long[1], long[0]]);
  });

  test('of a length that was not recorded are those of the next longer one, cut', () => {
    const [place] = PLACES as [DraftPlace];
    expect(outcomes(4, place)).toEqual({ proposed: 4, accepted: 4 });
    expect(outcomes(6, { ...place, round: 20 })).toEqual({ proposed: 5, accepted: 0 });
    expect(outcomes(20, place)).toEqual(outcomes(8, place));
  });

  test('are none where too few were recorded', () => {
    expect(recordedOutcomes([traceOf(undefined)])).toBeUndefined();
    expect(recordedOutcomes([traceOf([{ length: 2, outcomes: times(3, { proposed: 2, accepted: 1 }) }])])).toBeUndefined();
    expect(
      recordedOutcomes([
        traceOf([
          { length: 2, outcomes: [] },
          { length: 4, outcomes: times(40, long[0]!) },
        ]),
      ])!(2, PLACES[0]!),
    ).toEqual({ proposed: 2, accepted: 2 });
  });
});

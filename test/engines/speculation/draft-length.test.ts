import { describe, expect, test } from 'vitest';
import { randomSequence } from '../../../src/maths/random.ts';
import { AdaptiveDraftLength, PositionRates } from '../../../src/engines/speculation/draft-length.ts';

describe('PositionRates', () => {
  test('counts a position only when all before it were passed', () => {
    const rates = new PositionRates(0.75);
    for (let round = 0; round < 200; round++) rates.record(3, 1);
    const [first, second, third] = rates.rates(3);
    expect(first).toBeGreaterThan(0.95);
    expect(second).toBeLessThan(0.1);
    // Never tried, so believed to be like the one before.
    expect(third).toBeCloseTo(second!);
  });

  test('knows nothing of positions that a limit kept from being tried', () => {
    const rates = new PositionRates(0.5);
    for (let round = 0; round < 200; round++) rates.record(1, 1);
    expect(rates.rates(2)[1]).toBeGreaterThan(0.9);
    for (let round = 0; round < 200; round++) rates.record(2, 1);
    expect(rates.rates(2)[1]).toBeLessThan(0.1);
  });

  test('forgets what is long past', () => {
    const rates = new PositionRates(0.75);
    for (let round = 0; round < 200; round++) rates.record(1, 1);
    for (let round = 0; round < 100; round++) rates.record(1, 0);
    expect(rates.rates(1)[0]).toBeLessThan(0.1);
  });
});

describe('AdaptiveDraftLength', () => {
  const costs = { isPadded: true, draftMs: () => 0.1, targetMs: (rows: number, width: number) => Math.max(1, (rows * width) / 16) };

  /** A round in which the drafter goes as far as it is let. */
  function draftAll(policy: AdaptiveDraftLength, limit: number, accepted: number): void {
    policy.recordDraft(limit, limit);
    policy.recordOutcome(limit, accepted);
  }

  test('drafts more as branches finish', () => {
    const policy = new AdaptiveDraftLength(8, costs);
    for (let round = 0; round < 200; round++) draftAll(policy, 8, 6);
    const lengths = [32, 16, 8, 4, 1].map((rows) => policy.choose(rows));
    expect(lengths).toEqual([...lengths].sort((left, right) => left - right));
    expect(lengths[0]).toBe(0);
    expect(lengths.at(-1)).toBeGreaterThanOrEqual(5);
  });

  test('ends at 0 when a wide pass costs more than it saves', () => {
    const policy = new AdaptiveDraftLength(8, { isPadded: true, draftMs: () => 1, targetMs: (_, width) => (width === 1 ? 1.96 : 6.4) });
    for (let round = 0; round < 5; round++) draftAll(policy, 4, 0);
    expect(policy.choose(1)).toBe(0);
  });

  test('drafts longer where rows are not filled up to the longest', () => {
    const byToken = { draftMs: () => 0, targetMs: (rows: number, width: number) => 10 + 0.5 * rows * width };
    const flat = new AdaptiveDraftLength(8, { ...byToken, isPadded: false });
    const padded = new AdaptiveDraftLength(8, { ...byToken, isPadded: true });
    for (const policy of [flat, padded]) {
      for (let round = 0; round < 200; round++) {
        // Three drafts of four leave off before they begin.
        policy.recordDraft(8, round % 4 === 0 ? 8 : 0);
        policy.recordOutcome(8, round % 4 === 0 ? 7 : 0);
      }
    }
    expect(flat.choose(16)).toBeGreaterThan(padded.choose(16));
  });

  test('does not flutter while acceptance only varies by chance', () => {
    const policy = new AdaptiveDraftLength(8, costs);
    const random = randomSequence(3);
    const lengths: number[] = [];
    for (let round = 0; round < 600; round++) {
      const length = policy.choose(2);
      let accepted = 0;
      while (accepted < length && random() < 0.7) accepted++;
      draftAll(policy, length, accepted);
      lengths.push(length);
    }
    const changes = lengths.slice(100).filter((length, index) => length !== lengths[index + 99]).length;
    expect(changes).toBeLessThan(25);
    expect(new Set(lengths.slice(100)).size).toBeLessThanOrEqual(5);
  });

  test('lets a drafter that leaves off where it is unsure go far, for that costs no steps', () => {
    const dear = { isPadded: true, draftMs: () => 0.5, targetMs: (_: number, width: number) => 1 + 0.05 * width };
    const stopsItself = new AdaptiveDraftLength(8, dear);
    const runsOn = new AdaptiveDraftLength(8, dear);
    // Half of the drafts stand to the end. Of the others one token does: one drafter leaves off behind it, the other never.
    for (let round = 0; round < 200; round++) {
      const accepted = round % 2 === 0 ? 8 : 1;
      stopsItself.recordDraft(8, accepted);
      stopsItself.recordOutcome(8, accepted);
      draftAll(runsOn, 8, accepted);
    }
    expect(stopsItself.choose(1)).toBe(8);
    expect(runsOn.choose(1)).toBeLessThan(8);
  });

  test('drafts nothing for a drafter that has nothing', () => {
    const policy = new AdaptiveDraftLength(4, { isPadded: true, draftMs: () => 0, targetMs: (_, width) => width });
    for (let round = 0; round < 200; round++) {
      policy.recordDraft(4, 0);
      policy.recordOutcome(4, 0);
    }
    expect(policy.choose(1)).toBe(0);
  });
});

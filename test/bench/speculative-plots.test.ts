import { describe, expect, test } from 'vitest';
import type { DecodeRun } from '../../bench/support/candidate.ts';
import { acceptancePlot, draftLengthPlot, ratePlot } from '../../bench/support/speculative-plots.ts';
import { summarise, type Sample } from '../../bench/support/speculative-report.ts';
import { ADAPTIVE, LENGTHS, OURS, PLAIN, settingsFor, takesPart, type Entry, type Setting } from '../../bench/support/speculative-roster.ts';

/** Of 100 drafts the first token stands 80 times, then 40; position 3 has too few outcomes to say anything. */
const DRAFTS = {
  proposed: 182,
  accepted: 121,
  byPosition: [
    { proposed: 100, accepted: 80 },
    { proposed: 80, accepted: 40 },
    { proposed: 2, accepted: 1 },
  ],
};
const sampleOf = (entry: Entry, setting: Setting): Sample => {
  const run: DecodeRun = { texts: [], totalMs: 100, decodeMs: 50, usefulTokens: 200, computedTokens: 200, ...(entry.options && { drafts: DRAFTS }) };
  return { entry, ...setting, rounds: [[run]] };
};
const peer: Entry = { name: 'node-llama-cpp', group: 'node-llama-cpp' };
const rows = summarise(
  settingsFor([1, 4, 8]).flatMap((setting) =>
    [...OURS, ...LENGTHS, peer].filter((entry) => takesPart(entry, setting)).map((entry) => sampleOf(entry, setting)),
  ),
);

/** Points of a plot, of all its layers. */
const pointsOf = (plot: unknown): Record<string, unknown>[] => {
  const { data, layer = [] } = plot as { data?: { values: Record<string, unknown>[] }; layer?: unknown[] };
  return [...(data?.values ?? []), ...layer.flatMap(pointsOf)];
};

test('ratePlot has everyone but the other draft lengths, at temperature 1', () => {
  const points = pointsOf(ratePlot({ rows }));
  expect(new Set(points.map(({ candidate }) => candidate))).toEqual(new Set([...OURS.map(({ name }) => name), peer.name]));
  expect(points).toHaveLength(3 * (OURS.length + 1));
  expect(points.filter(({ isPeer }) => isPeer).map(({ branches }) => branches)).toEqual([1, 4, 8]);
});

test('draftLengthPlot goes from no draft to the longest, where all lengths were measured, with a line for adaptive', () => {
  const points = pointsOf(draftLengthPlot({ rows }));
  for (const branches of ['1 branch', '8 branches']) {
    const lengths = points.filter((point) => point['branches'] === branches).map(({ length }) => length);
    expect(lengths.filter((length) => length !== undefined).sort()).toEqual([0, 1, 2, 3, 4, 6, 8]);
    expect(lengths.filter((length) => length === undefined)).toHaveLength(1);
  }
  expect(points.map(({ branches }) => branches)).not.toContain('4 branches');
});

describe('acceptancePlot', () => {
  const points = pointsOf(acceptancePlot({ rows }));

  test('shows the longest fixed draft and the look-ups', () => {
    expect(new Set(points.map(({ series }) => series))).toEqual(
      new Set(['lookup, 8 branches', 'sibling, 8 branches', 'draft model, k = 8, 1 branch', 'draft model, k = 8, 8 branches']),
    );
  });

  test('leaves out positions with too few outcomes', () => {
    expect(points.filter(({ series }) => series === 'lookup, 8 branches').map(({ position, acceptance }) => [position, acceptance])).toEqual([
      [1, 0.8],
      [2, 0.5],
    ]);
  });
});

test('settingsFor samples at every number of branches and is greedy with one', () => {
  expect(settingsFor([4, 8])).toEqual([
    { branches: 4, temperature: 1 },
    { branches: 8, temperature: 1 },
    { branches: 1, temperature: 0 },
  ]);
});

test('the plain decoder is the only one of ours without a draft length', () => {
  expect(OURS.filter(({ options }) => !options).map(({ name }) => name)).toEqual([PLAIN]);
  expect(OURS.find(({ name }) => name === ADAPTIVE)!.options!.draftLength).toBe('adaptive');
});

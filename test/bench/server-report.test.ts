import { describe, expect, test } from 'vitest';
import type { FaultOutcome } from '../../bench/support/fault-matrix.ts';
import type { LoadSample } from '../../bench/support/load-generator.ts';
import type { ServerState } from '../../bench/support/server-messages.ts';
import { headlineOf, levelTable, markdownOf, summariseLevel, summariseSoak, type ServerReport } from '../../bench/support/server-report.ts';

const MEGABYTE = 2 ** 20;
const sample = (outcome: LoadSample['outcome'], latencyMs: number, isMiss = false): LoadSample => ({ outcome, latencyMs, isMiss });
const state = (megabytes: number, more: Partial<ServerState> = {}): ServerState => ({
  rssBytes: megabytes * MEGABYTE,
  heapBytes: MEGABYTE,
  queued: 0,
  running: 0,
  openSessions: 0,
  ...more,
});
const fault = (more: Partial<FaultOutcome> = {}): FaultOutcome => ({
  fault: 'hang',
  hit: 'every request',
  outcome: 'completed',
  ended: 6,
  branches: 6,
  lost: 0,
  leaked: 0,
  totalMs: 100,
  isSurvived: true,
  ...more,
});

describe('summariseLevel', () => {
  test('tells answers from refusals, and takes the latency of each apart', () => {
    const samples = [sample('answered', 100), sample('answered', 300, true), sample('refused', 2), sample('given-up', 900, true), sample('lost', 50)];
    const row = summariseLevel(8, samples, 2);
    expect(row).toMatchObject({ clients: 8, answeredPerSecond: 1, answered: 2, refused: 1, lost: 1, givenUp: 1, misses: 2 });
    expect(row.latencyMs!.p50).toBe(200);
    expect(row.refusalMs!.p99).toBe(2);
  });

  test('has no latency where there was no answer', () => {
    const row = summariseLevel(1, [sample('refused', 1)], 1);
    expect(row).not.toHaveProperty('latencyMs');
    expect(levelTable({ levels: [row] }).rows[0]).toContain('–');
  });
});

describe('summariseSoak', () => {
  test('sets the last quarter against the second: the first is warming up', () => {
    const states = [10, 50, 100, 100, 110, 110, 120, 120].map((megabytes) => state(megabytes));
    const soak = summariseSoak([], states, state(120));
    expect(soak.rssGrowthMegabytes).toBe(20);
    expect(soak.rssMegabytes).toEqual({ afterWarmUp: 100, atEnd: 120, most: 120 });
  });

  test('counts everything open at the end as leaked', () => {
    const states = [1, 1, 1, 1].map((megabytes) => state(megabytes));
    expect(summariseSoak([], states, state(1, { queued: 1, running: 2, openSessions: 3 })).leaked).toBe(6);
  });
});

describe('the report', () => {
  const levels = [
    summariseLevel(1, [sample('answered', 100), sample('answered', 100, true)], 1),
    summariseLevel(8, [sample('answered', 100), sample('lost', 1)], 1),
  ];
  const soak = summariseSoak(
    [sample('answered', 1), sample('given-up', 1000, true), sample('left', 1)],
    [1, 2, 3, 4].map((megabytes) => state(megabytes)),
    state(4, { running: 1 }),
  );
  const faults = [fault(), fault({ isSurvived: false, lost: 2, leaked: 1 })];

  test('adds up over load and faults', () => {
    expect(headlineOf({ levels, soak, faults })).toEqual({
      deadline_miss_rate: 0.4,
      lost_results: 3,
      leaked_requests: 2,
      rss_growth_mb: 2,
      faults_survived: 1,
      faults_tried: 2,
      requests_per_second: 2,
    });
  });

  test('says in the docs what was missed', () => {
    const report: ServerReport = {
      benchmark: 'server',
      command: 'npm run bench:server',
      machine: { cpu: 'a processor', cores: 2, node: 'v20', packages: {}, date: '2026-11-25T00:00:00Z', loadAverage: 0 },
      settings: { strategy: 's', branches: 8, deadlineMs: 1000, maxRunning: 4, maxQueued: 64, levelSeconds: 3, soakSeconds: 6, soakClients: 8 },
      headline: headlineOf({ levels, soak, faults }),
      levels,
      soak,
      faults,
    };
    const markdown = markdownOf(report);
    expect(markdown).toContain('- lost_results is 3; the aim of at most 0 is missed');
    expect(markdown).toContain('| hang | every request | completed | 6 of 6 | 100 | 2 | 1 | no |');
  });
});

import { describe, expect, test } from 'vitest';
import type { DecodeRun } from '../../bench/support/candidate.ts';
import { headlineOf, LIBRARY, markdownOf, PEER, summarise, verdicts, type DecodeReport, type Sample } from '../../bench/support/decode-report.ts';

const run = (usefulTokens: number, totalMs: number, more: Partial<DecodeRun> = {}): DecodeRun => ({
  texts: [],
  totalMs,
  decodeMs: totalMs / 2,
  usefulTokens,
  computedTokens: usefulTokens,
  ...more,
});

/** Three rounds of two equal runs. */
const sample = (candidate: string, branches: number, each: DecodeRun, threads: Sample['threads'] = 'default'): Sample => ({
  candidate,
  threads,
  branches,
  rounds: Array.from({ length: 3 }, () => [each, each]),
});

const MAIN = 'latency-tts, main thread';

describe('summarise', () => {
  test('counts useful tokens a second from the question to the texts, computed ones beside them', () => {
    const [, peer] = summarise([sample(LIBRARY, 4, run(100, 100)), sample(PEER, 4, run(100, 400, { computedTokens: 160 }))]);
    expect(peer!.tokensPerSecond.median).toBe(250);
    expect(peer!.computedTokensPerSecond.median).toBe(400);
    expect(peer!.usefulTokensPerBranch).toBe(25);
    expect(peer!.librarySpeedup).toEqual({ ratio: 4, low: 4, high: 4 });
  });

  test('leaves the first token of each branch out of the decoding rate: the prompt gave it', () => {
    const [row] = summarise([sample(LIBRARY, 4, run(104, 1000, { decodeMs: 100 }))]);
    expect(row!.decodeTokensPerSecond.median).toBe(1000);
  });

  test('compares candidates at the same threads and branches only', () => {
    const rows = summarise([
      sample(LIBRARY, 1, run(10, 10)),
      sample(LIBRARY, 8, run(80, 10)),
      sample(LIBRARY, 8, run(80, 20), 1),
      sample(PEER, 8, run(80, 40)),
      sample(PEER, 8, run(80, 40), 1),
    ]);
    expect(rows.map(({ librarySpeedup }) => librarySpeedup.ratio)).toEqual([1, 1, 1, 4, 2]);
  });

  test('sets the time outside the runtime against the time inside, where it was measured', () => {
    const timed = run(10, 100, { decodeMs: 55, runtime: { calls: 5, milliseconds: 50 } });
    const [library, main] = summarise([sample(LIBRARY, 1, run(10, 100)), sample(MAIN, 1, timed)]);
    expect(library!.overhead).toBeUndefined();
    expect(main!.overhead).toEqual({ runtimeMsPerStep: 10, ownMsPerStep: 1, share: { median: 0.1, min: 0.1, max: 0.1 } });
  });
});

const rowsOf = (peerMs: number): DecodeReport['rows'] =>
  summarise([
    sample(LIBRARY, 8, run(100, 100)),
    sample(MAIN, 8, run(100, 100, { decodeMs: 60, runtime: { calls: 5, milliseconds: 50 } })),
    sample(PEER, 8, run(100, peerMs)),
    sample(LIBRARY, 8, run(100, 10), 1),
    sample(PEER, 8, run(100, 900), 1),
  ]);

test('headlineOf takes our default threads, the peer at its best, and eight branches for the overhead', () => {
  const slowByDefault = [...rowsOf(900), ...summarise([sample(LIBRARY, 8, run(100, 100), 2), sample(PEER, 8, run(100, 450), 2)])];
  expect(headlineOf(slowByDefault)['speedup_vs_transformersjs_b8']).toBe(4.5);
  expect(headlineOf(rowsOf(450))).toEqual({
    tokens_per_second_b8: 1000,
    speedup_vs_transformersjs_b8: 4.5,
    js_overhead_share: 0.2,
    js_overhead_share_b8: 0.2,
  });
});

describe('verdicts', () => {
  const verdictsAt = (peerMs: number): string => verdicts({ rows: rowsOf(peerMs), headline: headlineOf(rowsOf(peerMs)) }).join('\n');

  test('say of each aim that was measured whether it is met', () => {
    expect(verdictsAt(450)).toContain('speedup_vs_transformersjs_b8 is 4.5; the aim of at least 4 is met');
    expect(verdictsAt(300)).toContain('speedup_vs_transformersjs_b8 is 3; the aim of at least 4 is missed');
    expect(verdictsAt(300)).toContain('js_overhead_share is 0.2; the aim of at most 0.1 is missed');
    expect(verdictsAt(300)).not.toContain('b1');
  });

  test('name the settings in which we are slower', () => {
    expect(verdictsAt(80)).toContain('transformers.js is faster than we are at 8 branches, threads default: 0.80');
    expect(verdictsAt(450)).toContain('no setting was measured in which transformers.js is faster');
  });
});

test('markdownOf names the command, the processor, the date and every row', () => {
  const rows = rowsOf(450);
  const page = markdownOf({
    benchmark: 'decode',
    command: 'npm run bench:decode',
    machine: {
      cpu: 'Some Processor',
      cores: 2,
      node: 'v20.0.0',
      packages: { 'onnxruntime-node': '1.30.0' },
      date: '2026-11-23T10:00:00.000Z',
      loadAverage: 0.1,
    },
    settings: { tier: 4, prompts: 2, rounds: 3, maxTokens: 96, temperature: 1 },
    greedyAgreement: { equal: 2, of: 2 },
    headline: headlineOf(rows),
    rows,
  });
  for (const text of ['`npm run bench:decode`', 'Some Processor, 2 cores', '2026-11-23', '1.30.0', '4.50 (4.50–4.50)']) expect(page).toContain(text);
  expect(page.split('\n').filter((line) => line.startsWith('| default |') || line.startsWith('| 1 |'))).toHaveLength(rows.length + 1);
});

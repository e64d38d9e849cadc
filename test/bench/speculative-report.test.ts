import { describe, expect, test } from 'vitest';
import type { DecodeRun } from '../../bench/support/candidate.ts';
import { fastest, headlineOf, sharesOf, summarise, verdicts, type Sample } from '../../bench/support/speculative-report.ts';
import { ADAPTIVE, LENGTHS, OURS, PLAIN, type Entry, type Setting } from '../../bench/support/speculative-roster.ts';
import { agreementLines, markdownOf, speedTable } from '../../bench/support/speculative-text.ts';

const TRANSFORMERS: Entry = { name: 'transformers.js', group: 'transformers.js' };
const TUNED: Entry = { name: 'transformers.js, Gumbel noise', group: 'tuned-transformers.js' };
const LLAMA: Entry = { name: 'node-llama-cpp', group: 'node-llama-cpp' };
const LLAMA_DRAFT: Entry = { name: 'node-llama-cpp, draft predictor', group: 'node-llama-cpp' };
const ONE: Setting = { branches: 1, temperature: 1 };
const EIGHT: Setting = { branches: 8, temperature: 1 };
const GREEDY: Setting = { branches: 1, temperature: 0 };

const ours = (name: string): Entry => [...OURS, ...LENGTHS].find((entry) => entry.name === name)!;
const runOf = (totalMs: number, more: Partial<DecodeRun> = {}): DecodeRun => ({
  texts: [],
  totalMs,
  decodeMs: totalMs / 2,
  usefulTokens: 100,
  computedTokens: 100,
  ...more,
});

/** Three rounds of two equal runs of 100 tokens. */
const sampleOf = (entry: Entry, setting: Setting, totalMs: number, more: Partial<DecodeRun> = {}): Sample => ({
  entry,
  ...setting,
  rounds: Array.from({ length: 3 }, () => [runOf(totalMs, more), runOf(totalMs, more)]),
});

describe('summarise', () => {
  test('compares with the plain decoder in the same setting only', () => {
    const rows = summarise([
      sampleOf(ours(PLAIN), ONE, 100),
      sampleOf(ours(PLAIN), EIGHT, 30),
      sampleOf(ours(PLAIN), GREEDY, 50),
      sampleOf(ours(ADAPTIVE), ONE, 50),
      sampleOf(ours(ADAPTIVE), EIGHT, 20),
      sampleOf(ours(ADAPTIVE), GREEDY, 100),
    ]);
    expect(rows.map(({ overPlain }) => overPlain.ratio)).toEqual([1, 1, 1, 2, 1.5, 0.5]);
    expect(rows[3]!.tokensPerSecond).toEqual({ median: 2000, min: 2000, max: 2000 });
  });

  test('counts drafted tokens, by position and by round', () => {
    const drafts = {
      proposed: 60,
      accepted: 45,
      byPosition: [
        { proposed: 30, accepted: 27 },
        { proposed: 27, accepted: 18 },
      ],
      draftsByLength: [0, 0, 30],
    };
    const [, row] = summarise([sampleOf(ours(PLAIN), ONE, 100), sampleOf(ours(ADAPTIVE), ONE, 50, { usefulTokens: 86, drafts })]);
    // 86 tokens less the first and the 45 accepted: 40 rounds, 30 of them with a draft of 2.
    expect(row!.drafts).toEqual({
      acceptance: 0.75,
      meanLength: 1.5,
      byPosition: [
        { proposed: 180, accepted: 162 },
        { proposed: 162, accepted: 108 },
      ],
    });
  });

  test('never counts fewer rounds than drafts: a text may end within one', () => {
    const drafts = { proposed: 40, accepted: 40, byPosition: [], draftsByLength: [0, 0, 0, 0, 10] };
    const [, row] = summarise([sampleOf(ours(PLAIN), ONE, 100), sampleOf(ours('draft model, k = 4'), ONE, 50, { usefulTokens: 50, drafts })]);
    expect(row!.drafts!.meanLength).toBe(4);
  });

  test('keeps the fastest number of threads of a candidate in each setting', () => {
    const rows = summarise([
      sampleOf(ours(PLAIN), ONE, 100),
      sampleOf(ours(PLAIN), EIGHT, 100),
      { ...sampleOf(LLAMA, ONE, 50), threads: 1 },
      { ...sampleOf(LLAMA, ONE, 60), threads: 2 },
      { ...sampleOf(LLAMA, EIGHT, 50), threads: 1 },
      { ...sampleOf(LLAMA, EIGHT, 40), threads: 2 },
    ]);
    expect(rows.filter(({ group }) => group === LLAMA.group).map(({ branches, threads }) => [branches, threads])).toEqual([
      [1, 1],
      [8, 2],
    ]);
  });

  test('gives candidates without drafts no draft figures', () => {
    expect(summarise([sampleOf(ours(PLAIN), ONE, 100)])[0]!.drafts).toBeUndefined();
  });
});

/** Everyone in two settings; the peers' milliseconds at one branch and at eight. */
const rowsOf = (adaptiveMs: number, llamaMs: number) =>
  summarise([
    sampleOf(ours(PLAIN), ONE, 100),
    sampleOf(ours(ADAPTIVE), ONE, adaptiveMs),
    sampleOf(ours('lookup'), ONE, 80),
    // Of the sweep: not one of those that compete.
    sampleOf(ours('draft model, k = 8'), ONE, 1),
    sampleOf(TRANSFORMERS, ONE, 200),
    sampleOf(TUNED, ONE, 45),
    sampleOf(LLAMA, ONE, llamaMs),
    sampleOf(LLAMA_DRAFT, ONE, 500),
    sampleOf(ours(PLAIN), GREEDY, 100),
    sampleOf(ours('lookup'), GREEDY, 125),
  ]);

describe('headlineOf', () => {
  test('sets our fastest against the fastest of each peer, as its users have it', () => {
    expect(headlineOf(rowsOf(50, 75))).toEqual({
      speedup_spec_b1: 2,
      worst_adaptive_ratio: 0.8,
      vs_node_llama_cpp_b1: 1.5,
      vs_transformersjs_b1: 4,
    });
  });

  test('takes whichever of ours is fastest, adaptive or not', () => {
    expect(headlineOf(rowsOf(400, 75))).toMatchObject({ speedup_spec_b1: 0.25, worst_adaptive_ratio: 0.25, vs_node_llama_cpp_b1: 0.94 });
  });

  test('leaves out a peer that is not installed', () => {
    const rows = rowsOf(50, 75).filter(({ group }) => group !== 'node-llama-cpp');
    expect(Object.keys(headlineOf(rows)).filter((name) => name.includes('llama'))).toEqual([]);
  });

  test('leaves out other numbers of branches than one and eight', () => {
    const four: Setting = { branches: 4, temperature: 1 };
    const rows = summarise([sampleOf(ours(PLAIN), four, 100), sampleOf(ours(ADAPTIVE), four, 50), sampleOf(LLAMA, four, 100)]);
    expect(headlineOf(rows)).toEqual({ worst_adaptive_ratio: 2 });
  });

  test('takes temperature 1 for speed-ups', () => {
    const rows = summarise([sampleOf(ours(PLAIN), GREEDY, 100), sampleOf(ours(ADAPTIVE), GREEDY, 25)]);
    expect(headlineOf(rows)).toEqual({ worst_adaptive_ratio: 4 });
  });
});

describe('verdicts', () => {
  const verdictsAt = (adaptiveMs: number, llamaMs: number): string => {
    const rows = rowsOf(adaptiveMs, llamaMs);
    return verdicts({ rows, headline: headlineOf(rows) }).join('\n');
  };

  test('say of each aim that was measured whether it is met', () => {
    expect(verdictsAt(50, 75)).toContain('speedup_spec_b1 is 2; the aim of at least 1.8 is met');
    expect(verdictsAt(60, 75)).toContain('speedup_spec_b1 is 1.67; the aim of at least 1.8 is missed');
    expect(verdictsAt(50, 75)).not.toContain('b8');
  });

  test('name the settings in which drafting is slower than not drafting', () => {
    expect(verdictsAt(50, 75)).toContain('lookup is slower than the plain decoder at 1 branch, greedy: 0.80');
    expect(verdictsAt(50, 75)).not.toContain('adaptive is slower');
  });

  test('name the settings in which a peer is faster than our fastest', () => {
    expect(verdictsAt(50, 25)).toContain('node-llama-cpp is faster than our fastest at 1 branch: we are × 0.50');
    expect(verdictsAt(50, 75)).toContain('transformers.js, Gumbel noise is faster than our fastest at 1 branch: we are × 0.90');
    expect(verdictsAt(50, 75)).not.toContain('node-llama-cpp is faster');
  });
});

describe('sharesOf', () => {
  const watched = (decodeMs: number, allMs: number, draftMs: number): DecodeRun =>
    runOf(2 * decodeMs, { runtime: { calls: 1, milliseconds: allMs }, draftRuntime: { calls: 1, milliseconds: draftMs } });

  test('splits the time behind the prompt into draft, target and the rest', () => {
    expect(sharesOf([watched(60, 50, 10), watched(40, 40, 10)])).toEqual({ draft: 0.2, verify: 0.7, ours: expect.closeTo(0.1) });
  });

  test('says nothing of sessions that were not watched', () => {
    expect(sharesOf([runOf(100)])).toBeUndefined();
  });
});

test('fastest goes by the median and knows no other group', () => {
  const rows = rowsOf(50, 75);
  expect(fastest(rows, 'ours', ONE)!.candidate).toBe(ADAPTIVE);
  expect(fastest(rows, 'node-llama-cpp', GREEDY)).toBeUndefined();
});

describe('the texts', () => {
  const rows = rowsOf(50, 75);
  const report = {
    benchmark: 'speculative',
    command: 'npm run bench:speculative',
    machine: { cpu: 'Some Processor', cores: 2, node: 'v20.0.0', packages: { 'node-llama-cpp': '3.0.0' }, date: '2026-11-23T10:00:00.000Z', loadAverage: 0.1 },
    settings: { tier: 4, prompts: 2, rounds: 3, maxTokens: 96, threads: 'default' },
    agreements: [
      { candidate: 'lookup', kind: 'greedy', equal: 8, of: 8 },
      { candidate: 'node-llama-cpp', kind: 'greedy', equal: 7, of: 8 },
    ],
    headline: headlineOf(rows),
    rows,
    timeShares: [{ candidate: ADAPTIVE, ...ONE, draft: 0.2, verify: 0.7, ours: 0.1 }],
  } as const;

  test('speedTable has every row, and our lead over peers only', () => {
    const table = speedTable(report).rows;
    expect(table).toHaveLength(rows.length);
    const lead = speedTable(report).head.indexOf('our fastest ÷ it');
    expect(table.filter((cells) => cells[lead] !== '').map((cells) => [cells[2], cells[lead]])).toEqual([
      ['transformers.js', '4.00 (4.00–4.00)'],
      ['transformers.js, Gumbel noise', '0.90 (0.90–0.90)'],
      ['node-llama-cpp', '1.50 (1.50–1.50)'],
      ['node-llama-cpp, draft predictor', '10.00 (10.00–10.00)'],
    ]);
  });

  test('agreementLines tell every count and no kind that was not compared', () => {
    expect(agreementLines(report)).toEqual(['Greedy texts equal to those of our plain decoder: lookup 8 of 8; node-llama-cpp 7 of 8.']);
  });

  test('markdownOf names the command, the processor, the date, the counts and the verdicts', () => {
    const page = markdownOf(report);
    for (const text of ['`npm run bench:speculative`', 'Some Processor, 2 cores', '2026-11-23', '7 of 8', '| 20 % | 70 % | 10 % |', '- speedup_spec_b1 is 2']) {
      expect(page).toContain(text);
    }
  });
});

import { expect, test } from 'vitest';
import type { DecodeRequest, DecodeRun } from '../../bench/support/candidate.ts';
import { compareTexts } from '../../bench/support/compare-texts.ts';
import { ADAPTIVE, OURS, PLAIN, type Entry } from '../../bench/support/speculative-roster.ts';

/** Writes what `write` makes of a request, once for each branch. */
const writerOf = (entry: Entry, write: (request: DecodeRequest) => string) => ({
  entry,
  candidate: {
    run: async (request: DecodeRequest): Promise<DecodeRun> => ({
      texts: Array.from({ length: request.branches }, (_, branch) => `${write(request)} ${branch}`),
      totalMs: 1,
      decodeMs: 1,
      usefulTokens: 1,
      computedTokens: 1,
    }),
  },
});
const ours = (name: string): Entry => OURS.find((entry) => entry.name === name)!;
const peer: Entry = { name: 'a peer', group: 'node-llama-cpp' };

test('compareTexts compares greedy texts with everyone and sampled ones with our own drafting candidates', async () => {
  const agreements = await compareTexts(
    [
      writerOf(ours(PLAIN), ({ question, temperature }) => question + temperature),
      writerOf(ours(ADAPTIVE), ({ question, temperature }) => question + (question === 'b' ? temperature : temperature && 'other')),
      writerOf(peer, ({ question, temperature }) => (question === 'a' ? question + temperature : 'other')),
      // The same at another number of threads.
      writerOf(peer, ({ question, temperature }) => question + temperature),
    ],
    ['a', 'b', 'c'],
    10,
  );
  expect(agreements).toEqual([
    { candidate: ADAPTIVE, kind: 'greedy', equal: 3, of: 3 },
    { candidate: 'a peer', kind: 'greedy', equal: 1, of: 3 },
    { candidate: ADAPTIVE, kind: 'sampled', equal: 4, of: 12 },
  ]);
});

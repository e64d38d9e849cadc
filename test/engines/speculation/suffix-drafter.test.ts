import { describe, expect, test } from 'vitest';
import type { DraftRequest } from '../../../src/contracts/drafter.ts';
import { SuffixDrafter, type SuffixScope } from '../../../src/engines/speculation/suffix-drafter.ts';
import { DEFAULT_SAMPLING } from '../../../src/maths/sampling.ts';

/** A branch that the test writes. */
class Writer {
  readonly branch = {};
  readonly promptTokens: readonly number[];
  readonly tokens: number[];

  constructor(promptTokens: readonly number[], tokens: readonly number[] = []) {
    this.promptTokens = promptTokens;
    this.tokens = [...tokens];
  }

  request(limit = 4): DraftRequest {
    return { branch: this.branch, promptTokens: this.promptTokens, tokens: this.tokens, limit, sampling: DEFAULT_SAMPLING, draw: () => 0.5 };
  }
}

async function drafts(drafter: SuffixDrafter, writers: readonly Writer[], limit = 4): Promise<(readonly number[])[]> {
  return (await drafter.propose(writers.map((writer) => writer.request(limit)))).map(({ tokens }) => tokens);
}

const PROMPT = [1, 2, 3, 4, 5, 6];

describe('where drafts come from', () => {
  const own = [20, 21, 22, 20];
  const other = [30, 31, 32, 33];

  test.each<[SuffixScope[], number[], number[]]>([
    [['lookup'], own, [21, 22, 20, 21]],
    [['lookup'], [3, 4], [5, 6, 3, 4]],
    [['lookup'], [30, 31], []],
    [['sibling'], [30, 31], [32, 33]],
    [['sibling'], own, []],
    [['sibling'], [3, 4], []],
    [
      ['sibling', 'lookup'],
      [3, 4],
      [5, 6, 30, 31],
    ],
    [
      ['sibling', 'lookup'],
      [30, 31],
      [32, 33],
    ],
    [['history'], [30, 31], []],
  ])('%j after %j: %j', async (scopes, tokens, expected) => {
    const writers = [new Writer(PROMPT, tokens), new Writer(PROMPT, other)];
    expect((await drafts(new SuffixDrafter(scopes), writers))[0]).toEqual(expected);
  });

  test('earlier requests, where they are asked for', async () => {
    for (const [scopes, expected] of [
      [
        ['lookup', 'history'],
        [32, 33],
      ],
      [['lookup', 'sibling'], []],
    ] as const) {
      const drafter = new SuffixDrafter(scopes);
      const earlier = new Writer([7, 8, 9], other);
      await drafts(drafter, [earlier]);
      drafter.forget(earlier.branch);
      drafter.forget(earlier.promptTokens);
      expect((await drafts(drafter, [new Writer(PROMPT, [30, 31])]))[0]).toEqual(expected);
    }
  });
});

test('what most branches wrote comes first, after the longest match', async () => {
  const writers = [new Writer(PROMPT, [30, 31]), ...[40, 41, 40].map((last) => new Writer(PROMPT, [30, 31, last])), new Writer(PROMPT, [9, 31, 50])];
  expect((await drafts(new SuffixDrafter(['sibling']), writers, 1))[0]).toEqual([40]);
});

test('branches of one round do not draft from one another before their tokens are added', async () => {
  const drafter = new SuffixDrafter(['sibling']);
  const writers = [new Writer(PROMPT, [30]), new Writer(PROMPT, [30])];
  expect(await drafts(drafter, writers)).toEqual([[], []]);
  writers[0]!.tokens.push(31);
  expect(await drafts(drafter, writers)).toEqual([[], [31]]);
});

test('a branch whose last tokens were taken back goes on from where it is', async () => {
  const drafter = new SuffixDrafter(['lookup']);
  const writer = new Writer(PROMPT, [20, 21, 22]);
  await drafts(drafter, [writer]);
  writer.tokens.length = 1;
  writer.tokens.push(23, 20);
  expect((await drafts(drafter, [writer], 2))[0]).toEqual([23, 20]);
});

test('estimates are how often such tokens have stood', async () => {
  const drafter = new SuffixDrafter(['lookup']);
  const writer = new Writer(PROMPT);
  const estimate = async (): Promise<number> => (await drafter.propose([writer.request(1)]))[0]!.estimates![0]!;
  for (let token = 0; token < 400; token++) {
    writer.tokens.push(token % 5);
    await drafts(drafter, [writer]);
  }
  expect(await estimate()).toBeGreaterThan(0.95);
  // No two tokens follow one another twice.
  for (let step = 1; step < 40; step++) for (let token = 0; token < 20; token++) writer.tokens.push(100 + ((token * step) % 41));
  await drafts(drafter, [writer]);
  expect(await estimate()).toBeLessThan(0.6);
});

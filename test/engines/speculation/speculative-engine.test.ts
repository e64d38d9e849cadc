/**
 * Whole-engine proof at toy vocabulary: outputs of many seeds against the exact distribution of the target, for every
 * drafter, sampling option, number of branches and draft length; and token identity where the rules promise it.
 */
import { describe, expect, test } from 'vitest';
import type { SamplingOptions } from '../../../src/contracts/engine.ts';
import { LocalEngine } from '../../../src/engines/local/local-engine.ts';
import type { Verification } from '../../../src/engines/local/lane.ts';
import { DraftModelDrafter } from '../../../src/engines/speculation/draft-model-drafter.ts';
import { fixedDraftLength, type DraftPolicy } from '../../../src/engines/speculation/draft-policy.ts';
import { Speculation } from '../../../src/engines/speculation/speculation.ts';
import { SuffixDrafter } from '../../../src/engines/speculation/suffix-drafter.ts';
import { DEFAULT_SAMPLING, processedDistribution, resolveSampling } from '../../../src/maths/sampling.ts';
import { TokenDistribution } from '../../../src/maths/token-distribution.ts';
import { characterTokenizer } from '../../../src/testing/character-tokenizer.ts';
import { ScriptedTokenModel } from '../../../src/testing/scripted-token-model.ts';

const ALPHABET = 'abc.';
const END = 3;
const tokenizer = characterTokenizer(ALPHABET);

/** Logits that depend on the last two tokens and the position, different for every `salt`. */
function logitsOf(salt: number, sharpness: number): (tokens: readonly number[]) => number[] {
  return (tokens) => {
    const key = (tokens.at(-1) ?? 0) * 7 + (tokens.at(-2) ?? 0) * 3 + tokens.length * 5;
    return [0, 1, 2, 3].map((token) => sharpness * Math.sin(1 + key * 1.7 + token * 2.3 + salt * (1 + token)));
  };
}

const targetLogits = logitsOf(0, 1.2);
const draftLogits = logitsOf(0.35, 1);

function scripted(logits: (tokens: readonly number[]) => number[]): ScriptedTokenModel {
  return new ScriptedTokenModel({ vocabularySize: 4, endTokens: [END], logits });
}

type DrafterKind = 'draft-model' | 'lookup' | 'sibling' | 'suffix' | 'chain';

function makeEngine(kind: DrafterKind | 'plain', policy: DraftPolicy, verification: Verification, minConfidence = 0.3): LocalEngine {
  const drafters = {
    'draft-model': () => [new DraftModelDrafter(scripted(draftLogits), { minConfidence })],
    lookup: () => [new SuffixDrafter(['lookup'])],
    sibling: () => [new SuffixDrafter(['sibling'])],
    suffix: () => [new SuffixDrafter(['sibling', 'lookup', 'history'])],
    chain: () => [new SuffixDrafter(['sibling']), new DraftModelDrafter(scripted(draftLogits))],
  };
  return new LocalEngine({
    name: 'toy',
    model: scripted(targetLogits),
    tokenizer,
    sampling: DEFAULT_SAMPLING,
    maxRows: 64,
    verification,
    ...(kind !== 'plain' && { speculation: new Speculation({ drafters: drafters[kind](), policy }) }),
  });
}

async function texts(engine: LocalEngine, seed: number, branches: number, tokens: number, sampling: SamplingOptions): Promise<string[]> {
  const session = await engine.open('ab', { seed, sampling });
  const opened = session.branch(branches);
  const segments = await Promise.all(opened.map((branch) => branch.advance({ until: { tokens } })));
  await session.dispose();
  return segments.map((segment) => segment.tokens.map((token) => ALPHABET[token]).join(''));
}

/** Exact probability of every output of at most `length` tokens. */
function exactDistribution(length: number, sampling: SamplingOptions): Map<string, number> {
  const resolved = resolveSampling(sampling);
  const result = new Map<string, number>();
  const walk = (tokens: readonly number[], text: string, probability: number): void => {
    if (text.length === length || text.endsWith('.')) {
      result.set(text, (result.get(text) ?? 0) + probability);
      return;
    }
    const into = new TokenDistribution();
    processedDistribution({ values: Float32Array.from(targetLogits(tokens)), start: 0, size: 4 }, resolved, tokens, into);
    const { probs } = into;
    into.tokens.subarray(0, into.count).forEach((token, index) => walk([...tokens, token], text + ALPHABET[token], probability * probs[index]!));
  };
  walk(tokenizer.encode('ab'), '', 1);
  return result;
}

/** Pearson's chi-square of observed texts; cells expected fewer than 5 times are pooled. */
function chiSquare(observed: readonly string[], expected: ReadonlyMap<string, number>): { readonly statistic: number; readonly freedom: number } {
  const counts = new Map<string, number>();
  for (const text of observed) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const text of counts.keys()) if (!expected.has(text)) return { statistic: Infinity, freedom: 1 };
  let statistic = 0;
  let freedom = -1;
  let pooled = { observed: 0, expected: 0 };
  for (const [text, probability] of expected) {
    const cell = { observed: counts.get(text) ?? 0, expected: probability * observed.length };
    if (cell.expected < 5) {
      pooled = { observed: pooled.observed + cell.observed, expected: pooled.expected + cell.expected };
      continue;
    }
    statistic += (cell.observed - cell.expected) ** 2 / cell.expected;
    freedom++;
  }
  if (pooled.expected > 5) {
    statistic += (pooled.observed - pooled.expected) ** 2 / pooled.expected;
    freedom++;
  }
  return { statistic, freedom };
}

/** Above this a chi-square of `freedom` degrees is expected once in 100,000 times (Wilson and Hilferty's approximation). */
function criticalValue(freedom: number): number {
  const z = 4.265;
  return freedom * (1 - 2 / (9 * freedom) + z * Math.sqrt(2 / (9 * freedom))) ** 3;
}

const LENGTH = 4;
const RUNS = 3_000;
const SAMPLINGS: readonly SamplingOptions[] = [{}, { temperature: 0.6, topK: 3 }, { topP: 0.8 }, { repetitionPenalty: 1.6, minP: 0.1 }];

describe.each(['rejection', 'coupled'] as const)('%s verification', (verification) => {
  describe.each(['draft-model', 'lookup', 'sibling', 'suffix', 'chain'] as const)('with the %s drafter', (kind) => {
    test.each(SAMPLINGS.map((sampling, index) => [JSON.stringify(sampling), index] as const))('has the target distribution under %s', async (_, index) => {
      const sampling = SAMPLINGS[index]!;
      const expected = exactDistribution(LENGTH, sampling);
      for (const [draftLength, branches] of [
        [1, 3],
        [3, 2],
      ] as const) {
        const engine = makeEngine(kind, fixedDraftLength(draftLength), verification);
        const observed: string[] = [];
        for (let seed = 0; observed.length < RUNS; seed++) observed.push(...(await texts(engine, seed, branches, LENGTH, sampling)));
        const { statistic, freedom } = chiSquare(observed, expected);
        expect(statistic, `${statistic} at ${freedom} degrees of freedom, draft length ${draftLength}`).toBeLessThan(criticalValue(freedom));
      }
    });
  });
});

test('the distribution test shows a draft that is stopped for the value of its last token', async () => {
  // Dropping a drawn token because it was unlikely leaves the rest with another distribution than the one reported.
  class ValueStoppingDrafter extends DraftModelDrafter {
    override async propose(requests: Parameters<DraftModelDrafter['propose']>[0]): ReturnType<DraftModelDrafter['propose']> {
      const drafts = await super.propose(requests);
      return drafts.map(({ tokens, probs }) => {
        const kept = tokens.findIndex((token, position) => probs![position]!.probabilityOf(token) < 0.4);
        return kept < 0 ? { tokens, probs } : { tokens: tokens.slice(0, kept), probs: probs!.slice(0, kept) };
      });
    }
  }
  const engine = new LocalEngine({
    name: 'toy',
    model: scripted(targetLogits),
    tokenizer,
    sampling: DEFAULT_SAMPLING,
    maxRows: 64,
    verification: 'rejection',
    speculation: new Speculation({ drafters: [new ValueStoppingDrafter(scripted(draftLogits), { minConfidence: 0 })], policy: fixedDraftLength(2) }),
  });
  const observed: string[] = [];
  for (let seed = 0; observed.length < 3 * RUNS; seed++) observed.push(...(await texts(engine, seed, 3, LENGTH, {})));
  const { statistic, freedom } = chiSquare(observed, exactDistribution(LENGTH, {}));
  expect(statistic).toBeGreaterThan(criticalValue(freedom));
});

describe('token identity with plain decoding', () => {
  const cases = (['draft-model', 'lookup', 'sibling', 'suffix', 'chain'] as const).flatMap((kind) => [0, 1, 2, 5, 9].map((length) => [kind, length] as const));

  test.each(cases)('%s, draft length %i: greedy under rejection, any temperature under coupling', async (kind, length) => {
    for (const branches of [1, 3, 8]) {
      for (let seed = 0; seed < 12; seed++) {
        const plainGreedy = await texts(makeEngine('plain', fixedDraftLength(0), 'coupled'), seed, branches, 24, { temperature: 0 });
        expect(await texts(makeEngine(kind, fixedDraftLength(length), 'rejection'), seed, branches, 24, { temperature: 0 })).toEqual(plainGreedy);
        const plain = await texts(makeEngine('plain', fixedDraftLength(0), 'coupled'), seed, branches, 24, { temperature: 1.1, topP: 0.95 });
        expect(await texts(makeEngine(kind, fixedDraftLength(length), 'coupled'), seed, branches, 24, { temperature: 1.1, topP: 0.95 })).toEqual(plain);
      }
    }
  });
});

describe('boundaries inside a draft', () => {
  test('stop strings, token limits and the end of text cut where plain decoding cuts', async () => {
    for (let seed = 0; seed < 60; seed++) {
      for (const until of [{ tokens: 3 }, { stop: ['b'], tokens: 20 }, { stop: ['ca', 'ac'], tokens: 20 }, { tokens: 20 }]) {
        const segments = await Promise.all(
          [makeEngine('plain', fixedDraftLength(0), 'coupled'), makeEngine('draft-model', fixedDraftLength(6), 'coupled', 0)].map(async (engine) => {
            const session = await engine.open('ab', { seed });
            const [branch] = session.branch(1);
            const first = await branch!.advance({ until });
            const second = branch!.ended ? undefined : await branch!.advance({ until });
            await session.dispose();
            return [first, second].map(
              (segment) => segment && { ...segment, startedAt: 0, endedAt: 0, logprobs: segment.logprobs.map((value) => value.toFixed(4)) },
            );
          }),
        );
        expect(segments[1]).toEqual(segments[0]);
      }
    }
  });

  test('usage tells what was proposed and accepted', async () => {
    const engine = makeEngine('draft-model', fixedDraftLength(3), 'rejection', 0);
    const session = await engine.open('ab', { seed: 4 });
    await Promise.all(session.branch(4).map((branch) => branch.advance({ until: { tokens: 40 } })));
    const { speculation } = session.usage();
    expect(speculation!.proposed).toBeGreaterThan(0);
    expect(speculation!.accepted).toBeLessThanOrEqual(speculation!.proposed);
    expect(speculation!.byPosition.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(speculation!.accepted);
    await session.dispose();
  });
});

test('a drafter that fails costs drafts, not branches', async () => {
  const engine = new LocalEngine({
    name: 'toy',
    model: scripted(targetLogits),
    tokenizer,
    sampling: DEFAULT_SAMPLING,
    maxRows: 64,
    speculation: new Speculation({
      drafters: [
        {
          name: 'broken',
          propose: () => Promise.reject(new Error('broken')),
          forget: () => undefined,
          dispose: () => Promise.resolve(),
        },
      ],
      policy: fixedDraftLength(3),
    }),
  });
  expect(await texts(engine, 1, 3, 20, {})).toEqual(await texts(makeEngine('plain', fixedDraftLength(0), 'coupled'), 1, 3, 20, {}));
});

test('caches of draft and target are freed with the session', async () => {
  const target = scripted(targetLogits);
  const draft = scripted(draftLogits);
  const engine = new LocalEngine({
    name: 'toy',
    model: target,
    tokenizer,
    sampling: DEFAULT_SAMPLING,
    maxRows: 64,
    speculation: new Speculation({ drafters: [new DraftModelDrafter(draft)], policy: fixedDraftLength(2) }),
  });
  await texts(engine, 1, 5, 20, {});
  expect([target.openSequences, draft.openSequences]).toEqual([0, 0]);
});

/** Prompts that begin like an earlier one are read from where they differ, and nothing else changes. */
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Engine, SessionOptions } from '../../src/contracts/engine.ts';
import type { TokenModel, TokenSequence } from '../../src/contracts/token-model.ts';
import { loadEngine, type SpeculationPlan } from '../../src/engines/load-engine.ts';
import { PrefixCache } from '../../src/engines/local/prefix-cache.ts';
import { DEFAULT_SAMPLING } from '../../src/maths/sampling.ts';
import { openGraph } from '../../src/models/open-graph.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { encodeRandomGqaGraph } from '../models/random-gqa-graph.ts';
import { memoryRuntime } from '../support/node-graphs.ts';

const VOCABULARY = 300;
const CONTEXT = 400;
const tokenizer = characterTokenizer(String.fromCodePoint(...Array.from({ length: VOCABULARY }, (_, token) => 0x4e00 + token)));
const graph = encodeRandomGqaGraph({ vocabularySize: VOCABULARY, contextTokens: CONTEXT });

/** Counts the tokens that the model reads. */
async function openModel(): Promise<{ readonly model: TokenModel; readonly read: () => number }> {
  const facts = { source: 'random', contextTokens: CONTEXT, endTokens: new Set<number>(), sampling: DEFAULT_SAMPLING };
  const model = await openGraph(memoryRuntime, { file: graph, options: { logSeverityLevel: 4, intraOpNumThreads: 1 } }, facts);
  let count = 0;
  const forward = model.forward.bind(model);
  model.forward = (rows) => {
    for (const { tokens } of rows) count += tokens.length;
    return forward(rows);
  };
  return { model, read: () => count };
}

interface Opened {
  readonly engine: Engine;
  readonly target: () => number;
  readonly draft: () => number;
}

async function open(prefixCacheBytes?: number, speculation?: SpeculationPlan): Promise<Opened> {
  const [target, draft] = [await openModel(), await openModel()];
  const engine = await loadEngine({
    target: localModelOf(target.model, tokenizer, 'target'),
    maxRows: 16,
    ...(speculation && { draft: localModelOf(draft.model, tokenizer, 'draft'), speculation }),
    ...(prefixCacheBytes !== undefined && { prefixCacheBytes }),
  });
  onTestFinished(async () => {
    await engine.dispose();
    await draft.model.dispose();
  });
  return { engine, target: target.read, draft: draft.read };
}

/** Text of `length` tokens that no two numbers have in common. */
function textOf(length: number, number: number): string {
  return tokenizer.decode(Array.from({ length }, (_, index) => (index * (2 * number + 7) + 31 * number) % VOCABULARY));
}

const SYSTEM = textOf(100, 1);
const SAMPLING = { temperature: 0.8, topK: 20 };

interface Written {
  readonly cached: number;
  readonly tokens: readonly (readonly number[])[];
}

async function write(engine: Engine, text: string, options: SessionOptions = {}, branches = 3): Promise<Written> {
  const session = await engine.open({ text }, { seed: 5, sampling: SAMPLING, ...options });
  try {
    const segments = await Promise.all(session.branch(branches).map((branch) => branch.advance({ until: { tokens: 24 } })));
    return { cached: session.usage().cachedPromptTokens!, tokens: segments.map(({ tokens }) => tokens) };
  } finally {
    await session.dispose();
  }
}

describe('a prompt that begins like an earlier one', () => {
  test('is read from where they differ, in whole blocks, and the same seed writes the same', async () => {
    const { engine, target } = await open();
    const fresh = await open(0);
    const first = await write(engine, SYSTEM + textOf(20, 2));
    expect(first.cached).toBe(0);
    const before = target();
    const second = await write(engine, SYSTEM + textOf(30, 3));
    expect(second.cached).toBe(96);
    expect(target() - before).toBeLessThanOrEqual(34);
    expect(second.tokens).toEqual((await write(fresh.engine, SYSTEM + textOf(30, 3))).tokens);
    expect((await write(fresh.engine, SYSTEM + textOf(30, 3))).cached).toBe(0);
  });

  test.each([1, 15, 16, 17, 31, 32, 33, 100])('may be the same one of %d tokens; its last token is always read', async (length) => {
    const { engine } = await open();
    const text = textOf(length, 4);
    const first = await write(engine, text);
    const again = await write(engine, text);
    expect(again.cached).toBe(16 * Math.floor((length - 1) / 16));
    expect(again.tokens).toEqual(first.tokens);
  });

  test('may be shorter than that', async () => {
    const { engine } = await open();
    await write(engine, SYSTEM + textOf(50, 2));
    const short = await write(engine, SYSTEM.slice(0, 60));
    expect(short.cached).toBe(48);
    expect(short.tokens).toEqual((await write((await open(0)).engine, SYSTEM.slice(0, 60))).tokens);
  });

  test('may go on where the answer of the only branch ended: the next turn of a chat', async () => {
    const { engine } = await open();
    const first = await write(engine, SYSTEM, {}, 1);
    const chat = SYSTEM + tokenizer.decode(first.tokens[0]!) + textOf(9, 6);
    const second = await write(engine, chat, {}, 1);
    expect(second.cached).toBe(112);
    expect(second.tokens).toEqual((await write((await open(0)).engine, chat, {}, 1)).tokens);
    expect((await write(engine, chat + tokenizer.decode(second.tokens[0]!) + textOf(9, 7), {}, 1)).cached).toBe(144);
  });

  test('shares what open sessions hold, token for token', async () => {
    const { engine, target } = await open();
    const before = target();
    const prompts = [2, 3, 4, 5].map((number) => SYSTEM + textOf(10, number));
    const together = await Promise.all(prompts.map((text) => write(engine, text)));
    expect(together.map(({ cached }) => cached)).toEqual([0, 100, 100, 100]);
    expect(target() - before).toBe(140);
    const { engine: fresh } = await open(0);
    for (const [index, text] of prompts.entries()) expect((await write(fresh, text)).tokens).toEqual(together[index]!.tokens);
  });

  test.each(['coupled', 'rejection'] as const)('is read once by a draft model, too, with %s verification', async (verification) => {
    const speculation: SpeculationPlan = { drafters: ['draft-model'], draftLength: 3, longestDraft: 8, minConfidence: 0, verification };
    const { engine, draft } = await open(undefined, speculation);
    await write(engine, SYSTEM + textOf(20, 2));
    const before = draft();
    const second = await write(engine, SYSTEM + textOf(30, 3));
    expect(second.cached).toBe(96);
    expect(draft() - before).toBeLessThan(96);
    expect(second.tokens).toEqual((await write((await open(0, speculation)).engine, SYSTEM + textOf(30, 3))).tokens);
  });

  test('is read as a whole where that is asked for, and leaves nothing', async () => {
    const { engine } = await open();
    const text = SYSTEM + textOf(20, 2);
    await write(engine, text, { readsWholePrompt: true }, 1);
    expect((await write(engine, text)).cached).toBe(0);
    expect((await write(engine, text, { readsWholePrompt: true })).cached).toBe(0);
    expect((await write(engine, text)).cached).toBe(112);
  });

  test('goes on where reading was given up', async () => {
    const { engine, target } = await open();
    const text = textOf(300, 8);
    const before = target();
    const controller = new AbortController();
    // Looked at before every chunk.
    const signal = Object.create(controller.signal, {
      throwIfAborted: { value: () => (target() > before ? controller.abort(new Error('enough')) : undefined, controller.signal.throwIfAborted()) },
    }) as AbortSignal;
    await expect(engine.open({ text }, { signal })).rejects.toThrow('enough');
    const { cached, tokens } = await write(engine, text);
    expect(cached).toBeGreaterThan(0);
    expect(cached).toBeLessThan(300);
    expect(tokens).toEqual((await write((await open(0)).engine, text)).tokens);
  });
});

test('an engine without room for a prefix reads every prompt as a whole', async () => {
  const { engine } = await open(100);
  await write(engine, SYSTEM);
  expect((await write(engine, SYSTEM)).cached).toBe(0);
});

/** A model whose caches are its tokens. */
class TextSequence implements TokenSequence {
  readonly tokens: number[];
  constructor(tokens: readonly number[] = []) {
    this.tokens = [...tokens];
  }
  get length(): number {
    return this.tokens.length;
  }
  truncate(length: number): void {
    this.tokens.length = length;
  }
  fork(): TextSequence {
    return new TextSequence(this.tokens);
  }
  save(start: number, end: number) {
    return { tokenCount: end - start, byteLength: 10 * (end - start), tokens: this.tokens.slice(start, end), start };
  }
  restore(saved: readonly ReturnType<TextSequence['save']>[]): void {
    for (const { tokens, start } of saved) {
      expect(start).toBe(this.length);
      this.tokens.push(...tokens);
    }
  }
  dispose(): void {}
}

function textModel(): TokenModel {
  return { openSequence: () => new TextSequence() } as unknown as TokenModel;
}

describe('the cache', () => {
  /** Few different tokens in runs, so that texts have beginnings in common. */
  const text = fc
    .array(fc.tuple(fc.nat(1), fc.integer({ min: 1, max: 24 })), { maxLength: 6 })
    .map((runs) => [...runs.flatMap(([token, length]) => new Array<number>(length).fill(token)), 9]);
  const program = fc.array(fc.record({ text, model: fc.nat(1), closes: fc.nat(3), written: fc.nat(40) }), { maxLength: 40 });

  test('gives beginnings of what was asked for, and never holds more than its limit', () => {
    fc.assert(
      fc.property(program, fc.constantFrom(0, 100, 320, 1000, 100_000), (steps, limit) => {
        const cache = new PrefixCache(limit);
        const models = [textModel(), textModel()] as const;
        const opened: { readonly model: TokenModel; readonly tokens: readonly number[]; readonly sequence: TextSequence }[] = [];
        const longest = new Map<TokenModel, number[][]>(models.map((model) => [model, []]));
        for (const { text: tokens, model: number, closes, written } of steps) {
          const model = models[number]!;
          const sequence = cache.open(model, tokens) as TextSequence;
          expect(sequence.tokens).toEqual(tokens.slice(0, sequence.length));
          expect(sequence.length).toBeLessThan(tokens.length);
          const known = Math.max(0, ...longest.get(model)!.map((other) => commonLength(other, tokens)));
          if (limit === 100_000) expect(sequence.length).toBeGreaterThanOrEqual(16 * Math.floor(Math.min(known, tokens.length - 1) / 16));
          sequence.tokens.push(...tokens.slice(sequence.length));
          cache.share(model, tokens, sequence);
          longest.get(model)!.push([...tokens]);
          opened.push({ model, tokens, sequence });
          for (let count = 0; count < closes && opened.length > 0; count++) {
            const { sequence: closed, ...rest } = opened.shift()!;
            const more = new Array<number>(written).fill(1);
            closed.tokens.push(...more);
            cache.keep(rest.model, rest.tokens, closed, more);
            longest.get(rest.model)!.push([...closed.tokens]);
            expect(cache.byteLength).toBeLessThanOrEqual(limit);
          }
        }
        cache.dispose();
        expect(cache.byteLength).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test('drops what has not been used for longest', () => {
    const cache = new PrefixCache(3 * 160);
    const model = textModel();
    const tokensOf = (token: number): number[] => [...new Array<number>(16).fill(token), 99];
    const lengthOf = (token: number): number => cache.open(model, tokensOf(token)).length;
    for (const token of [1, 2, 3]) cache.keep(model, tokensOf(token), new TextSequence(tokensOf(token)));
    expect(lengthOf(1)).toBe(16);
    cache.keep(model, tokensOf(4), new TextSequence(tokensOf(4)));
    expect([1, 2, 3, 4].map(lengthOf)).toEqual([16, 0, 16, 16]);
    expect(cache.byteLength).toBe(480);
  });

  test('keeps the beginning of a text that it has no room for as a whole', () => {
    const cache = new PrefixCache(2 * 160);
    const model = textModel();
    const tokens = Array.from({ length: 100 }, (_, index) => index);
    cache.keep(model, tokens, new TextSequence(tokens));
    expect(cache.open(model, tokens).length).toBe(32);
  });
});

function commonLength(left: readonly number[], right: readonly number[]): number {
  let length = 0;
  while (length < left.length && left[length] === right[length]) length++;
  return length;
}

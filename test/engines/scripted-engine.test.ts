/** What only a scripted model and a virtual clock can show of the local engine. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AdvanceOptions, Branch, Engine, Segment, Session } from '../../src/contracts/engine.ts';
import type { Tokenizer } from '../../src/contracts/tokenizer.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { SpeculativeDecoder } from '../../src/engines/speculative-decoder.ts';
import { InvalidOptionError, ModelError, ModelLoadError, NoCandidateError } from '../../src/errors.ts';
import type { LocalModel } from '../../src/models/local-model.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ScriptedTokenModel, type ScriptedTokenModelOptions } from '../../src/testing/scripted-token-model.ts';
import { tokensOf, withSession } from './engine-laws.ts';
import {
  forgetfulLogits,
  mainDecoder,
  portDecoder,
  speculativeDecoder,
  scriptedModel,
  storyLogits,
  tokenizer,
  YieldingTokenModel,
} from './scripted-engines.ts';

const PROMPT = 'abba 12';
const PROMPT_TOKENS = tokenizer.encode(PROMPT).length;

/** Never ends, so that a branch is as long as it is let be. */
const endless = (tokens: readonly number[]): number[] => [...storyLogits(tokens).slice(0, -1), -Infinity];

/** An engine that has been loaded and warmed up, and its model with nothing recorded yet. */
async function readyEngine(
  options: Partial<ScriptedTokenModelOptions> = {},
  open: (model: ScriptedTokenModel) => Engine = mainDecoder,
): Promise<{ engine: Engine; model: ScriptedTokenModel }> {
  const model = scriptedModel({ logits: endless, ...options });
  const engine = open(model);
  await engine.ready();
  model.forwards.length = 0;
  return { engine, model };
}

function advanceAll(session: Session, count: number, options: AdvanceOptions): Promise<Segment[]> {
  return Promise.all(session.branch(count).map((branch) => branch.advance(options)));
}

describe('deadlines on a virtual clock', () => {
  test('a segment ends at most one model step after its deadline and keeps what was decoded', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 400 }),
        fc.integer({ min: 1, max: 5 }),
        async (costs, deadlineMs, count) => {
          const clock = new ManualClock();
          let pass = 0;
          const { engine } = await readyEngine({ clock, stepMs: () => costs[pass++ % costs.length]! });
          await withSession(engine, PROMPT, { clock }, async (session) => {
            const deadlineAt = clock.now() + deadlineMs;
            const segments = await advanceAll(session, count, { deadlineAt });
            const uncut = await withSession(engine, PROMPT, {}, (other) => advanceAll(other, count, { until: { tokens: 100 } }));
            for (const [number, { tokens, logprobs, text, finish, endedAt }] of segments.entries()) {
              expect(finish === 'deadline' || finish === 'context').toBe(true);
              expect(endedAt).toBeLessThanOrEqual(deadlineAt + Math.max(...costs));
              expect(tokens.slice(0, 100)).toEqual(uncut[number]!.tokens.slice(0, tokens.length));
              expect([tokens.length, text.length]).toEqual([logprobs.length, tokens.length]);
            }
          });
        },
      ),
      { seed: 3, numRuns: 40 },
    );
  });

  test.each([0, 1, 3, 10])('with equal steps, %i reserved ones are left and no further one', async (reserveSteps) => {
    for (const stepMs of [1, 7, 10]) {
      const clock = new ManualClock();
      const { engine } = await readyEngine({ clock, stepMs: () => stepMs });
      await withSession(engine, PROMPT, { clock }, async (session) => {
        const deadlineAt = clock.now() + 20 * stepMs + 3;
        const [branch] = session.branch(1) as [Branch];
        const segment = await branch.advance({ deadlineAt, reserveSteps });
        const left = deadlineAt - segment.endedAt;
        expect(segment.finish).toBe('deadline');
        expect(left).toBeGreaterThanOrEqual(reserveSteps * stepMs);
        expect(left).toBeLessThan((reserveSteps + 1) * stepMs);
        if (reserveSteps === 0) return;
        const rest = await branch.advance({ deadlineAt, until: { tokens: reserveSteps } });
        expect(rest.finish).toBe('length');
        expect(rest.endedAt).toBeLessThanOrEqual(deadlineAt);
      });
    }
  });

  test('a step costs what its rows cost: estimates follow a batch that thins out', async () => {
    const clock = new ManualClock();
    const { engine } = await readyEngine({ clock, stepMs: (rows) => 4 + 2 * rows.length });
    await withSession(engine, PROMPT, { clock }, async (session) => {
      const branches = session.branch(8);
      const short = branches.slice(1).map((branch) => branch.advance({ until: { tokens: 5 } }));
      const deadlineAt = clock.now() + 200;
      const { endedAt } = await branches[0]!.advance({ deadlineAt });
      await Promise.all(short);
      expect(endedAt).toBeLessThanOrEqual(deadlineAt);
      expect(endedAt).toBeGreaterThan(deadlineAt - 6);
    });
  });

  test('reading a prompt is given up at most one pass after the deadline', async () => {
    for (const deadlineMs of [1, 60, 100, 333]) {
      const clock = new ManualClock();
      const passes: number[] = [];
      const stepMs: ScriptedTokenModelOptions['stepMs'] = (rows) => {
        passes.push(rows.reduce((sum, row) => sum + row.tokens.length, 0));
        return passes.at(-1)!;
      };
      const { engine, model } = await readyEngine({ clock, stepMs, contextTokens: 2000 });
      const deadlineAt = clock.now() + deadlineMs;
      const opening = engine.open({ text: 'ab'.repeat(500) }, { clock, deadlineAt });
      await expect(opening).rejects.toBeInstanceOf(NoCandidateError);
      await expect(opening).rejects.toHaveProperty('stopReason', 'deadline');
      expect(clock.now()).toBeLessThanOrEqual(deadlineAt + Math.max(...passes));
      expect(model.openSequences).toBe(0);
    }
  });

  test('the first branches decode while the prompt of another session is read', async () => {
    const clock = new ManualClock();
    const stepMs: ScriptedTokenModelOptions['stepMs'] = (rows) => rows.reduce((sum, row) => sum + row.tokens.length, 0);
    const { engine, model } = await readyEngine({ clock, stepMs, contextTokens: 2000 });
    await withSession(engine, PROMPT, { clock }, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const decoding = branch.advance({ until: { tokens: 2000 } });
      const before = model.forwards.length;
      const other = await engine.open({ text: 'ab'.repeat(500) }, { clock });
      const passes = model.forwards.length - before;
      branch.abort();
      const { tokens } = await decoding;
      expect(passes).toBeGreaterThan(10);
      expect(tokens.length).toBeGreaterThanOrEqual(passes / 2 - 1);
      await other.dispose();
    });
  });

  test('progress is told no more often than asked for', async () => {
    const clock = new ManualClock();
    const { engine } = await readyEngine({ clock, stepMs: () => 10 });
    const toldAt: number[] = [];
    await withSession(engine, PROMPT, { clock, progressIntervalMs: 50, onProgress: () => toldAt.push(clock.now()) }, (session) =>
      advanceAll(session, 2, { until: { tokens: 50 } }),
    );
    expect(toldAt.length).toBeGreaterThan(5);
    for (const [index, at] of toldAt.slice(1).entries()) expect(at - toldAt[index]!).toBeGreaterThanOrEqual(50);
  });
});

describe('batches', () => {
  test('a branch that is done leaves the batch at once', async () => {
    const { engine, model } = await readyEngine();
    await withSession(engine, PROMPT, {}, async (session) => {
      const before = model.forwards.length;
      await Promise.all(session.branch(4).map((branch, index) => branch.advance({ until: { tokens: [3, 1, 7, 5][index]! } })));
      // Every first token comes from the logits behind the prompt, without a pass.
      expect(model.forwards.slice(before)).toEqual([3, 3, 2, 2, 1, 1]);
    });
  });

  test('an aborted branch leaves the batch before the next step', async () => {
    const { engine, model } = await readyEngine();
    let aborted: Branch | undefined;
    const onProgress = (): void => {
      if (model.forwards.length === 5) aborted!.abort();
    };
    await withSession(engine, PROMPT, { onProgress, progressIntervalMs: 0 }, async (session) => {
      const branches = session.branch(3);
      aborted = branches[1]!;
      const before = model.forwards.length;
      const segments = await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 10 } })));
      const rows = model.forwards.slice(before);
      const shared = rows.filter((count) => count === 3).length;
      expect(rows).toEqual([...new Array<number>(shared).fill(3), ...new Array<number>(9 - shared).fill(2)]);
      expect(shared).toBeLessThanOrEqual(5);
      expect(segments.map(({ finish }) => finish)).toEqual(['length', 'aborted', 'length']);
    });
  });

  test('no step has more rows than allowed, and waiting changes no text', async () => {
    const free = await readyEngine();
    const narrow = await readyEngine({}, (model) => mainDecoder(model, { maxRows: 3 }));
    expect(await tokensOf(narrow.engine, PROMPT, {}, 10)).toEqual(await tokensOf(free.engine, PROMPT, {}, 10));
    expect(Math.max(...free.model.forwards)).toBe(10);
    expect(Math.max(...narrow.model.forwards)).toBe(3);
  });

  test('usage counts every pass a session took part in, over its prompt and its branches', async () => {
    const { engine, model } = await readyEngine({ contextTokens: 600 });
    await withSession(engine, 'ab'.repeat(100), {}, async (session) => {
      expect(session.usage().forwardCount).toBe(model.forwards.length);
      expect(model.forwards.length).toBeGreaterThan(1);
      await advanceAll(session, 3, { until: { tokens: 9 } });
      expect(session.usage().forwardCount).toBe(model.forwards.length);
      const before = model.forwards.length;
      await withSession(engine, PROMPT, {}, (other) => advanceAll(other, 1, { until: { tokens: 4 } }));
      expect(model.forwards.length).toBeGreaterThan(before);
      expect(session.usage().forwardCount).toBe(before);
    });
  });
});

describe('failures', () => {
  test('a row whose logits cannot be computed fails alone, and can go on once they can', async () => {
    const fault = new Error('no logits for this text');
    let isFaulty = false;
    const [marker] = tokenizer.encode('g') as [number];
    const isCursed = (tokens: readonly number[]): boolean => tokens.slice(PROMPT_TOKENS).filter((token) => token === marker).length >= 2;
    const logits = (tokens: readonly number[]): number[] => {
      if (isFaulty && isCursed(tokens)) throw fault;
      return endless(tokens);
    };
    const { engine, model } = await readyEngine({ logits });
    const expected = await withSession(engine, PROMPT, {}, (session) => advanceAll(session, 12, { until: { tokens: 30 } }));
    const cursed = expected.map(({ tokens }) => isCursed([...tokenizer.encode(PROMPT), ...tokens.slice(0, -1)]));
    expect(new Set(cursed).size).toBe(2);

    isFaulty = true;
    await withSession(engine, PROMPT, {}, async (session) => {
      const branches = session.branch(12);
      const outcomes = await Promise.allSettled(branches.map((branch) => branch.advance({ until: { tokens: 30 } })));
      for (const [number, outcome] of outcomes.entries()) {
        if (cursed[number]) {
          expect(outcome).toEqual({ status: 'rejected', reason: fault });
          expect([branches[number]!.tokenCount, branches[number]!.text, branches[number]!.ended]).toEqual([0, '', undefined]);
        } else {
          expect((outcome as PromiseFulfilledResult<Segment>).value.tokens).toEqual(expected[number]!.tokens);
        }
      }
      isFaulty = false;
      for (const [number, branch] of branches.entries()) {
        if (cursed[number]) expect((await branch.advance({ until: { tokens: 30 } })).tokens).toEqual(expected[number]!.tokens);
      }
    });
    expect(model.openSequences).toBe(0);
  });

  test.each([Number.NaN, Infinity])('a row with a logit of %d fails its branch as a failure of the model', async (logit) => {
    const [marker] = tokenizer.encode('g') as [number];
    const { engine } = await readyEngine({ logits: (tokens) => (tokens.at(-1) === marker ? endless(tokens).with(3, logit) : endless(tokens)) });
    await withSession(engine, PROMPT, {}, async (session) => {
      const outcomes = await Promise.allSettled(session.branch(12).map((branch) => branch.advance({ until: { tokens: 8 } })));
      const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
      expect(errors.length).toBeGreaterThan(0);
      expect(errors.length).toBeLessThan(12);
      for (const error of errors) expect(error).toBeInstanceOf(ModelError);
    });
  });

  test('a prompt that cannot be read fails its session only', async () => {
    const fault = new Error('unreadable');
    const { engine, model } = await readyEngine({
      logits: (tokens) => {
        if (tokens.at(-1) === tokenizer.encode('#')[0]) throw fault;
        return endless(tokens);
      },
      contextTokens: 600,
    });
    await withSession(engine, PROMPT, {}, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const decoding = branch.advance({ until: { tokens: 3 } });
      await expect(engine.open({ text: `${'ab'.repeat(100)}#` }, {})).rejects.toBe(fault);
      expect((await decoding).tokens).toHaveLength(3);
    });
    expect(model.openSequences).toBe(0);
  });

  test('an abort between two chunks of a prompt rejects with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let passes = 0;
    const clock = new ManualClock();
    const { engine, model } = await readyEngine({
      stepMs: () => {
        if (++passes === 4) controller.abort(reason);
        return 0;
      },
      clock,
      contextTokens: 2000,
    });
    passes = 0;
    await expect(engine.open({ text: 'ab'.repeat(500) }, { clock, signal: controller.signal })).rejects.toBe(reason);
    expect(passes).toBe(4);
    expect(model.openSequences).toBe(0);
  });

  test.each(Object.entries({ 'in the calling thread': mainDecoder, 'behind a port': portDecoder, 'with drafts': speculativeDecoder }))(
    'a listener that throws harms no branch and nothing escapes, %s',
    async (_, open) => {
      const { engine } = await readyEngine({}, open);
      const expected = await tokensOf(engine, PROMPT, {}, 3);
      let calls = 0;
      const fail = (): void => {
        calls++;
        throw new Error('listener failed');
      };
      const escaped = await collectEscaped(async () => {
        expect(await tokensOf(engine, PROMPT, { onProgress: fail, onDraft: fail, progressIntervalMs: 0 }, 3)).toEqual(expected);
      });
      expect(calls).toBeGreaterThan(1);
      expect(escaped).toEqual([]);
    },
  );

  test('a model that cannot be loaded fails every call with the same error', async () => {
    const fault = new ModelLoadError('here', 'There is nothing here.');
    const model = { ...localModelOf(scriptedModel(), tokenizer), load: () => Promise.reject(fault) };
    const engine = new Decoder({ model, thread: 'main' });
    await expect(engine.ready()).rejects.toBe(fault);
    await expect(engine.open(PROMPT, {})).rejects.toBe(fault);
    await engine.dispose();
  });

  test('options a decoder cannot have are refused by name', () => {
    const model = localModelOf(scriptedModel(), tokenizer);
    expect(() => new Decoder({ model, maxRows: 0 })).toThrow(/`maxRows`/);
    expect(() => new Decoder({ model, thread: 'worker' })).toThrow(/`thread`/);
    expect(() => new Decoder({ model, thread: 'elsewhere' as 'main' })).toThrow(InvalidOptionError);
    for (const other of ['models/target', Promise.resolve(model), undefined]) {
      const noModel = other as unknown as LocalModel;
      expect(() => new Decoder({ model: noModel })).toThrow(/`model` to be a model.*await loadModel/);
      expect(() => new SpeculativeDecoder({ target: noModel })).toThrow(/`target`/);
      if (other) expect(() => new SpeculativeDecoder({ target: model, draft: noModel })).toThrow(/`draft`/);
    }
  });
});

/** What escapes while `work` runs and shortly after: exceptions nobody catches, rejections nobody handles. */
async function collectEscaped(work: () => Promise<void>): Promise<unknown[]> {
  const escaped: unknown[] = [];
  const names = ['uncaughtException', 'unhandledRejection'] as const;
  const others = names.map((name) => process.listeners(name as 'uncaughtException'));
  for (const name of names) process.removeAllListeners(name).on(name, (error: unknown) => escaped.push(error));
  try {
    await work();
    await turns(2);
  } finally {
    for (const [index, name] of names.entries()) {
      process.removeAllListeners(name);
      for (const listener of others[index]!) process.on(name, listener);
    }
  }
  return escaped;
}

describe('caches', () => {
  const KINDS = {
    'in the calling thread': () => mainWith(ScriptedTokenModel),
    'in the calling thread, with pauses': () => mainWith(YieldingTokenModel),
    'behind a port': () => {
      const model = scriptedModel({ logits: endless }, YieldingTokenModel);
      return { models: [model], engine: portDecoder(model) };
    },
    'with drafts of another model': () => {
      const models = [scriptedModel({ logits: endless }, YieldingTokenModel), scriptedModel({ logits: forgetfulLogits }, YieldingTokenModel)] as const;
      return { models, engine: speculativeDecoder(...models) };
    },
  };
  function mainWith(Model: typeof ScriptedTokenModel): { models: readonly ScriptedTokenModel[]; engine: Engine } {
    const model = scriptedModel({ logits: endless }, Model);
    return { models: [model], engine: mainDecoder(model) };
  }

  type Step = { readonly type: 'branch' | 'advance' | 'fork' | 'force' | 'abort' | 'wait'; readonly rank: number; readonly tokens: number };
  const program = fc.array(
    fc.record({
      type: fc.constantFrom<Step['type']>('branch', 'advance', 'fork', 'force', 'abort', 'wait'),
      rank: fc.nat(9),
      tokens: fc.integer({ min: 1, max: 12 }),
    }),
    { maxLength: 30 },
  );

  test.each(Object.entries(KINDS))('whatever branches have done, a disposed session holds none, %s', async (_, open) => {
    const { models, engine } = open();
    const expected = await tokensOf(engine, PROMPT, { seed: 9 }, 2);
    await fc.assert(
      fc.asyncProperty(program, async (steps) => {
        const bystander = tokensOf(engine, PROMPT, { seed: 9 }, 2);
        const session = await engine.open({ text: 'cafe' }, {});
        const settled = await play(session, steps);
        await session.dispose();
        await Promise.all(settled);
        expect(await bystander).toEqual(expected);
        await turns(3);
        expect(models.map(({ openSequences }) => openSequences)).toEqual(models.map(() => 0));
      }),
      { seed: 4, numRuns: 60 },
    );
  });

  /** Runs the steps without waiting for calls to end; gives promises that settle with them. */
  async function play(session: Session, steps: readonly Step[]): Promise<Promise<unknown>[]> {
    const branches = session.branch(2);
    const calls: Promise<unknown>[] = [];
    for (const { type, rank, tokens } of steps) {
      const branch = branches[rank % branches.length]!;
      if (type === 'branch') branches.push(...session.branch(1));
      else if (type === 'advance') calls.push(branch.advance({ until: { tokens } }).catch(refusalOnly));
      else if (type === 'force') calls.push(branch.force('ab').catch(refusalOnly));
      else if (type === 'abort') branch.abort();
      else if (type === 'wait') await turns(tokens);
      else
        try {
          branches.push(branch.fork());
        } catch (error) {
          refusalOnly(error);
        }
    }
    return calls;
  }

  /** A branch that is busy or has ended refuses; nothing else may go wrong. */
  function refusalOnly(error: unknown): void {
    if (!(error instanceof InvalidOptionError)) throw error;
  }
});

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('sampling', () => {
  test('first tokens follow the distribution, branch by branch and independently', async () => {
    const shares = [0.1, 0.2, 0.3, 0.4];
    const model = new ScriptedTokenModel({ vocabularySize: 4, endTokens: [], logits: () => shares.map((share) => Math.log(share)) });
    const engine = new Decoder({ model: localModelOf(model, characterTokenizer('abcd')), thread: 'main' });
    const count = 4000;
    const firsts = await withSession(engine, 'a', { seed: 1 }, async (session) =>
      (await advanceAll(session, count, { until: { tokens: 1 } })).map(({ tokens }) => tokens[0]!),
    );
    // Far tails of chi-squared with 3 and with 15 degrees of freedom; the seed is fixed.
    expect(chiSquared(firsts, shares)).toBeLessThan(16);
    const pairs = firsts.slice(1).map((token, index) => 4 * firsts[index]! + token);
    expect(
      chiSquared(
        pairs,
        shares.flatMap((left) => shares.map((right) => left * right)),
      ),
    ).toBeLessThan(37);
  });

  test('the model’s own sampling holds where a session does not say otherwise', async () => {
    const engine = mainDecoder(Object.assign(scriptedModel(), { sampling: { temperature: 0 } }));
    const greedy = await tokensOf(engine, PROMPT, {}, 2);
    expect(greedy[0]).toEqual(greedy[1]);
    expect((await tokensOf(engine, PROMPT, { sampling: { topK: 1, temperature: 1 } }, 1))[0]).toEqual(greedy[0]);
    const sampled = await tokensOf(engine, PROMPT, { sampling: { temperature: 1 } }, 2);
    expect(sampled[0]).not.toEqual(sampled[1]);
  });

  test('the repetition penalty knows the prompt and everything after it', async () => {
    const model = scriptedModel({ logits: () => [...new Array<number>(20).fill(2), -9, -9, -9] });
    const engine = mainDecoder(model);
    await withSession(engine, 'abc', { sampling: { temperature: 0, repetitionPenalty: 4 } }, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      await branch.force('de');
      const { tokens } = await branch.advance({ until: { tokens: 15 } });
      // All logits are equal, so every penalised token waits until none is left without a penalty.
      expect([...tokens].sort((left, right) => left - right)).toEqual(Array.from({ length: 15 }, (_, index) => 5 + index));
    });
  });
});

function chiSquared(values: readonly number[], shares: readonly number[]): number {
  const counts = shares.map((_, value) => values.filter((candidate) => candidate === value).length);
  return shares.reduce((sum, share, value) => sum + (counts[value]! - share * values.length) ** 2 / (share * values.length), 0);
}

describe('text', () => {
  test('a prompt may leave room for one token', async () => {
    const { engine } = await readyEngine();
    await withSession(engine, 'a'.repeat(119), {}, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const { tokens, finish } = await branch.advance();
      expect([tokens.length, finish]).toEqual([1, 'context']);
    });
    await expect(engine.open({ text: 'a'.repeat(120) }, {})).rejects.toThrow(/120 tokens/);
  });

  test('a stop string of characters outside the basic plane is found', async () => {
    const symbols = characterTokenizer('ab😀🎉');
    const script = symbols.encode('ab😀ab🎉b');
    const model = new ScriptedTokenModel({
      vocabularySize: 4,
      endTokens: [],
      logits: (tokens) => [0, 1, 2, 3].map((token) => (token === script[tokens.length - 1] ? 1 : 0)),
    });
    const engine = new Decoder({ model: localModelOf(model, symbols), thread: 'main' });
    await withSession(engine, 'a', { sampling: { temperature: 0 } }, async (session) => {
      const segment = await session.branch(1)[0]!.advance({ until: { stop: ['b🎉'], tokens: 7 } });
      expect([segment.finish, segment.text]).toEqual(['stop', 'ab😀ab🎉']);
    });
  });

  test('half a character is held back until the other half is there', async () => {
    const bytes: Tokenizer = {
      vocabularySize: 256,
      fingerprint: 'bytes',
      encode: (text) => [...new TextEncoder().encode(text)],
      decode: (tokens) => new TextDecoder().decode(Uint8Array.from(tokens)),
      encodePrompt: (prompt) => [...new TextEncoder().encode(typeof prompt === 'string' ? prompt : 'text' in prompt ? prompt.text : '')],
    };
    const script = bytes.encode('né€!');
    const model = new ScriptedTokenModel({
      vocabularySize: 256,
      endTokens: [],
      logits: (tokens) => Array.from({ length: 256 }, (_, token) => (token === script[tokens.length - 1] ? 1 : 0)),
    });
    const engine = new Decoder({ model: localModelOf(model, bytes), thread: 'main' });
    await withSession(engine, '>', { sampling: { temperature: 0 } }, async (session) => {
      const [branch, stopped] = session.branch(2) as [Branch, Branch];
      const texts: string[] = [];
      for (let count = 0; count < script.length; count++) texts.push((await branch.advance({ until: { tokens: 1 } })).text);
      expect(texts).toEqual(['n', '', 'é', '', '', '€', '!']);
      expect((await stopped.advance({ until: { stop: ['é'] } })).text).toBe('né');
    });
  });
});

/** The engine over node-llama-cpp, on a scripted model; `node-llama-cpp-real.test.ts` has real ones. */
import { describe, expect, test } from 'vitest';
import { llamaCppEngine, type LlamaCppEngineOptions } from '../../src/adapters/node-llama-cpp/index.ts';
import type { LlamaChatItem, LlamaTokenPredictorLike } from '../../src/adapters/node-llama-cpp/llama-interface.ts';
import { LlamaTokenizer } from '../../src/adapters/node-llama-cpp/llama-tokenizer.ts';
import type { Branch, DecidedDraft, Engine } from '../../src/contracts/engine.ts';
import { logSumExp } from '../../src/maths/sampling.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { complete, engineLaws, tokensOf, withSession, type EngineSubject } from '../engines/engine-laws.ts';
import { ALPHABET, END, forgetfulLogits, scriptedSubject, storyLogits, tokenizer } from '../engines/scripted-engines.ts';
import { ScriptedLlama, type ScriptedLlamaOptions } from './scripted-llama.ts';

const PROMPT = 'abba 12';

function scriptedLlama(options: Partial<ScriptedLlamaOptions> = {}): ScriptedLlama {
  return new ScriptedLlama({ tokenizer, vocabularySize: ALPHABET.length + 1, end: END, contextTokens: 120, logits: storyLogits, ...options });
}

/** Predicts the likeliest tokens of a model that is right about two of three. */
class ScriptedPredictor implements LlamaTokenPredictorLike {
  readonly length: number;
  isSlow = false;
  resets = 0;
  isDisposed = false;
  #tokens: number[] = [];

  constructor(length: number) {
    this.length = length;
  }

  reset({ stateTokens }: { stateTokens: number[] }): void {
    this.resets++;
    this.#tokens = stateTokens;
  }

  updateInputTokens(): void {}

  pushTokens(tokens: number[]): void {
    this.#tokens.push(...tokens);
  }

  predictTokens(): number[] | Promise<number[]> {
    if (this.isSlow) return new Promise(() => undefined);
    const drafted: number[] = [];
    while (drafted.length < this.length) {
      const logits = forgetfulLogits([...this.#tokens, ...drafted]);
      drafted.push(logits.indexOf(Math.max(...logits)));
    }
    return drafted;
  }

  stop(): void {}

  dispose(): void {
    this.isDisposed = true;
  }
}

const speculating = (length = 4): LlamaCppEngineOptions => ({ tokenPredictor: () => new ScriptedPredictor(length) });

describe.each<readonly [string, () => Engine, number]>([
  ['with a sequence for every branch', () => llamaCppEngine(scriptedLlama(), { sequences: 32 }), 1],
  ['with three sequences, of which branches take turns', () => llamaCppEngine(scriptedLlama(), { sequences: 3 }), 1],
  ['of a version whose sequences cannot be copied', () => llamaCppEngine(scriptedLlama({ copies: false }), { sequences: 4 }), 1],
  ['of a model whose state cannot be cut everywhere', () => llamaCppEngine(scriptedLlama({ cutsFrom: 5, copies: false }), { sequences: 4 }), 1],
  ['with a token predictor', () => llamaCppEngine(scriptedLlama(), { sequences: 5, ...speculating() }), 5],
])('the engine %s', (_, open, tokensAPass) => {
  const subject: EngineSubject = { ...scriptedSubject(open), tokensAPass };
  for (const law of engineLaws) test(law.name, () => law.check(subject));
});

describe('the same text', () => {
  const texts = async (options: LlamaCppEngineOptions, llama = scriptedLlama()): Promise<readonly (readonly number[])[]> => {
    const engine = llamaCppEngine(llama, options);
    const tokens = await tokensOf(engine, PROMPT, { seed: 4, sampling: { temperature: 1.5 } }, 6);
    await engine.dispose();
    return tokens;
  };

  test.each<readonly [string, LlamaCppEngineOptions]>([
    ['however many sequences there are', { sequences: 2 }],
    ['with one sequence', { sequences: 1 }],
    ['with drafts', { sequences: 6, ...speculating() }],
    ['with drafts and one sequence', { sequences: 1, ...speculating(2) }],
  ])('comes %s', async (_, options) => {
    expect(await texts(options)).toEqual(await texts({ sequences: 6 }));
  });
});

describe('the cache', () => {
  test('of a prompt is read once for all branches, and found by later sessions', async () => {
    const llama = scriptedLlama();
    const engine = llamaCppEngine(llama, { sequences: 4 });
    const prompt = PROMPT.repeat(3);
    const evaluatedBy = async (): Promise<number> => {
      const before = llama.evaluated;
      await withSession(engine, prompt, {}, (session) => Promise.all(session.branch(3).map((branch) => branch.advance({ until: { tokens: 2 } }))));
      return llama.evaluated - before;
    };
    // All but its last token once; each branch evaluates that one and the first of its own two.
    expect(await evaluatedBy()).toBe(tokenizer.encode(prompt).length - 1 + 3 * 2);
    expect(await evaluatedBy()).toBe(3 * 2);
    await engine.dispose();
  });

  test('of a fork is its parent’s', async () => {
    const llama = scriptedLlama();
    const engine = llamaCppEngine(llama, { sequences: 2 });
    await withSession(engine, PROMPT, {}, async (session) => {
      const [parent] = session.branch(1) as [Branch];
      await parent.advance({ until: { tokens: 15 } });
      const before = llama.evaluated;
      await parent.fork().advance({ until: { tokens: 3 } });
      expect(llama.evaluated - before).toBe(3);
    });
    await engine.dispose();
  });

  test('is thrown away after a failure, and the next step is right', async () => {
    const llama = scriptedLlama();
    const engine = llamaCppEngine(llama);
    const [expected] = await tokensOf(engine, PROMPT, {}, 1);
    await withSession(engine, PROMPT, {}, async (session) => {
      const branch = session.branch(1)[0]!;
      const start = await branch.advance({ until: { tokens: 3 } });
      llama.fault = new Error('out of memory');
      await expect(branch.advance()).rejects.toMatchObject({ code: 'LTTS_MODEL', message: expect.stringContaining('out of memory') as string });
      llama.fault = undefined;
      const rest = await branch.advance({ until: { tokens: 60 - start.tokens.length } });
      expect([...start.tokens, ...rest.tokens]).toEqual(expected);
    });
    await engine.dispose();
  });
});

test('branches of one step are one batch', async () => {
  const llama = scriptedLlama();
  const engine = llamaCppEngine(llama, { sequences: 8 });
  await withSession(engine, PROMPT, {}, async (session) => {
    const branches = session.branch(6);
    llama.batches.length = 0;
    await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 4 } })));
    expect(llama.batches).toEqual([6, 6, 6, 6]);
  });
  await engine.dispose();
});

test('a branch that fails does not take the others along', async () => {
  const llama = scriptedLlama();
  const engine = llamaCppEngine(llama, { sequences: 4 });
  const expected = await tokensOf(engine, PROMPT, {}, 3);
  await withSession(engine, PROMPT, {}, async (session) => {
    const branches = session.branch(3);
    await branches[1]!.force('ff');
    const broken = tokenizer.encode('ff').join();
    llama.fault = (tokens) => (tokens.join().includes(broken) ? new Error('broken') : undefined);
    const [first, second, third] = await Promise.allSettled(branches.map((branch) => complete(branch)));
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'LTTS_MODEL' } });
    expect([first, third].map((outcome) => outcome?.status === 'fulfilled' && outcome.value.tokens)).toEqual([expected[0], expected[2]]);
  });
  await engine.dispose();
});

test('a long text is read by chunks, and an abort is seen between them', async () => {
  const llama = scriptedLlama({ contextTokens: 2000, logits: () => storyLogits([1]) });
  const engine = llamaCppEngine(llama, { contextTokens: 2000 });
  const controller = new AbortController();
  const reason = new Error('enough');
  const opening = engine.open({ text: PROMPT.repeat(200) }, { signal: controller.signal });
  while (llama.evaluated === 0) await new Promise((resolve) => setImmediate(resolve));
  controller.abort(reason);
  await expect(opening).rejects.toBe(reason);
  expect(llama.evaluated).toBeLessThan(700);
  await engine.dispose();
});

test('a prompt that is not read by the deadline is given up', async () => {
  const engine = llamaCppEngine(scriptedLlama());
  await expect(engine.open({ text: PROMPT }, { clock: new ManualClock(), deadlineAt: 0 })).rejects.toMatchObject({ code: 'LTTS_NO_CANDIDATE' });
  await engine.dispose();
});

test('log-probabilities of a text are the model’s own', async () => {
  const engine = llamaCppEngine(scriptedLlama());
  await withSession(engine, PROMPT, { sampling: { temperature: 0.3, topK: 2 } }, async (session) => {
    const [branch] = session.branch(1) as [Branch];
    const { tokens } = await branch.advance({ until: { tokens: 4 } });
    const asked = tokenizer.encode('cab');
    const [first, again] = await Promise.all([branch.logprobsOf!('cab'), branch.logprobsOf!('cab')]);
    for (const [index, token] of asked.entries()) {
      const logits = Float32Array.from(storyLogits([...tokenizer.encode(PROMPT), ...tokens, ...asked.slice(0, index)]));
      expect(first![index]).toBeCloseTo(logits[token]! - logSumExp(logits), 4);
    }
    expect(again).toEqual(first);
    await expect(branch.logprobsOf!('ab'.repeat(80))).rejects.toMatchObject({ code: 'LTTS_CONTEXT_LENGTH' });
  });
  await engine.dispose();
});

test('log-probabilities of a text are unknown to versions that tell no logits', async () => {
  const engine = llamaCppEngine(scriptedLlama({ tellsLogits: false }));
  await withSession(engine, PROMPT, {}, async (session) => expect(await session.branch(1)[0]!.logprobsOf!('cab')).toBeUndefined());
  await engine.dispose();
});

describe('drafts', () => {
  test('are told, and stand as far as the text agrees with them', async () => {
    const engine = llamaCppEngine(scriptedLlama(), speculating());
    const drafts: DecidedDraft[] = [];
    const onDraft = (_: number, draft: DecidedDraft): void => void drafts.push(draft);
    await withSession(engine, PROMPT, { sampling: { temperature: 0 }, onDraft }, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const { text, tokens } = await complete(branch);
      const { speculation, forwardCount } = session.usage();
      expect(speculation!.accepted).toBeGreaterThan(tokens.length / 3);
      expect(forwardCount).toBeLessThan(tokens.length);
      for (const { offset, drafted, accepted } of drafts) {
        const stood = drafted.slice(0, accepted).join('');
        expect(text.slice(offset, offset + stood.length)).toBe(stood);
      }
    });
    await engine.dispose();
  });

  test('that do not come are not waited for', async () => {
    const predictors: ScriptedPredictor[] = [];
    const tokenPredictor = (): ScriptedPredictor => {
      const predictor = Object.assign(new ScriptedPredictor(2), { isSlow: true });
      predictors.push(predictor);
      return predictor;
    };
    const engine = llamaCppEngine(scriptedLlama(), { sequences: 2, tokenPredictor });
    const clock = new ManualClock();
    await withSession(engine, PROMPT, { clock }, async (session) => {
      const open = session.branch(1)[0]!.advance({ until: { tokens: 3 } });
      let isDone = false;
      void open.then(() => (isDone = true));
      while (!isDone) {
        clock.advance(100);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await open).tokens).toHaveLength(3);
    });
    await engine.dispose();
    expect(predictors.map(({ isDisposed }) => isDisposed)).toEqual([true, true]);
  });
});

test('min-p means the same at every temperature', async () => {
  const engine = llamaCppEngine(
    scriptedLlama({
      logits: () => [
        0,
        Math.log(0.3),
        Math.log(0.1),
        ...ALPHABET.slice(3)
          .split('')
          .map(() => -50),
        -50,
      ],
    }),
  );
  // At temperature 2 the third token is √0.1 = 0.32 as likely as the first, the second 0.55.
  const seen = await withSession(engine, PROMPT, { sampling: { temperature: 2, minP: 0.4 } }, (session) =>
    session.branch(1)[0]!.advance({ until: { tokens: 90 } }),
  );
  expect(new Set(seen.tokens)).toEqual(new Set([0, 1]));
  await engine.dispose();
});

test('frees its context, and leaves the model to its owner', async () => {
  const llama = scriptedLlama();
  const engine = llamaCppEngine(llama);
  await Promise.all([engine.ready(), engine.ready()]);
  expect(llama.openContexts).toBe(1);
  await engine.dispose();
  expect(llama.openContexts).toBe(0);
});

test('a context that does not fit is an error that says what to do, and is tried again', async () => {
  const llama = scriptedLlama();
  llama.fault = new Error('a VRAM of 8 GB is too small.');
  const engine = llamaCppEngine(llama);
  await expect(engine.ready()).rejects.toMatchObject({ code: 'LTTS_MODEL_LOAD', message: expect.stringMatching(/too small.*sequences/) as string });
  llama.fault = undefined;
  await engine.ready();
  await engine.dispose();
});

test.each([
  [undefined, {}, 'model'],
  [{}, {}, 'model'],
  [scriptedLlama(), { sequences: 0 }, 'sequences'],
  [scriptedLlama(), { contextTokens: 1.5 }, 'contextTokens'],
  [scriptedLlama(), { sampling: { topP: 0 } }, 'sampling.topP'],
  [scriptedLlama(), { tokenPredictor: new ScriptedPredictor(1) }, 'tokenPredictor'],
])('case %#: wrong options are refused', (model, options, option) => {
  expect(() => llamaCppEngine(model as never, options as never)).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
});

describe('prompts', () => {
  const seen: LlamaChatItem[][] = [];
  const chatWrapper = {
    generateContextState({ chatHistory }: { chatHistory: LlamaChatItem[] }) {
      seen.push(chatHistory);
      return { contextText: { tokenize: (given: unknown) => (given === 'scripted' ? [1, 2, 3] : []) } };
    },
  };

  test('with turns go through the chat wrapper', () => {
    const model = new LlamaTokenizer(scriptedLlama(), chatWrapper);
    expect(model.encodePrompt('hi')).toEqual([1, 2, 3]);
    model.encodePrompt([
      { role: 'system', content: 's' },
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'a' },
    ]);
    expect(seen).toEqual([
      [
        { type: 'user', text: 'hi' },
        { type: 'model', response: [] },
      ],
      [
        { type: 'system', text: 's' },
        { type: 'user', text: 'u' },
        { type: 'model', response: ['a'] },
      ],
    ]);
    expect(() => model.encodePrompt([])).toThrow(expect.objectContaining({ option: 'prompt' }));
  });

  test('without one are text, and turns are refused', () => {
    const model = new LlamaTokenizer(scriptedLlama(), undefined);
    expect(model.encodePrompt('ab')).toEqual(tokenizer.encode('ab'));
    expect(() => model.encodePrompt([{ role: 'user', content: 'a' }])).toThrow(
      expect.objectContaining({ option: 'prompt', message: expect.stringContaining('resolveChatWrapper') as string }),
    );
  });

  test('as text begin with the token that begins every text of the model, once', () => {
    const model = new LlamaTokenizer(Object.assign(scriptedLlama(), { tokens: { bos: 7, shouldPrependBosToken: true } }), undefined);
    expect(model.encodePrompt({ text: 'ab' })).toEqual([7, ...tokenizer.encode('ab')]);
    expect(model.encodePrompt({ text: 'hb' })).toEqual(tokenizer.encode('hb'));
    expect(model.encode('ab')).toEqual(tokenizer.encode('ab'));
  });

  test('that need the file’s template are refused without it', () => {
    const fileInfo = { metadata: { tokenizer: { chat_template: '{{ messages }}' } } };
    const model = new LlamaTokenizer(Object.assign(scriptedLlama(), { fileInfo }), undefined);
    expect(() => model.encodePrompt('ab')).toThrow(
      expect.objectContaining({ option: 'prompt', message: expect.stringContaining('resolveChatWrapper') as string }),
    );
    expect(model.encodePrompt({ text: 'ab' })).toEqual(tokenizer.encode('ab'));
  });
});

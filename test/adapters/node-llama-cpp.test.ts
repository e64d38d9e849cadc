/** Models of node-llama-cpp, on a scripted one; `node-llama-cpp-peer.test.ts` has the real one. */
import { describe, expect, test } from 'vitest';
import { llamaCppModel, type LlamaCppModelOptions } from '../../src/adapters/node-llama-cpp/index.ts';
import type { LlamaChatItem } from '../../src/adapters/node-llama-cpp/llama-interface.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { SpeculativeDecoder } from '../../src/engines/speculative-decoder.ts';
import { engineLaws, tokensOf, withSession } from '../engines/engine-laws.ts';
import { ALPHABET, END, forgetfulLogits, mainDecoder, scriptedModel, scriptedSubject, storyLogits, tokenizer } from '../engines/scripted-engines.ts';
import { tokenModelLaws } from '../models/token-model-laws.ts';
import { ScriptedLlama, type ScriptedLlamaOptions } from './scripted-llama.ts';

const PROMPT = 'abba 12';

function scriptedLlama(options: Partial<ScriptedLlamaOptions> = {}): ScriptedLlama {
  return new ScriptedLlama({ tokenizer, vocabularySize: ALPHABET.length + 1, end: END, contextTokens: 120, logits: storyLogits, ...options });
}

const llamaDecoder = (llama = scriptedLlama(), options: LlamaCppModelOptions = {}): Decoder => new Decoder({ model: llamaCppModel(llama, options) });

describe('the token model', () => {
  describe.each([
    ['with more sequences than are used', 16, 0],
    ['with one sequence for all', 1, 0],
    ['of which the state cannot be cut everywhere', 3, 5],
  ])('%s', (_, sequences, cutsFrom) => {
    const open = () => llamaCppModel(scriptedLlama({ contextTokens: 300, cutsFrom }), { contextTokens: 300, sequences }).load();
    for (const law of tokenModelLaws) test(law.name, () => law.check({ open, tolerance: 1e-4, programs: 10 }));
  });
});

describe.each([
  ['with a sequence for every branch', 32],
  ['with three sequences, of which branches take turns', 3],
])('Decoder %s', (_, sequences) => {
  const subject = { ...scriptedSubject(() => llamaDecoder(scriptedLlama(), { sequences })) };
  for (const law of engineLaws) test(law.name, () => law.check(subject));
});

describe('SpeculativeDecoder, both models of node-llama-cpp', () => {
  const open = () => {
    const draft = llamaCppModel(scriptedLlama({ logits: forgetfulLogits }));
    return new SpeculativeDecoder({ target: llamaCppModel(scriptedLlama()), draft, draftLength: 4 });
  };
  const subject = { ...scriptedSubject(open), tokensAPass: 5 };
  for (const law of engineLaws) test(law.name, () => law.check(subject));
});

test('writes what a model with the same logits writes', async () => {
  const engines = [llamaDecoder(), mainDecoder(scriptedModel())];
  const [ours, theirs] = await Promise.all(engines.map((engine) => tokensOf(engine, PROMPT, { seed: 4 }, 5)));
  expect(ours).toEqual(theirs);
  await Promise.all(engines.map((engine) => engine.dispose()));
});

describe('the cache', () => {
  test('of a prompt is found again by its branches and by later sessions', async () => {
    const llama = scriptedLlama();
    const engine = llamaDecoder(llama, { sequences: 4 });
    await engine.ready();
    const promptTokens = tokenizer.encode(PROMPT).length;
    const evaluatedBy = async (): Promise<number> => {
      const before = llama.evaluated;
      await withSession(engine, PROMPT, {}, (session) => Promise.all(session.branch(3).map((branch) => branch.advance({ until: { tokens: 2 } }))));
      return llama.evaluated - before;
    };
    // Each branch evaluates one of its two tokens. The first one takes the prompt over, the others read it once; of its first
    // token, which a model is warmed up with, there is one already.
    expect(await evaluatedBy()).toBe(3 * promptTokens + 3 - 1);
    // Now they find it. Its last token is evaluated again, since its logits are wanted.
    expect(await evaluatedBy()).toBe(1 + 3);
    await engine.dispose();
  });

  test('is thrown away after a failure, and the next pass is right', async () => {
    const llama = scriptedLlama();
    const engine = llamaDecoder(llama);
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

test('looks at the likeliest tokens only where it is told to', async () => {
  const engine = llamaDecoder(scriptedLlama(), { candidates: 2 });
  await withSession(engine, PROMPT, { sampling: { temperature: 5 }, topLogprobs: 3 }, async (session) => {
    const { topLogprobs } = await session.branch(1)[0]!.advance({ until: { tokens: 20 } });
    for (const [first, second, third] of topLogprobs!) {
      expect(Math.exp(first!) + Math.exp(second!)).toBeCloseTo(1, 5);
      expect(third).toBeLessThan(-100);
    }
  });
  await engine.dispose();
});

test('frees its context, and leaves the model to its owner', async () => {
  const llama = scriptedLlama();
  const engine = llamaDecoder(llama);
  await engine.ready();
  expect(llama.openContexts).toBe(1);
  await engine.dispose();
  expect(llama.openContexts).toBe(0);
});

test('a context that does not fit is an error that says what to do', async () => {
  const llama = scriptedLlama();
  llama.fault = new Error('a VRAM of 8 GB is too small.');
  await expect(llamaDecoder(llama).ready()).rejects.toMatchObject({
    code: 'LTTS_MODEL_LOAD',
    message: expect.stringMatching(/too small.*sequences/) as string,
  });
});

test.each([
  [undefined, {}, 'model'],
  [{}, {}, 'model'],
  [scriptedLlama(), { sequences: 0 }, 'sequences'],
  [scriptedLlama(), { contextTokens: 1.5 }, 'contextTokens'],
  [scriptedLlama(), { candidates: -1 }, 'candidates'],
])('case %#: wrong options are refused', (model, options, option) => {
  expect(() => llamaCppModel(model as never, options)).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
});

describe('prompts', () => {
  const seen: LlamaChatItem[][] = [];
  const chatWrapper = {
    generateContextState({ chatHistory }: { chatHistory: LlamaChatItem[] }) {
      seen.push(chatHistory);
      return { contextText: { tokenize: (given: unknown) => (given === 'scripted' ? [1, 2, 3] : []) } };
    },
  };

  test('with turns go through the chat wrapper', async () => {
    const model = await llamaCppModel(scriptedLlama(), { chatWrapper }).loadTokenizer();
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

  test('without one are text, and turns are refused', async () => {
    const model = await llamaCppModel(scriptedLlama()).loadTokenizer();
    expect(model.encodePrompt('ab')).toEqual(tokenizer.encode('ab'));
    expect(() => model.encodePrompt([{ role: 'user', content: 'a' }])).toThrow(
      expect.objectContaining({ option: 'prompt', message: expect.stringContaining('resolveChatWrapper') as string }),
    );
  });

  test('as text begin with the token that begins every text of the model, once', async () => {
    const model = await llamaCppModel(Object.assign(scriptedLlama(), { tokens: { bos: 7, shouldPrependBosToken: true } })).loadTokenizer();
    expect(model.encodePrompt({ text: 'ab' })).toEqual([7, ...tokenizer.encode('ab')]);
    expect(model.encodePrompt({ text: 'hb' })).toEqual(tokenizer.encode('hb'));
    expect(model.encode('ab')).toEqual(tokenizer.encode('ab'));
  });

  test('tokenizers that give the same ids have the same fingerprint', async () => {
    const [one, same, other] = await Promise.all(
      [scriptedLlama(), scriptedLlama(), scriptedLlama({ vocabularySize: 12 })].map((llama) => llamaCppModel(llama).loadTokenizer()),
    );
    expect(one!.fingerprint).toBe(same!.fingerprint);
    expect(one!.fingerprint).not.toBe(other!.fingerprint);
  });
});

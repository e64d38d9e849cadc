/**
 * The engine laws on real GGUF files through the real node-llama-cpp. Both are large, so neither comes with a checkout:
 *
 *   npm ci --prefix bench/peers
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npx vitest run test/adapters/node-llama-cpp-real.test.ts
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { loadGguf, missingPeer, type LoadedGguf } from '../../bench/support/load-gguf.ts';
import { llamaCppEngine, type LlamaCppEngineOptions } from '../../src/adapters/node-llama-cpp/index.ts';
import type { LlamaModelLike, LlamaOutput } from '../../src/adapters/node-llama-cpp/llama-interface.ts';
import { LlamaTokenizer } from '../../src/adapters/node-llama-cpp/llama-tokenizer.ts';
import type { Engine } from '../../src/contracts/engine.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { complete, engineLaws, tokensOf, withSession, type EngineSubject } from '../engines/engine-laws.ts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory, type RealModelName } from '../support/real-models.ts';

/**
 * llama.cpp's own caches of 16 bits and flash attention round by how a batch is cut, which now and then takes another token. One
 * thread, so that a busy machine does not let threads wait for one another.
 */
const STEADY = { threads: 1, flashAttention: false, experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32' };
const MODELS: readonly RealModelName[] = ['smollm2-135m', 'qwen2.5-coder-0.5b'];

describe.each(MODELS)('node-llama-cpp on %s', (name) => {
  const directory = realModelDirectory(name);
  const missing = missingPeer('node-llama-cpp') ?? (directory ? undefined : HOW_TO_GET_REAL_MODELS);
  describe.skipIf(missing !== undefined)(missing ?? 'is here', { timeout: 300_000 }, () => {
    let gguf: LoadedGguf;
    beforeAll(async () => void (gguf = await loadGguf(join(directory!, 'model.gguf'))), 120_000);
    afterAll(() => gguf?.model.dispose());

    const open = (options: LlamaCppEngineOptions = {}): Engine =>
      llamaCppEngine(gguf.model, { chatWrapper: gguf.chatWrapper, contextTokens: 256, context: STEADY, ...options });

    /** The model's own logits, in a context of their own. */
    async function reference(prompt: string, tokens: readonly number[]): Promise<readonly Float32Array[]> {
      const model = gguf.model as unknown as LlamaModelLike;
      const context = await model.createContext({ ...STEADY, contextSize: 256 });
      const promptTokens = new LlamaTokenizer(model, undefined).encodePrompt({ text: prompt });
      const input = [...promptTokens, ...tokens.slice(0, -1)];
      const wish = { logits: true as const, options: { temperature: 0, topK: 0, topP: 1, minP: 0 } };
      // As the engine reads them: many tokens at once round otherwise, and at temperature 0 near ties are common.
      const sequence = context.getSequence();
      await sequence.controlledEvaluate(promptTokens.slice(0, -1));
      const outputs: (LlamaOutput | undefined)[] = [];
      for (const token of input.slice(promptTokens.length - 1))
        outputs.push(...(await sequence.controlledEvaluate([[token, { generateNext: wish as never }]])));
      await context.dispose();
      return tokens.map((_, index) => {
        const row = new Float32Array([...model.iterateAllTokens()].length).fill(-Infinity);
        for (const [token, logit] of outputs[index]!.next.logits!) row[token] = logit;
        return row;
      });
    }

    const subject = {
      prompts: [
        '<|im_start|>user\nSay a short sentence about a cat.<|im_end|>\n<|im_start|>assistant\n',
        '<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n',
      ],
      forced: 'The answer is',
      filler: ' and so on',
      tokensAPass: 1,
      reference,
    } as const;

    describe('the engine', () => {
      const laws: EngineSubject = { ...subject, open: () => open() };
      for (const law of engineLaws) test(law.name, () => law.check(laws));
    });

    describe('with lookup predictors', () => {
      const tokenPredictor = (): InstanceType<LoadedGguf['InputLookupTokenPredictor']> => new gguf.InputLookupTokenPredictor();
      test('writes what it writes without, up to rounding: a draft makes another batch', async () => {
        const prompt = subject.prompts[0].replace('Say', 'Say five times: cats like milk. Then say');
        const [plain, drafting] = [open(), open({ tokenPredictor })];
        onTestFinished(async () => void (await Promise.all([plain.dispose(), drafting.dispose()])));
        const expected = await tokensOf(plain, prompt, { seed: 3 }, 4);
        await withSession(drafting, prompt, { seed: 3 }, async (session) => {
          const segments = await Promise.all(session.branch(4).map((branch) => complete(branch)));
          const same = segments.filter(({ tokens }, branch) => tokens.join() === expected[branch]!.join());
          expect(same.length).toBeGreaterThanOrEqual(2);
          expect(session.usage().speculation!.proposed).toBeGreaterThan(0);
        });
      });
    });

    test('prompts go through the template of the file', () => {
      const tokenizer = new LlamaTokenizer(gguf.model as unknown as LlamaModelLike, gguf.chatWrapper as never);
      const model = gguf.model as unknown as LlamaModelLike;
      const messages = [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'What is 2 + 2?' },
      ] as const;
      const expected = '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat is 2 + 2?<|im_end|>\n<|im_start|>assistant\n';
      expect(model.detokenize(tokenizer.encodePrompt(messages), true)).toBe(expected);
      const continued = model.detokenize(tokenizer.encodePrompt([...messages, { role: 'assistant', content: 'It is' }]), true);
      expect(continued).toBe(`${expected}It is`);
    });

    test('memory does not grow with every token: samplers are collected', async () => {
      // In a process of its own, so that nothing else is measured.
      const script = fileURLToPath(new URL('llama-memory.ts', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, join(directory!, 'model.gguf')]);
      // 800 buffers of 12 bytes for each of 49,152 tokens would be 470 MB, of 151,936 tokens 1460 MB.
      expect(Number(stdout)).toBeLessThan(250);
    });

    test('a strategy answers on it', async () => {
      const engine = open();
      const { answer } = await new SelfConsistency({ branches: 3, maxTokens: 120 }).run({ engine, prompt: 'What is 12 plus 30? Answer with the number only.' });
      expect(answer).toMatch(/\d/);
      await engine.dispose();
    });
  });
});

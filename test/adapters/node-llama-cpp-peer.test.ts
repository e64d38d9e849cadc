/**
 * The bundled weights as GGUF on the real node-llama-cpp. It is large, so it is not installed with the project; two commands
 * make these tests run:
 *
 *   npm ci --prefix bench/peers
 *   python training/export_gguf.py target draft
 */
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { llamaCppModel, type AnyLlamaModel } from '../../src/adapters/node-llama-cpp/index.ts';
import { missingLlama } from '../../bench/support/llama-candidate.ts';
import { PEERS } from '../../bench/support/peers.ts';
import type { LocalModel } from '../../src/models/local-model.ts';
import type { TokenModel } from '../../src/contracts/token-model.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { SpeculativeDecoder } from '../../src/engines/speculative-decoder.ts';
import { loadModel } from '../../src/node/load-model.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { complete, engineLaws, withSession, type EngineSubject } from '../engines/engine-laws.ts';
import { tokenModelLaws } from '../models/token-model-laws.ts';

const missing = missingLlama();
const context = { threads: 1, flashAttention: false, experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32' };
const QUESTION = 'Ben has 12 coins. He finds 30 coins. How many coins does Ben have now?';
const FILES = ['models/target', { tokenizerPath: 'models/tokenizer', threads: 1 }] as const;

interface Gguf extends AnyLlamaModel {
  dispose(): Promise<void>;
}

describe.skipIf(missing)(`node-llama-cpp on the bundled weights${missing ? `: ${missing}` : ''}`, () => {
  let ggufs: { readonly target: Gguf; readonly draft: Gguf };
  let oracle: TokenModel;
  const onnx = loadModel(...FILES);

  beforeAll(async () => {
    const { getLlama, LlamaLogLevel } = (await import(pathToFileURL(`${PEERS}node_modules/node-llama-cpp/dist/index.js`).href)) as {
      getLlama(options: object): Promise<{ loadModel(options: { modelPath: string }): Promise<Gguf> }>;
      LlamaLogLevel: { readonly disabled: string };
    };
    const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.disabled, maxThreads: 0 });
    const [target, draft] = await Promise.all(['target', 'draft'].map((name) => llama.loadModel({ modelPath: `${PEERS}models/${name}.gguf` })));
    ggufs = { target: target!, draft: draft! };
    oracle = await (await localModel('target')).load();
  });

  afterAll(async () => {
    await oracle?.dispose();
    await Promise.all(Object.values(ggufs).map((gguf) => gguf.dispose()));
  });

  /**
   * With the bundled tokenizer: llama.cpp has none of its kind. With caches of 32 bits: its own of 16 round by how a batch is
   * cut, which now and then takes another token.
   */
  async function localModel(name: 'target' | 'draft', sequences = 9): Promise<LocalModel> {
    return llamaCppModel(ggufs[name], { tokenizer: await (await onnx).loadTokenizer(), sequences, context });
  }

  const subject = {
    prompts: [
      '<s><|user|> mia has 34 apples. she buys 7 boxes with 12 apples in each. how many apples does mia have now?<|assistant|>',
      '<s><|user|> tom has 9 pens and gives 4 pens to ben. how many pens does tom have now?<|assistant|>',
    ],
    forced: '7*12=84\n',
    filler: ' 1',
    async reference(prompt: string, tokens: readonly number[]) {
      const promptTokens = (await (await onnx).loadTokenizer()).encodePrompt({ text: prompt });
      const sequence = oracle.openSequence();
      const logits = await oracle.forward([{ sequence, tokens: [...promptTokens, ...tokens.slice(0, -1)], logitCount: tokens.length }]);
      sequence.dispose();
      const size = oracle.vocabularySize;
      return tokens.map((_, row) => logits.slice(row * size, (row + 1) * size));
    },
  } as const;

  describe('the token model', () => {
    for (const law of tokenModelLaws)
      test(law.name, () => law.check({ open: async () => (await localModel('target', 4)).load(), tolerance: 1e-3, programs: 5 }));
  });

  describe.each([
    ['Decoder', 1, (models: LocalModel[]) => new Decoder({ model: models[0]! })],
    ['SpeculativeDecoder', 5, (models: LocalModel[]) => new SpeculativeDecoder({ target: models[0]!, draft: models[1]!, draftLength: 4 })],
  ] as const)('%s', (_, tokensAPass, make) => {
    for (const law of engineLaws) {
      // llama.cpp rounds by how a batch is cut: at the temperatures of some laws a text now and then comes out otherwise.
      test(law.name, { retry: 3 }, async () => {
        const models = await Promise.all([localModel('target'), localModel('draft')]);
        await law.check({ ...subject, tokensAPass, open: () => make(models) } satisfies EngineSubject);
      });
    }
  });

  test('gives the log-probabilities that the same weights as ONNX give', async () => {
    const engine = new Decoder({ model: await onnx, thread: 'main' });
    const { tokens, topLogprobs } = await withSession(engine, subject.prompts[0], { topLogprobs: 3, seed: 2 }, (session) => complete(session.branch(1)[0]!));
    await engine.dispose();
    const rows = await subject.reference(subject.prompts[0], tokens);
    expect(tokens.length).toBeGreaterThan(10);
    for (const [index, likeliest] of topLogprobs!.entries()) {
      const ours = [...rows[index]!].sort((left, right) => right - left);
      for (const [rank, logprob] of likeliest.entries()) expect(Math.abs(ours[rank]! - logprob), `${index} ${rank} ${logprob}`).toBeLessThan(0.05);
    }
  });

  test('a strategy answers on it', async () => {
    const engine = new Decoder({ model: await localModel('target') });
    const { answer } = await new SelfConsistency({ branches: 5 }).run({ engine, prompt: QUESTION });
    expect(answer).toBe('42');
    await engine.dispose();
  });
});

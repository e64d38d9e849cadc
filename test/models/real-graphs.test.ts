/**
 * Graphs of models that people use, as they are changed when they are loaded:
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npx vitest run test/models/real-graphs.test.ts
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TokenModel } from '../../src/contracts/token-model.ts';
import { loadHubModel } from '../../src/models/load-onnx-model.ts';
import { UnifiedTokenModel } from '../../src/models/unified-token-model.ts';
import { nodeFileSystem } from '../../src/node/file-system.ts';
import { loadOnnxModel } from '../../src/node/load-model.ts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory, type RealModelName } from '../support/real-models.ts';

const MODELS: readonly RealModelName[] = ['smollm2-135m', 'qwen2.5-coder-0.5b'];
/** Of logits after the same cache: products of more rows may be summed in another order. */
const ROUNDING = 1;
/**
 * Of logits after a text that was read in another way: where its cells lie decides in which order attention is summed. A last digit
 * that differs can round an activation to another of its 8 bits, and that grows from layer to layer and token to token.
 */
const GROWN = 5;

describe.each(MODELS)('%s', (name) => {
  const directory = realModelDirectory(name);
  const isMissing = directory === undefined;
  describe.skipIf(isMissing)(isMissing ? HOW_TO_GET_REAL_MODELS : 'is here', { timeout: 300_000 }, () => {
    describe.each(['q4', 'q8'] as const)('%s', (dtype) => {
      let model: TokenModel;
      beforeAll(async () => {
        model = await (await loadOnnxModel(directory!, { dtype, localFilesOnly: true })).load();
      });
      afterAll(() => model.dispose());

      test('is one flat batch, in which the logits of a token do not depend on what else is in its pass', async () => {
        expect(model).toBeInstanceOf(UnifiedTokenModel);
        expect(await companyMatters(model)).toBeLessThan(ROUNDING);
      });

      test('gives nearly the same logits after a text that was read token by token among others', async () => {
        expect(await historyMatters(model)).toBeLessThan(GROWN);
      });
    });

    test('as exported, int8 logits depend on what else is in the pass', async () => {
      const source = await loadHubModel(directory!, { dtype: 'q8', localFilesOnly: true }, { fileSystem: nodeFileSystem });
      const exported = await source.load();
      expect(await companyMatters(exported)).toBeGreaterThan(2 * ROUNDING);
      await exported.dispose();
    });
  });
});

/** Most that a logit differs by, of a token alone, of the same token among seven others, and with a draft after it. */
async function companyMatters(model: TokenModel): Promise<number> {
  const sequences = Array.from({ length: 8 }, () => model.openSequence());
  for (const [index, sequence] of sequences.entries()) {
    const tokens = Array.from({ length: 40 }, (_, place) => 1000 + 97 * index + place);
    await model.forward([{ sequence, tokens, logitCount: 0 }]);
  }
  const row = (index: number) => ({ sequence: sequences[index]!, tokens: [2000 + index], logitCount: 1 });
  const alone = (await model.forward([row(0)])).slice();
  sequences[0]!.truncate(40);
  const difference = (logits: Float32Array): number => alone.reduce((largest, logit, token) => Math.max(largest, Math.abs(logit - logits[token]!)), 0);
  const among = difference(await model.forward(sequences.map((_, index) => row(index))));
  sequences[0]!.truncate(40);
  const drafted = { ...row(0), tokens: [2000, 5, 6, 7, 8], logitCount: 5 };
  const most = Math.max(among, model.cannotVerify === undefined ? difference(await model.forward([drafted])) : 0);
  for (const sequence of sequences) sequence.dispose();
  console.log(`largest difference of a logit: ${most.toFixed(3)}`);
  return most;
}

/** Most that a logit differs by after 60 tokens: read at once and alone, and one by one among other sequences. */
async function historyMatters(model: TokenModel): Promise<number> {
  const [whole, stepped, other] = [model.openSequence(), model.openSequence(), model.openSequence()];
  const tokens = Array.from({ length: 60 }, (_, place) => 1000 + 37 * place);
  const expected = (await model.forward([{ sequence: whole, tokens, logitCount: 1 }])).slice();
  let last = expected;
  for (const [place, token] of tokens.entries()) {
    const company = { sequence: other, tokens: [500 + 7 * place], logitCount: 0 };
    last = (await model.forward([{ sequence: stepped, tokens: [token], logitCount: 1 }, company])).slice();
  }
  for (const sequence of [whole, stepped, other]) sequence.dispose();
  const most = expected.reduce((largest, logit, token) => Math.max(largest, Math.abs(logit - last[token]!)), 0);
  console.log(`largest difference of a logit after another history: ${most.toFixed(3)}`);
  return most;
}

import { expect, onTestFinished, test } from 'vitest';
import { bundledModels, type TokenModel } from 'latency-tts';
import { UninterruptedTokenModel } from '../../src/models/uninterrupted-token-model.ts';
import { atOnce } from '../../src/node/at-once.ts';

/** Whether the event loop took a turn before a pass was over, and the logits. */
async function pass(model: TokenModel): Promise<{ readonly hasTurned: boolean; readonly logits: number[] }> {
  let hasTurned = false;
  setImmediate(() => (hasTurned = true));
  const sequence = model.openSequence();
  const logits = Array.from(await model.forward([{ sequence, tokens: [1, 20, 30], logitCount: 1 }]));
  const result = { hasTurned, logits };
  sequence.dispose();
  return result;
}

test('passes follow one another without a turn of the event loop, and give what they give with one', async () => {
  const { draft } = await bundledModels();
  const model = await draft.load();
  onTestFinished(() => model.dispose());
  const plain = await pass(model);
  const uninterrupted = await pass(new UninterruptedTokenModel(model, atOnce));
  expect([plain.hasTurned, uninterrupted.hasTurned]).toEqual([true, false]);
  expect(uninterrupted.logits).toEqual(plain.logits);
});

test('only what is begun inside runs at once, whatever becomes of it', async () => {
  const { setImmediate } = globalThis;
  expect(() =>
    atOnce(() => {
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(globalThis.setImmediate).toBe(setImmediate);
});

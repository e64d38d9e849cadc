import { InferenceSession } from 'onnxruntime-node';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { TokenModel, TokenSequence } from '../../src/contracts/token-model.ts';
import { ModelError, ModelLoadError } from '../../src/errors.ts';
import { NativeTokenModel } from '../../src/models/native-token-model.ts';
import { assertSameLogits, someTokens } from './token-model-laws.ts';

type Run = InferenceSession['run'];

/** Keys and values of one token in the target's 8 layers of 64 units. */
const ENTRY = 2 * 8 * 64;

/** The bundled target over a session whose `run` the test supplies. */
async function openTarget(wrap: (run: Run) => Run = (run) => run): Promise<NativeTokenModel> {
  const config = JSON.parse(await readFile('models/target/config.json', 'utf8')) as Record<string, number>;
  const session = await InferenceSession.create('models/target/model.onnx', { logSeverityLevel: 3, intraOpNumThreads: 1 });
  const run = wrap(session.run.bind(session) as Run);
  const wrapped: InferenceSession = new Proxy(session, {
    get: (target, name) => (name === 'run' ? run : (Reflect.get(target, name, target) as unknown)),
  });
  return new NativeTokenModel(wrapped, config['num_attention_heads']! / config['num_key_value_heads']!, { contextTokens: 64, endTokens: new Set([2]) });
}

test('NativeTokenModel appends nothing when the runtime fails, and goes on', async () => {
  let fails = false;
  const model = await openTarget((run) => (async (feeds) => (fails ? Promise.reject(new Error('out of memory')) : run(feeds))) as Run);
  const [past, news] = [someTokens(model, 7, 1), someTokens(model, 3, 2)];
  const expected = (await model.forward([{ sequence: model.openSequence(), tokens: [...past, ...news], logitCount: 1 }])).slice();

  const sequence = model.openSequence();
  await model.forward([{ sequence, tokens: past, logitCount: 0 }]);
  fails = true;
  const failing = model.forward([{ sequence, tokens: [9, 9], logitCount: 1 }]);
  await expect(failing).rejects.toBeInstanceOf(ModelError);
  await expect(failing).rejects.toThrow('out of memory');
  fails = false;
  expect(sequence.length).toBe(past.length);
  assertSameLogits(await model.forward([{ sequence, tokens: news, logitCount: 1 }]), expected, 1e-4);
});

test.each([Number.NaN, Infinity, -Infinity])(
  'NativeTokenModel fails on a key or value of %d, appends nothing, and whoever gets the cache next does not see it',
  async (fault) => {
    // Counted from the entry of the row's first token: its first key, its last value.
    for (const place of [0, ENTRY - 1]) {
      let isFaulty = false;
      const model = await openTarget(
        (run) =>
          (async (feeds) => {
            const outputs = await run(feeds);
            if (isFaulty) (outputs['new_cache']!.data as Float32Array)[place] = fault;
            return outputs;
          }) as Run,
      );
      const [past, news] = [someTokens(model, 7, 6), someTokens(model, 3, 7)];
      const [first, second] = [model.openSequence(), model.openSequence()];
      const expected = (await model.forward([{ sequence: first, tokens: [...past, ...news], logitCount: 1 }])).slice();
      first.truncate(past.length);
      await model.forward([{ sequence: second, tokens: past, logitCount: 0 }]);

      isFaulty = true;
      const failing = model.forward([first, second].map((sequence) => ({ sequence, tokens: news, logitCount: 1 })));
      await expect(failing).rejects.toBeInstanceOf(ModelError);
      await expect(failing).rejects.toThrow(/not finite/);
      isFaulty = false;
      expect([first.length, second.length]).toEqual([past.length, past.length]);
      for (const sequence of [first, second]) assertSameLogits(await model.forward([{ sequence, tokens: news, logitCount: 1 }]), expected, 1e-4);
      first.dispose();
      second.dispose();
      const next = model.openSequence();
      assertSameLogits(await model.forward([{ sequence: next, tokens: [...past, ...news], logitCount: 1 }]), expected, 1e-4);
    }
  },
);

const CHANGES: Readonly<Record<string, (own: TokenSequence, other: TokenSequence, model: TokenModel) => void>> = {
  forking: (own) => void own.fork(),
  'forking another': (_, other) => void other.fork(),
  disposing: (_, other) => other.dispose(),
  opening: (_, __, model) => void model.openSequence(),
};

test.each(Object.entries(CHANGES))('NativeTokenModel refuses %s until the new keys and values are stored', async (_, change) => {
  const attempts: Promise<void>[] = [];
  let attempt: (() => void) | undefined;
  const model = await openTarget(
    (run) =>
      (async (feeds) => {
        const outputs = await run(feeds);
        // From the moment the runtime answers, one attempt at every turn of the microtask queue.
        const keepTrying = async (): Promise<void> => {
          for (let turn = 0; turn < 20; turn++) {
            attempt?.();
            await Promise.resolve();
          }
        };
        attempts.push(keepTrying());
        return outputs;
      }) as Run,
  );
  const [past, news] = [someTokens(model, 12, 3), someTokens(model, 4, 4)];
  const whole = model.openSequence();
  const expected = (await model.forward([{ sequence: whole, tokens: [...past, ...news, 5], logitCount: 1 }])).slice();
  whole.dispose();

  const other = model.openSequence();
  await model.forward([{ sequence: other, tokens: past, logitCount: 0 }]);
  const own = other.fork();
  let refused = 0;
  let isOver = false;
  attempt = () => {
    if (isOver) return;
    try {
      change(own, other, model);
      isOver = true;
    } catch {
      refused++;
    }
  };
  await model.forward([
    { sequence: other, tokens: someTokens(model, 4, 5), logitCount: 0 },
    { sequence: own, tokens: news, logitCount: 0 },
  ]);
  await Promise.all(attempts);
  expect(refused).toBeGreaterThan(0);
  expect(isOver).toBe(true);
  attempt = undefined;
  // A change moves sequences about in memory: too early, and their new keys and values go astray.
  assertSameLogits(await model.forward([{ sequence: own, tokens: [5], logitCount: 1 }]), expected, 1e-4);
});

test('NativeTokenModel names what a graph of another layout lacks', async () => {
  const session = await InferenceSession.create('models/layouts/masked/target/onnx/model.onnx', { logSeverityLevel: 3 });
  const open = (): NativeTokenModel => new NativeTokenModel(session, 3, { contextTokens: 64, endTokens: new Set() });
  expect(open).toThrow(ModelLoadError);
  expect(open).toThrow(/not of the native layout: it lacks .*past_key\.0/);
});

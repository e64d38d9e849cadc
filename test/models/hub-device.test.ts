/** Hub layouts on a device. The CPU is the device here, so that float16 is tested too: outputs that stay there are outputs like any. */
import type { InferenceSession as Session } from 'onnxruntime-common';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import type { TokenModel } from '../../src/contracts/token-model.ts';
import { DeviceLostError, DeviceMemoryError } from '../../src/errors.ts';
import { openHubModel } from '../../src/models/detect-layout.ts';
import { tokenModelLaws } from './token-model-laws.ts';

const HUB = 'test/fixtures/hub';
const OPTIONS = { intraOpNumThreads: 1, logSeverityLevel: 4 } as const;

interface Device {
  readonly maxBufferBytes?: number;
  /** Called before every run of the model and of the small graphs. */
  readonly beforeRun?: () => void;
}

async function open(file: string, { maxBufferBytes, beforeRun }: Device = {}): Promise<TokenModel> {
  const watched = (session: Session): Session => {
    const run = session.run.bind(session);
    session.run = (async (feeds: Session.FeedsType) => {
      beforeRun?.();
      return run(feeds);
    }) as Session['run'];
    return session;
  };
  const facts = {
    source: file,
    contextTokens: 128,
    endTokens: new Set([2]),
    sampling: { repetitionPenalty: 1, temperature: 1, topK: 0, topP: 1, minP: 0 },
  };
  return openHubModel(watched(await InferenceSession.create(`${HUB}/${file}`, OPTIONS)), facts, {
    open: async (graph) => watched(await InferenceSession.create(graph, OPTIONS)),
    ...(maxBufferBytes !== undefined && { maxBufferBytes: async () => maxBufferBytes }),
  });
}

const MASKED = 'llama-optimum/onnx/model.onnx';
const GQA = 'llama-gqa/onnx/model.onnx';

describe.each([
  [MASKED, 'MaskedTokenModel', 1e-4],
  ['llama-optimum-fp16/onnx/model_fp16.onnx', 'MaskedTokenModel', 5e-2],
  ['gpt2-old-merged/onnx/model.onnx', 'MaskedTokenModel', 1e-4],
  [GQA, 'BlockGqaTokenModel', 1e-4],
  ['gemma3/onnx/model.onnx', 'BlockGqaTokenModel', 1e-4],
  ['smollm2-fp16/onnx/model_fp16.onnx', 'BlockGqaTokenModel', 5e-2],
])('%s', (file, expected, tolerance) => {
  test(`is driven as a ${expected}`, async () => {
    const model = await open(file);
    expect(model.constructor.name).toBe(expected);
    await model.dispose();
  });
  for (const law of tokenModelLaws) test(law.name, () => law.check({ open: () => open(file), tolerance, programs: 10 }));
});

describe.each([MASKED, GQA])('a device with %s', (file) => {
  const tokens = [1, 2, 3];

  test('is not asked for a buffer that is larger than it gives', async () => {
    const model = await open(file, { maxBufferBytes: 20_000 });
    const sequences = Array.from({ length: 8 }, () => model.openSequence());
    const rows = sequences.map((sequence) => ({ sequence, tokens: [1], logitCount: 1 }));
    await model.forward([{ sequence: sequences[0]!, tokens: Array.from({ length: 100 }, () => 3), logitCount: 0 }]);
    const error = await model.forward(rows).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DeviceMemoryError);
    expect((error as Error).message).toMatch(/8 rows need a buffer of \d+ bytes, and the device gives 20000 at most/);
    expect(sequences.map(({ length }) => length)).toEqual([100, 0, 0, 0, 0, 0, 0, 0]);
    // What fits goes on.
    expect(await model.forward(rows.slice(0, 1))).toHaveLength(model.vocabularySize);
    await model.dispose();
  });

  test.each([
    ['GPUOutOfMemoryError: out of memory', DeviceMemoryError],
    ['the device was lost', DeviceLostError],
  ])('that says "%s" fails the pass by name, whichever of its runs that is', async (message, errorClass) => {
    let untilFailure = Infinity;
    const model = await open(file, {
      beforeRun: () => {
        if (untilFailure-- === 0) throw new Error(message);
      },
    });
    const expected = model.openSequence();
    const logits = (await model.forward([{ sequence: expected, tokens: [...tokens, 4], logitCount: 1 }])).slice();
    const [left, right] = [model.openSequence(), model.openSequence()];
    await model.forward([{ sequence: left, tokens, logitCount: 0 }]);
    await model.forward([{ sequence: right, tokens, logitCount: 0 }]);
    const pass = () => model.forward([left, right].map((sequence) => ({ sequence, tokens: [4], logitCount: 1 })));
    // The rows are gathered in two runs, passed in one, and their logits picked in one.
    for (let run = 0; run < 4; run++) {
      untilFailure = run;
      await expect(pass()).rejects.toThrow(errorClass);
      expect([left.length, right.length]).toEqual([3, 3]);
    }
    untilFailure = Infinity;
    const rows = await pass();
    for (const row of [0, 1]) {
      const given = rows.subarray(row * model.vocabularySize, (row + 1) * model.vocabularySize);
      expect(Math.max(...given.map((value, index) => Math.abs(value - logits[index]!)))).toBeLessThan(1e-4);
    }
    await model.dispose();
  });
});

import type { InferenceSession as Session } from 'onnxruntime-common';
import { InferenceSession } from 'onnxruntime-node';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { TokenModel } from '../../src/contracts/token-model.ts';
import { DeviceLostError, DeviceMemoryError, ModelError } from '../../src/errors.ts';
import { DeviceTokenModel } from '../../src/models/device-token-model.ts';
import { openDeviceModel } from '../../src/models/open-device-model.ts';
import { tokenModelLaws } from './token-model-laws.ts';

const GRAPH = 'models/draft/model.onnx';
const FACTS = {
  source: GRAPH,
  contextTokens: 512,
  endTokens: new Set([2]),
  sampling: { repetitionPenalty: 1, temperature: 1, topK: 0, topP: 1, minP: 0 },
  queryHeadsPerGroup: 3,
};

interface Device {
  readonly maxBufferBytes?: number;
  /** Called before every run. */
  readonly beforeRun?: () => void;
}

/** The draft model with the CPU for a device: outputs that stay there are outputs like any. */
async function openOnCpu({ maxBufferBytes, beforeRun }: Device = {}): Promise<TokenModel> {
  const model = await openDeviceModel(GRAPH, await readFile(GRAPH), FACTS, {
    async open(graph) {
      const options = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
      const session: Session = await (typeof graph === 'string' ? InferenceSession.create(graph, options) : InferenceSession.create(graph, options));
      const run = session.run.bind(session);
      session.run = (async (feeds: Session.FeedsType) => {
        beforeRun?.();
        return run(feeds);
      }) as Session['run'];
      return session;
    },
    ...(maxBufferBytes !== undefined && { maxBufferBytes: async () => maxBufferBytes }),
  });
  expect(model).toBeInstanceOf(DeviceTokenModel);
  return model;
}

describe('DeviceTokenModel on the draft', () => {
  for (const law of tokenModelLaws) test(law.name, () => law.check({ open: () => openOnCpu(), tolerance: 1e-4, programs: 30 }));
});

describe('a device', () => {
  /** Tokens of each row behind a past, and what the pass fails with. */
  async function failureOf(model: TokenModel): Promise<{ readonly error: unknown; readonly lengths: readonly number[] }> {
    const sequences = [model.openSequence(), model.openSequence()];
    const error = await model.forward(sequences.map((sequence) => ({ sequence, tokens: [1, 2, 3], logitCount: 1 }))).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return { error, lengths: sequences.map(({ length }) => length) };
  }

  test('is not asked for a buffer that is larger than it gives', async () => {
    const model = await openOnCpu({ maxBufferBytes: 1000 });
    const { error, lengths } = await failureOf(model);
    expect(error).toBeInstanceOf(DeviceMemoryError);
    expect((error as Error).message).toMatch(/2 rows need a buffer of \d+ bytes, and the device gives 1000 at most/);
    expect(lengths).toEqual([0, 0]);
    await model.dispose();
  });

  test.each([
    ['failed to allocate a buffer', DeviceMemoryError],
    ['GPUOutOfMemoryError: out of memory', DeviceMemoryError],
    ['std::bad_alloc', DeviceMemoryError],
    ['Buffer size (2147483648) exceeds the max buffer size limit (1073741824)', DeviceMemoryError],
    ['the device was lost', DeviceLostError],
    ['Error: Device lost (reason: unknown)', DeviceLostError],
    ['Non-zero status code returned while running Gather node', ModelError],
  ])('that says "%s" fails the pass by name, and appends nothing', async (message, errorClass) => {
    let isFailing = true;
    const model = await openOnCpu({
      beforeRun: () => {
        if (isFailing) throw new Error(message);
      },
    });
    const { error, lengths } = await failureOf(model);
    expect((error as Error).constructor).toBe(errorClass);
    expect((error as Error).message).toContain(message);
    expect(lengths).toEqual([0, 0]);
    isFailing = false;
    expect((await failureOf(model)).error).toBeUndefined();
    await model.dispose();
  });
});

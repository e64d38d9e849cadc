import { expect, onTestFinished, test } from 'vitest';
import { bundledModels, Decoder } from 'latency-tts';
import { claimThread, denormalOptions } from '../../src/models/denormals.ts';

const DENORMAL = Float64Array.of(1e-310);

test('an engine in the calling thread leaves its small numbers alone', async () => {
  const { draft } = await bundledModels();
  const engine = new Decoder({ model: draft, thread: 'main' });
  onTestFinished(() => engine.dispose());
  await engine.ready();
  expect(DENORMAL[0]! * 0.5).toBeGreaterThan(0);
});

test('only a thread that was claimed takes them as zero', () => {
  expect(denormalOptions()).toEqual({});
  claimThread();
  expect(denormalOptions()).toEqual({ extra: { session: { set_denormal_as_zero: '1' } } });
});

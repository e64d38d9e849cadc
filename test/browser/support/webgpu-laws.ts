/**
 * Puts a model whose cache stays on WebGPU through the laws, in this process; writes one line of JSON a law.
 *
 *   webgpu-laws.ts NAME
 */
import assert from 'node:assert/strict';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { TokenModel } from '../../../src/contracts/token-model.ts';
import { Decoder } from '../../../src/engines/decoder.ts';
import type { LocalModel } from '../../../src/models/local-model.ts';
import { loadModel, loadOnnxModel } from '../../../src/node/load-model.ts';
import { assertSameLogits, someTokens, tokenModelLaws, type TokenModelLaw, type TokenModelSubject } from '../../models/token-model-laws.ts';
import { WEBGPU_SUBJECTS, type WebgpuSubject } from './webgpu-subjects.ts';

const BYTES_PER_LOGIT = 4;
/** Shaders may be off by 2⁻¹¹ in sines and cosines, which some graphs turn positions with. */
const SAME_AS_CPU = 1e-2;

const { path, isHub, expected } = WEBGPU_SUBJECTS[process.argv[2] as WebgpuSubject];
const open = (device: 'cpu' | 'webgpu'): Promise<LocalModel> =>
  isHub ? loadOnnxModel(path, { localFilesOnly: true, device }) : loadModel(path, { tokenizerPath: 'models/tokenizer', device });
const model = await open('webgpu');

/** What sessions have given since the last look. */
const given = { hostBytes: 0, onDevice: 0 };
const sessions = (InferenceSession as unknown as { readonly prototype: InferenceSession }).prototype;
const { run } = sessions as unknown as { run: (...args: unknown[]) => Promise<Record<string, Tensor>> };
sessions.run = async function (this: InferenceSession, ...args: unknown[]) {
  const outputs = await run.apply(this, args);
  for (const tensor of Object.values(outputs)) {
    if (tensor.location === 'gpu-buffer') given.onDevice++;
    else given.hostBytes += (tensor.data as Float32Array).byteLength;
  }
  return outputs;
} as InferenceSession['run'];
const { dispose } = Tensor.prototype;
Tensor.prototype.dispose = function (this: Tensor) {
  if (this.location === 'gpu-buffer') given.onDevice--;
  dispose.call(this);
};

// Keeps the device, and with it the shaders that it has compiled.
const keeper = await model.load();
assert.equal(keeper.constructor.name, expected);

const subject: TokenModelSubject = { open: () => model.load(), tolerance: 1e-3, programs: 1 };

/** Texts that branch, are cut and go on together, by the same steps on both. */
async function branch(on: TokenModel): Promise<{ readonly rows: readonly Float32Array[]; readonly close: () => void }> {
  const rows: Float32Array[] = [];
  const prompt = on.openSequence();
  const size = on.vocabularySize;
  const forward: TokenModel['forward'] = async (batch) => {
    const logits = await on.forward(batch);
    for (let start = 0; start < logits.length; start += size) rows.push(logits.slice(start, start + size));
    return logits;
  };
  await forward([{ sequence: prompt, tokens: someTokens(on, 40, 1), logitCount: 1 }]);
  const branches = [prompt.fork(), prompt.fork(), prompt.fork()];
  for (let step = 0; step < 3; step++)
    await forward(branches.map((sequence, row) => ({ sequence, tokens: someTokens(on, 1, 10 * step + row), logitCount: 1 })));
  await forward(branches.map((sequence, row) => ({ sequence, tokens: someTokens(on, 2 + row, row), logitCount: 2 })));
  branches[1]!.truncate(41);
  await forward(branches.slice(0, 2).map((sequence, row) => ({ sequence, tokens: someTokens(on, 1, row), logitCount: 1 })));
  return { rows, close: () => [prompt, ...branches].forEach((sequence) => sequence.dispose()) };
}

const further: readonly TokenModelLaw[] = [
  {
    name: 'gives the logits of the CPU',
    async check() {
      const cpu = await (await open('cpu')).load();
      const [actual, wanted] = [await branch(keeper), await branch(cpu)];
      for (const [index, row] of actual.rows.entries()) assertSameLogits(row, wanted.rows[index]!, SAME_AS_CPU);
      actual.close();
      await cpu.dispose();
    },
  },
  {
    name: 'brings nothing back but the wanted logits, and frees what is replaced',
    async check() {
      const opened = await model.load();
      const before = { ...given };
      const { rows, close } = await branch(opened);
      assert.equal(given.hostBytes - before.hostBytes, rows.length * opened.vocabularySize * BYTES_PER_LOGIT, 'bytes came back that are no wanted logits');
      close();
      const held = given.onDevice;
      (await branch(opened)).close();
      assert.equal(given.onDevice, held, 'tensors of the second time were left on the device');
      // Sequences that are still open are freed with the model.
      await branch(opened);
      await opened.dispose();
      assert.equal(given.onDevice, before.onDevice, 'tensors were left on the device');
    },
  },
  {
    name: 'engines of one process take turns',
    /** Two engines decode at once; without turns that ends the process. */
    async check() {
      const engines = [0, 1].map(() => new Decoder({ model, thread: 'main' }));
      const texts = await Promise.all(
        engines.map(async (engine) => {
          const session = await engine.open({ text: 'Ben has 12 coins.' }, { sampling: { temperature: 0 } });
          const { tokens } = await session.branch(1)[0]!.advance({ until: { tokens: 4 } });
          await engine.dispose();
          return tokens.join();
        }),
      );
      assert.equal(texts[0], texts[1]);
    },
  },
];

for (const { name, check } of [...tokenModelLaws, ...further]) {
  const error = await check(subject).then(
    () => undefined,
    (reason: unknown) => String(reason),
  );
  console.log(JSON.stringify({ name, error }));
}
await keeper.dispose();

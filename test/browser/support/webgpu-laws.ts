/** Puts a model whose cache stays on WebGPU through the laws, in this process; writes one line of JSON a law. */
import { Decoder } from '../../../src/engines/decoder.ts';
import { DeviceTokenModel } from '../../../src/models/device-token-model.ts';
import { loadModel } from '../../../src/node/load-model.ts';
import { tokenModelLaws, type TokenModelSubject } from '../../models/token-model-laws.ts';

const model = await loadModel('models/draft', { tokenizerPath: 'models/tokenizer', device: 'webgpu' });

// Keeps the device, and with it the shaders that it has compiled.
const keeper = await model.load();

const subject: TokenModelSubject = {
  async open() {
    const opened = await model.load();
    if (!(opened instanceof DeviceTokenModel)) throw new Error('The cache does not stay on the device.');
    return opened;
  },
  tolerance: 1e-3,
  programs: 1,
};

/** Two engines decode at once; without turns that ends the process. */
async function decodeTogether(): Promise<void> {
  const engines = [0, 1].map(() => new Decoder({ model, thread: 'main' }));
  const texts = await Promise.all(
    engines.map(async (engine) => {
      const session = await engine.open('Ben has 12 coins.', { sampling: { temperature: 0 } });
      const { tokens } = await session.branch(1)[0]!.advance({ until: { tokens: 4 } });
      await engine.dispose();
      return tokens.join();
    }),
  );
  if (texts[0] !== texts[1]) throw new Error(`Two engines decode ${texts.join(' and ')}.`);
}

const checks = [...tokenModelLaws, { name: 'engines of one process take turns', check: decodeTogether }];
for (const { name, check } of checks) {
  const error = await check(subject).then(
    () => undefined,
    (reason: unknown) => String(reason),
  );
  console.log(JSON.stringify({ name, error }));
}
await keeper.dispose();

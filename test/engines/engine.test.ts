import { Decoder as PackagedDecoder, loadModel as loadPackagedModel, SpeculativeDecoder as PackagedSpeculativeDecoder } from 'latency-tts';
import { afterAll, describe, test } from 'vitest';
import type { TokenModel } from '../../src/contracts/token-model.ts';
import type { Tokenizer } from '../../src/contracts/tokenizer.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { loadModel } from '../../src/node/load-model.ts';
import { engineLaws, type EngineSubject } from './engine-laws.ts';
import { mainDecoder, portDecoder, scriptedSubject, speculativeDecoder, YieldingTokenModel } from './scripted-engines.ts';

const FILES = ['models/target', { tokenizerPath: 'models/tokenizer', threads: 1 }] as const;
const target = await loadModel(...FILES);
const packagedTarget = await loadPackagedModel(...FILES);
const packagedDraft = await loadPackagedModel('models/draft', FILES[1]);
let oracle: Promise<readonly [TokenModel, Tokenizer]> | undefined;
afterAll(async () => (await oracle)?.[0].dispose());

const onTarget = {
  prompts: [
    '<s><|user|> mia has 34 apples. she buys 7 boxes with 12 apples in each. how many apples does mia have now?<|assistant|>',
    '<s><|user|> tom has 9 pens and gives 4 pens to ben. how many pens does tom have now?<|assistant|>',
  ],
  forced: '7*12=84\n',
  filler: ' 1',
  tokensAPass: 1,
  async reference(prompt: string, tokens: readonly number[]) {
    const [model, tokenizer] = await (oracle ??= Promise.all([target.load(), target.loadTokenizer()]));
    const promptTokens = tokenizer.encodePrompt({ text: prompt });
    const sequence = model.openSequence();
    const logits = await model.forward([{ sequence, tokens: [...promptTokens, ...tokens.slice(0, -1)], logitCount: tokens.length }]);
    sequence.dispose();
    const size = model.vocabularySize;
    return tokens.map((_, row) => logits.slice(row * size, (row + 1) * size));
  },
} as const;

const SUBJECTS: Readonly<Record<string, EngineSubject>> = {
  'Decoder in the calling thread, scripted': scriptedSubject(mainDecoder),
  'Decoder in the calling thread, scripted, with pauses': scriptedSubject(mainDecoder, YieldingTokenModel),
  'Decoder behind a port, scripted': scriptedSubject(portDecoder, YieldingTokenModel),
  'SpeculativeDecoder in the calling thread, scripted': { ...scriptedSubject(speculativeDecoder), tokensAPass: 5 },
  'SpeculativeDecoder in the calling thread, scripted, with pauses': { ...scriptedSubject(speculativeDecoder, YieldingTokenModel), tokensAPass: 5 },
  'Decoder in the calling thread, bundled target': { ...onTarget, open: () => new Decoder({ model: target, thread: 'main' }) },
  'Decoder in a worker, bundled target': { ...onTarget, open: () => new PackagedDecoder({ model: packagedTarget }) },
  'SpeculativeDecoder in a worker, bundled models': {
    ...onTarget,
    open: () => new PackagedSpeculativeDecoder({ target: packagedTarget, draft: packagedDraft }),
    tokensAPass: 9,
  },
};

for (const [name, subject] of Object.entries(SUBJECTS)) {
  describe(name, () => {
    for (const law of engineLaws) test(law.name, () => law.check(subject));
  });
}

import { describe, test } from 'vitest';
import { loadModel } from '../../src/node/load-model.ts';
import { randomSequence } from '../../src/maths/random.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';
import { tokenModelLaws, type TokenModelSubject } from './token-model-laws.ts';

const native = (name: string, programs = 30): TokenModelSubject => ({
  open: async () => (await loadModel(`models/${name}`, { tokenizerPath: 'models/tokenizer', threads: 1 })).load(),
  tolerance: 1e-4,
  programs,
});

const SUBJECTS: Readonly<Record<string, TokenModelSubject>> = {
  'NativeTokenModel on the target': native('target'),
  'NativeTokenModel on the draft': native('draft'),
  'MaskedTokenModel on the target': native('layouts/masked/target', 10),
  'BlockGqaTokenModel on the target': native('layouts/gqa/target', 10),
  'BlockGqaTokenModel on the draft': native('layouts/gqa/draft', 20),
  'ScriptedTokenModel on pseudo-random logits': {
    open: async () => new ScriptedTokenModel({ vocabularySize: 40, endTokens: [0], contextTokens: 300, logits: pseudoRandomLogits }),
    tolerance: 0,
    programs: 200,
  },
};

for (const [name, subject] of Object.entries(SUBJECTS)) {
  describe(name, () => {
    for (const law of tokenModelLaws) test(law.name, () => law.check(subject));
  });
}

/** Depends on every token and its place. */
function pseudoRandomLogits(tokens: readonly number[]): number[] {
  const seed = tokens.reduce((hash, token) => (Math.imul(hash, 31) + token + 1) >>> 0, 17);
  const random = randomSequence(seed);
  return Array.from({ length: 40 }, () => 8 * random());
}

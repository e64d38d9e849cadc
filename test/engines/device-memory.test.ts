import { describe, expect, test } from 'vitest';
import type { ForwardRow, TokenModel } from '../../src/contracts/token-model.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { SpeculativeDecoder } from '../../src/engines/speculative-decoder.ts';
import { DeviceMemoryError } from '../../src/errors.ts';
import type { LocalModel } from '../../src/models/local-model.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';

const LETTERS = 'abcdefgh';
const tokenizer = characterTokenizer(LETTERS);

/** A model that writes the alphabet round and round, on a device with room for some passes only. */
function withRoom(fits: (rows: number, width: number) => boolean): { readonly model: LocalModel; readonly passes: ForwardRow[][] } {
  const size = tokenizer.vocabularySize;
  const scripted: TokenModel = new ScriptedTokenModel({
    vocabularySize: size,
    endTokens: [],
    contextTokens: 200,
    logits: (tokens) => Array.from({ length: size }, (_, token) => (token === (tokens.at(-1)! + 1) % size ? 9 : 0)),
  });
  const passes: ForwardRow[][] = [];
  const forward = scripted.forward.bind(scripted);
  scripted.forward = async (batch) => {
    if (!fits(batch.length, Math.max(...batch.map(({ tokens }) => tokens.length)))) throw new DeviceMemoryError('The device is full');
    passes.push([...batch]);
    return forward(batch);
  };
  return { model: localModelOf(scripted, tokenizer), passes };
}

async function textsOf(engine: Decoder | SpeculativeDecoder, branches: number): Promise<string[]> {
  const session = await engine.open({ text: 'ab' }, { sampling: { temperature: 0 } });
  const segments = await Promise.all(session.branch(branches).map((branch) => branch.advance({ until: { tokens: 6 } })));
  await engine.dispose();
  return segments.map(({ text }) => text);
}

describe('a device with little memory', () => {
  test('decodes fewer branches at once, and all of them to the end', async () => {
    const { model, passes } = withRoom((rows) => rows <= 2);
    expect(await textsOf(new Decoder({ model, thread: 'main' }), 7)).toEqual(Array(7).fill('cdefgh'));
    const decoding = passes.filter((batch) => batch.every(({ tokens }) => tokens.length === 1));
    expect(Math.max(...decoding.map((batch) => batch.length))).toBe(2);
  });

  test('gives drafts up before branches', async () => {
    const { model, passes } = withRoom((rows, width) => rows === 1 || width <= 2);
    const engine = new SpeculativeDecoder({ target: model, drafters: ['lookup'], draftLength: 4, longestDraft: 1, thread: 'main', maxRows: 3 });
    const session = await engine.open({ text: 'ab' }, { sampling: { temperature: 0 } });
    const segments = await Promise.all(session.branch(3).map((branch) => branch.advance({ until: { tokens: 24 } })));
    expect(segments.map(({ text }) => text)).toEqual(Array(3).fill('cdefghab'.repeat(3)));
    expect(passes.some((batch) => batch.length === 3)).toBe(true);
    expect(session.usage().speculation?.proposed ?? 0).toBe(0);
    await engine.dispose();
  });

  test('without room for a single branch fails by name', async () => {
    const { model } = withRoom(() => false);
    await expect(textsOf(new Decoder({ model, thread: 'main' }), 1)).rejects.toThrow(DeviceMemoryError);
  });
});

/** One model in several weight formats: a session stays in one of them, whatever is decoded beside it. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Engine, SessionOptions } from '../../src/contracts/engine.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { SpeculativeDecoder } from '../../src/engines/speculative-decoder.ts';
import { DisposedError, InvalidOptionError, ModelLoadError, ModelMemoryError } from '../../src/errors.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { runSpec } from '../../src/planning/control/run-spec.ts';
import type { LocalModel } from '../../src/models/local-model.ts';
import { engineLaws } from './engine-laws.ts';
import { forgetfulLogits, mainDecoder, scriptedModel, scriptedSubject, storyLogits, tokenizer } from './scripted-engines.ts';

/** Formats differ a little in their logits. */
const LOGITS = { q4: storyLogits, q8: forgetfulLogits };

function modelIn(formats: readonly (keyof typeof LOGITS)[], failures: Readonly<Record<string, Error>> = {}) {
  const models = formats.map((format) => scriptedModel({ logits: LOGITS[format] }));
  const entries = formats.map((format, index): [string, LocalModel] => {
    const local = localModelOf(models[index]!, tokenizer, 'scripted');
    const failure = failures[format];
    return [format, failure ? { ...local, load: () => Promise.reject(failure) } : local];
  });
  return {
    model: { ...entries[0]![1], formats: Object.fromEntries(entries) } satisfies LocalModel,
    passes: () => models.map(({ forwards }) => forwards.length),
  };
}

function open(formats: readonly (keyof typeof LOGITS)[], failures?: Readonly<Record<string, Error>>) {
  const { model, passes } = modelIn(formats, failures);
  const engine = new Decoder({ model, thread: 'main' });
  onTestFinished(() => engine.dispose());
  return { engine, passes };
}

async function write(engine: Engine, options: SessionOptions, branches = 2): Promise<readonly (readonly number[])[]> {
  const session = await engine.open('abba 12', { seed: 3, ...options });
  const segments = await Promise.all(session.branch(branches).map((branch) => branch.advance({ until: { tokens: 20 } })));
  await session.dispose();
  return segments.map(({ tokens }) => tokens);
}

describe('a decoder over two weight formats', () => {
  test('writes in a format what a decoder of that format alone writes, whatever runs beside it', async () => {
    const { engine } = open(['q4', 'q8']);
    const alone = await Promise.all((['q4', 'q8'] as const).map((format) => write(mainDecoder(scriptedModel({ logits: LOGITS[format] })), {})));
    expect(alone[0]).not.toEqual(alone[1]);
    const together = await Promise.all([write(engine, { format: 'q4' }), write(engine, { format: 'q8' }), write(engine, { format: 'q4', seed: 9 }, 6)]);
    expect(together.slice(0, 2)).toEqual(alone);
  });

  test.each([
    [undefined, 'q4'],
    [1, 'q4'],
    [3, 'q4'],
    [4, 'q8'],
    [16, 'q8'],
  ] as const)('with %s expected branches takes %s', async (expectedBranches, format) => {
    const { engine } = open(['q4', 'q8']);
    const [told, expected] = [await write(engine, expectedBranches === undefined ? {} : { expectedBranches }), await write(engine, { format })];
    expect(told).toEqual(expected);
  });

  test('learns from strategies how many branches to expect, and from plans the format', async () => {
    const { engine, passes } = open(['q4', 'q8']);
    await engine.ready();
    const grown = async (work: () => Promise<unknown>): Promise<boolean[]> => {
      const before = passes();
      await work();
      return passes().map((count, index) => count > before[index]!);
    };
    const request = { engine, prompt: 'abba 12' };
    expect(await grown(() => new SelfConsistency({ branches: 2 }).run(request))).toEqual([true, false]);
    expect(await grown(() => new SelfConsistency({ branches: 8 }).run(request))).toEqual([false, true]);
    const spec = { strategy: 'self-consistency', branches: 8, draftLength: 0 } as const;
    const plan = (format: string) => runSpec({ spec: { ...spec, format }, parts: {}, knowledge: undefined }, request);
    expect(await grown(() => plan('q4'))).toEqual([true, false]);
    expect(await grown(() => plan('fp32'))).toEqual([false, true]);
  });

  test('gives the engine of one format, with its passes', async () => {
    const { engine } = open(['q4', 'q8']);
    expect(engine.formats).toEqual(['q4', 'q8']);
    const wide = engine.inFormat('q8');
    expect(await write(wide, {})).toEqual(await write(engine, { format: 'q8' }));
    const [narrowTarget, wideTarget] = await Promise.all([engine.passes.anatomy(), wide.passes!.anatomy()]);
    expect(narrowTarget.target.fingerprint).not.toBe(wideTarget.target.fingerprint);
  });

  test('goes on with the first where the memory is too small for both', async () => {
    const { engine } = open(['q4', 'q8'], { q8: new ModelMemoryError('scripted', 2e9, 1e9) });
    expect(await write(engine, { expectedBranches: 8 })).toEqual(await write(engine, { format: 'q4' }));
    expect(engine.formats).toEqual(['q4']);
    await expect(write(engine, { format: 'q8' })).rejects.toThrow(/`format` to be one of 'q4', got/);
  });

  test.each([
    ['the first does not fit', { q4: new ModelMemoryError('scripted', 2e9, 1e9) }, ModelMemoryError],
    ['one is broken', { q8: new ModelLoadError('scripted', 'It is broken.') }, ModelLoadError],
  ] as const)('fails where %s', async (_, failures, Kind) => {
    const { engine } = open(['q4', 'q8'], failures);
    await expect(engine.ready()).rejects.toThrow(Kind);
  });

  test('refuses formats that are not there, and work once it is disposed', async () => {
    const { engine } = open(['q4', 'q8']);
    expect(() => engine.inFormat('fp16')).toThrow(InvalidOptionError);
    await expect(write(engine, { format: 'fp16' })).rejects.toThrow(/`format` to be one of 'q4', 'q8', got/);
    await expect(write(mainDecoder(scriptedModel()), { format: 'q4' })).rejects.toThrow(/left out/);
    await engine.dispose();
    await expect(write(engine, {})).rejects.toThrow(DisposedError);
  });

  test('drafts in each', async () => {
    const { model } = modelIn(['q4', 'q8']);
    const engine = new SpeculativeDecoder({ target: model, draftLength: 3, thread: 'main' });
    onTestFinished(() => engine.dispose());
    const plain = open(['q4', 'q8']).engine;
    for (const format of engine.formats) expect(await write(engine, { format })).toEqual(await write(plain, { format }));
  });
});

describe('a decoder over two weight formats keeps the laws of engines', () => {
  const subject = scriptedSubject((model) => {
    const local = localModelOf(model, tokenizer);
    const other = localModelOf(scriptedModel(), tokenizer);
    return new Decoder({ model: { ...local, formats: { q4: local, q8: other } }, thread: 'main' });
  });
  for (const law of engineLaws) test(law.name, () => law.check(subject));
});

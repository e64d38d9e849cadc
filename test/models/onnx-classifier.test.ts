import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadOnnxClassifier } from '../../src/models/load-onnx-classifier.ts';
import { OnnxClassifier, type TextClassifier } from '../../src/models/onnx-classifier.ts';

const FIXTURES = 'test/fixtures/reward';
const { rows, logits } = JSON.parse(readFileSync(`${FIXTURES}/expected.json`, 'utf8')) as {
  readonly rows: readonly (readonly number[])[];
  readonly logits: Readonly<Record<string, readonly (readonly number[] | readonly (readonly number[])[])[]>>;
};
const open = async (name: string): Promise<TextClassifier> => (await loadOnnxClassifier(`${FIXTURES}/${name}`, { localFilesOnly: true, threads: 1 })).load();

describe.each([
  ['prm-tokens', 'tokens', 2],
  ['orm-last', 'text', 1],
  ['orm-encoder', 'text', 1],
] as const)('%s', (name, reads, labels) => {
  test('gives rows of any length the logits that its weights compute, together and alone', async () => {
    const model = await open(name);
    expect([model.reads, model.labels, model.contextTokens]).toEqual([reads, labels, 128]);
    const together = await model.classify(rows);
    for (const [index, row] of rows.entries()) {
      const expected = (logits[name]![index] as readonly number[]).flat();
      for (const values of [together[index]!, (await model.classify([row]))[0]!]) {
        expect(values).toHaveLength(expected.length);
        for (const [place, value] of values.entries()) expect(Math.abs(value - expected[place]!)).toBeLessThan(1e-4);
      }
    }
    await model.dispose();
  });

  test('refuses rows it cannot take, and work after it was disposed', async () => {
    const model = await open(name);
    await expect(model.classify([[1], []])).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION' });
    await expect(model.classify([new Array<number>(129).fill(1)])).rejects.toMatchObject({ code: 'LTTS_CONTEXT_LENGTH' });
    await expect(model.classify([[99_999]])).rejects.toMatchObject({ code: 'LTTS_MODEL' });
    expect(await model.classify([])).toEqual([]);
    expect(await model.classify([[1, 2]])).toHaveLength(1);
    await model.dispose();
    await model.dispose();
    await expect(model.classify([[1]])).rejects.toMatchObject({ code: 'LTTS_DISPOSED' });
  });
});

describe('loadOnnxClassifier', () => {
  test('refuses a model that has no classification head', async () => {
    await expect(open('../hub/llama-optimum')).rejects.toMatchObject({
      code: 'LTTS_MODEL_LOAD',
      message: expect.stringContaining('without a cache') as string,
    });
  });

  test('refuses a model that is not there, and options that make no sense', async () => {
    await expect(loadOnnxClassifier(`${FIXTURES}/none`, { localFilesOnly: true })).rejects.toMatchObject({ code: 'LTTS_MODEL_LOAD' });
    await expect(loadOnnxClassifier('')).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION' });
    await expect(loadOnnxClassifier('x', { threads: 0 })).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION' });
  });

  test('takes a name and a shorter context', async () => {
    const model = await loadOnnxClassifier(`${FIXTURES}/orm-last`, { localFilesOnly: true, name: 'judge', contextTokens: 16 });
    expect([model.name, model.contextTokens]).toEqual(['judge', 16]);
  });
});

describe('OnnxClassifier', () => {
  const session = (
    inputNames: readonly string[],
    shape: readonly (number | string)[],
    runs: number[][] = [],
  ): ConstructorParameters<typeof OnnxClassifier>[0] =>
    ({
      inputNames,
      outputMetadata: [{ name: 'logits', isTensor: true, type: 'float32', shape }],
      run: async (feeds: Record<string, { readonly dims: readonly number[] }>) => {
        runs.push([...feeds['input_ids']!.dims]);
        return { logits: { type: 'float32', data: new Float32Array(feeds['input_ids']!.dims[0]!) } };
      },
    }) as unknown as ConstructorParameters<typeof OnnxClassifier>[0];
  const FACTS = { source: 'x', contextTokens: 9, padToken: undefined };

  test('runs texts of several lengths one by one where there is no padding token', async () => {
    const runs: number[][] = [];
    const model = new OnnxClassifier(session(['input_ids', 'attention_mask'], ['batch', 1], runs), FACTS);
    await model.classify([[1, 2], [3]]);
    await model.classify([
      [1, 2],
      [3, 4],
    ]);
    expect(runs).toEqual([
      [1, 2],
      [1, 1],
      [2, 2],
    ]);
  });

  test.each([
    [
      ['input_ids', 'past_key_values.0.key'],
      ['batch', 1],
    ],
    [['pixel_values'], ['batch', 1]],
    [['input_ids'], ['batch']],
    [['input_ids'], ['batch', 'labels']],
  ])('refuses a graph with inputs %j and logits %j', (inputNames, shape) => {
    expect(() => new OnnxClassifier(session(inputNames, shape), FACTS)).toThrow('x ');
  });
});

/** Directories as the hub has them, made of the fixtures by other names. */
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Decoder } from '../../src/engines/decoder.ts';
import { InvalidOptionError, ModelLoadError, ModelMemoryError } from '../../src/errors.ts';
import type { LocalModel } from '../../src/models/local-model.ts';
import { loadHubModel } from '../../src/models/load-onnx-model.ts';
import type { LoadOnnxModelOptions } from '../../src/models/onnx-model-options.ts';
import { nodeFileSystem } from '../../src/node/file-system.ts';

const HUB = 'test/fixtures/hub';
const GRAPH = 'onnx/model.onnx';
let root: string;
let count = 0;

beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'model-directories-'))));
afterAll(() => rm(root, { recursive: true }));

type Changes = Readonly<Record<string, string | readonly string[] | object>>;

/** A copy of a fixture: files are moved to one or several names, or written over. */
async function directory(changes: Changes, fixture = 'llama-gqa'): Promise<string> {
  const path = join(root, String(count++));
  await cp(join(HUB, fixture), path, { recursive: true });
  for (const [name, change] of Object.entries(changes)) {
    if (typeof change === 'object' && !Array.isArray(change)) {
      const given = JSON.parse(await readFile(join(path, name), 'utf8').catch(() => '{}')) as object;
      await writeFile(join(path, name), python({ ...given, ...change }));
      continue;
    }
    const names = [change].flat() as string[];
    for (const to of names) {
      await mkdir(dirname(join(path, to)), { recursive: true });
      await cp(join(path, name), join(path, to));
    }
    await rm(join(path, name));
  }
  return path;
}

/** As Python's `json` writes it. */
function python(value: object): string {
  const text = JSON.stringify(value, (_, field: unknown) => (typeof field === 'number' && !Number.isFinite(field) ? `#${field}#` : field));
  return text.replaceAll(/"#(-?Infinity|NaN)#"/g, '$1');
}

const find = (path: string, options: LoadOnnxModelOptions = {}, freeBytes?: number): Promise<LocalModel> =>
  loadHubModel(path, { threads: 1, ...options }, { fileSystem: nodeFileSystem, ...(freeBytes !== undefined && { freeMemoryBytes: () => freeBytes }) });

async function textOf(path: string, options?: LoadOnnxModelOptions): Promise<string> {
  const engine = new Decoder({ model: await find(path, options), thread: 'main' });
  try {
    const session = await engine.open({ text: 'there are 12 apples' }, { sampling: { temperature: 0 } });
    const [branch] = session.branch(1);
    await branch!.advance({ until: { tokens: 6 } });
    return branch!.text;
  } finally {
    await engine.dispose();
  }
}

describe('weights are found', () => {
  test.each<[string, Changes, LoadOnnxModelOptions]>([
    ['in onnx/', {}, {}],
    ['in the root', { [GRAPH]: 'model.onnx' }, {}],
    ['in the root, of a precision', { [GRAPH]: 'model_q4.onnx' }, { dtype: 'q4' }],
    ['by the name of half precision with 4 bits', { [GRAPH]: 'onnx/model_q4f16.onnx' }, { dtype: 'q4f16' }],
    ['by the name of int8', { [GRAPH]: 'onnx/model_int8.onnx' }, { dtype: 'int8' }],
    ['by the name of quantized weights', { [GRAPH]: 'onnx/model_quantized.onnx' }, { dtype: 'q8' }],
    ['where there is one precision only, and none was asked for', { [GRAPH]: 'onnx/model_quantized.onnx' }, {}],
    ['by an older name', { [GRAPH]: 'onnx/decoder_model_merged.onnx' }, {}],
    ['by an older name with a precision, in the root', { [GRAPH]: 'decoder_model_merged_quantized.onnx' }, { dtype: 'q8' }],
    ['by a name of one’s own', { [GRAPH]: 'my-graph.onnx' }, { modelFileName: 'my-graph' }],
    ['in a folder of one’s own', { [GRAPH]: 'weights/cpu/model_q4.onnx' }, { subfolder: 'weights/cpu', dtype: 'q4' }],
    [
      'by the precision that the configuration names',
      { [GRAPH]: ['onnx/model_q4.onnx', 'onnx/model_int8.onnx'], 'config.json': { 'transformers.js_config': { dtype: 'int8' } } },
      {},
    ],
    [
      'though the configuration speaks of external data that is not there',
      { 'config.json': { 'transformers.js_config': { use_external_data_format: true } } },
      {},
    ],
    [
      'with Infinity, NaN and null in the configurations',
      { 'config.json': { rope_scaling: null, a: Infinity, b: NaN }, 'generation_config.json': { top_k: -1, max_length: Infinity, top_p: null } },
      {},
    ],
  ])('%s', async (_, changes, options) => {
    expect(await textOf(await directory(changes), options)).toBe(await textOf(`${HUB}/llama-gqa`));
  });

  test('with external data in the root', async () => {
    const path = await directory({ [GRAPH]: 'model.onnx', [`${GRAPH}_data`]: 'model.onnx_data' }, 'llama-external');
    expect(await textOf(path)).toBe(await textOf(`${HUB}/llama-external`));
  });

  test('by an id below a directory of models', async () => {
    const path = await directory({});
    expect(await textOf(path.slice(root.length + 1), { localModelPath: root })).toBe(await textOf(`${HUB}/llama-gqa`));
  });
});

describe('what is missing is named, with what there is', () => {
  test.each<[string, Changes, LoadOnnxModelOptions, string]>([
    [
      'a precision among others',
      { [GRAPH]: ['onnx/model_q4.onnx', 'model_int8.onnx'] },
      { dtype: 'fp16' },
      "no model_fp16.onnx. Pass one of `dtype: 'q4'` (onnx/model_q4.onnx), `dtype: 'int8'` (model_int8.onnx)",
    ],
    [
      'the default among several',
      { [GRAPH]: ['onnx/model_q4.onnx', 'onnx/model_quantized.onnx'] },
      {},
      "no model.onnx. Pass one of `dtype: 'q8'` (onnx/model_quantized.onnx), `dtype: 'q4'` (onnx/model_q4.onnx)",
    ],
    ['a graph, where others are', { [GRAPH]: 'my-graph.onnx' }, {}, 'There are my-graph.onnx; pass `modelFileName`'],
    ['any graph', { [GRAPH]: 'model.gguf' }, {}, 'There is no .onnx file in it'],
  ])('%s', async (_, changes, options, message) => {
    const path = await directory(changes);
    await expect(find(path, options)).rejects.toThrow(ModelLoadError);
    await expect(find(path, options)).rejects.toThrow(message);
  });

  test('external data', async () => {
    const path = await directory({}, 'llama-external');
    await rename(join(path, `${GRAPH}_data`), join(path, 'onnx/other_data'));
    const load = async (): Promise<unknown> => (await find(path)).load();
    await expect(load()).rejects.toThrow(ModelLoadError);
    await expect(load()).rejects.toThrow('model.onnx_data');
  });

  test.each<[string, Changes, string]>([
    ['a field of the wrong type', { 'config.json': { max_position_embeddings: 'many' } }, 'max_position_embeddings'],
    ['a field of the generation configuration', { 'generation_config.json': { temperature: -1 } }, 'temperature'],
  ])('%s', async (_, changes, message) => {
    const path = await directory(changes);
    const load = async (): Promise<unknown> => (await find(path)).load();
    await expect(load()).rejects.toThrow(ModelLoadError);
    await expect(load()).rejects.toThrow(message);
  });
});

test('weights larger than free memory are refused before they are loaded', async () => {
  const load = async (freeBytes: number): Promise<{ dispose(): Promise<void> }> => (await find(`${HUB}/llama-external`, {}, freeBytes)).load();
  const refused = load(1000);
  await expect(refused).rejects.toThrow(ModelMemoryError);
  await expect(refused).rejects.toMatchObject({ freeBytes: 1000 });
  await (await load(1e9)).dispose();
});

describe('several weight formats', () => {
  const both: Changes = { [GRAPH]: ['onnx/model_q4.onnx', 'onnx/model_quantized.onnx'] };
  const formatsOf = async (path: string, options: LoadOnnxModelOptions, freeBytes?: number): Promise<readonly string[] | undefined> => {
    const { formats } = await find(path, options, freeBytes);
    return formats && Object.keys(formats);
  };

  test('are loaded beside each other, in the order they are named', async () => {
    const path = await directory(both);
    expect(await formatsOf(path, { dtype: ['q4', 'q8'] })).toEqual(['q4', 'q8']);
    expect(await formatsOf(path, { dtype: ['q8', 'q4'] })).toEqual(['q8', 'q4']);
    expect(await formatsOf(path, { dtype: 'q4' })).toBeUndefined();
    expect(await textOf(path, { dtype: ['q4', 'q8'] })).toBe(await textOf(path, { dtype: 'q4' }));
  });

  test('are found automatically where both are there and fit', async () => {
    expect(await formatsOf(await directory(both), { dtype: 'auto' })).toEqual(['q4', 'q8']);
    expect(await formatsOf(await directory({}), { dtype: 'auto' })).toBeUndefined();
    const withWhole = await directory({ [GRAPH]: ['model.onnx', 'onnx/model_q4.onnx', 'onnx/model_quantized.onnx'] });
    expect(await formatsOf(withWhole, { dtype: 'auto' }, 1000)).toBeUndefined();
    expect(await textOf(withWhole, { dtype: 'auto' })).toBe(await textOf(withWhole));
  });

  test.each([[[]], [['q4', 'q4']], [['q4', 'q5']], [['auto']]])('%j is refused', async (dtype) => {
    const path = await directory(both);
    await expect(find(path, { dtype } as LoadOnnxModelOptions)).rejects.toThrow(InvalidOptionError);
  });
});

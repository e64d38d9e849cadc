import { describe, expect, test } from 'vitest';
import { Decoder, InvalidOptionError, loadOnnxModel as loadPackagedModel, SelfConsistency, SpeculativeDecoder } from 'latency-tts';
import type { TokenModel } from '../../src/contracts/token-model.ts';
import { ModelLoadError } from '../../src/errors.ts';
import { loadHubModel } from '../../src/models/load-onnx-model.ts';
import type { LoadOnnxModelOptions, LoadProgress } from '../../src/models/onnx-model-options.ts';
import { tokenModelLaws } from './token-model-laws.ts';

/** Graphs as they are. */
const loadOnnxModel = (path: string, options: LoadOnnxModelOptions = {}) => loadHubModel(path, options, {});

const HUB = 'test/fixtures/hub';
const FLOAT = 1e-4;
/** Half precision keeps eleven bits. */
const HALF = 5e-2;

interface Export {
  readonly options?: LoadOnnxModelOptions;
  readonly model: 'MaskedTokenModel' | 'BlockGqaTokenModel';
  readonly tolerance: number;
}

const SUPPORTED: Readonly<Record<string, Export>> = {
  'llama-optimum': { model: 'MaskedTokenModel', tolerance: FLOAT },
  'llama-optimum-fp16': { options: { dtype: 'fp16' }, model: 'MaskedTokenModel', tolerance: HALF },
  'gpt2-old-merged': { model: 'MaskedTokenModel', tolerance: FLOAT },
  'opt-old-merged': { model: 'MaskedTokenModel', tolerance: FLOAT },
  'llama-gqa': { model: 'BlockGqaTokenModel', tolerance: FLOAT },
  'llama-gqa-packed': { model: 'BlockGqaTokenModel', tolerance: FLOAT },
  'llama-external': { model: 'BlockGqaTokenModel', tolerance: FLOAT },
  'qwen2-gqa': { model: 'BlockGqaTokenModel', tolerance: FLOAT },
  'qwen3-gqa': { model: 'BlockGqaTokenModel', tolerance: FLOAT },
  gemma3: { model: 'BlockGqaTokenModel', tolerance: FLOAT },
  'smollm2-fp16': { options: { dtype: 'fp16' }, model: 'BlockGqaTokenModel', tolerance: HALF },
};

const open = async (name: string, options: LoadOnnxModelOptions = {}): Promise<TokenModel> =>
  (await loadOnnxModel(`${HUB}/${name}`, { localFilesOnly: true, threads: 1, ...options })).load();

for (const [name, { options, model, tolerance }] of Object.entries(SUPPORTED)) {
  describe(`${name} by its hub layout`, () => {
    test(`is driven as a ${model}`, async () => {
      const opened = await open(name, options);
      expect(opened.constructor.name).toBe(model);
      expect(opened.cannotVerify).toBeUndefined();
      await opened.dispose();
    });
    for (const law of tokenModelLaws) test(law.name, () => law.check({ open: () => open(name, options), tolerance, programs: 6 }));
  });
}

test('sizes that a graph leaves open come from the configuration', async () => {
  const model = await open('llama-gqa-open-width');
  expect(model.constructor.name).toBe('BlockGqaTokenModel');
  await model.dispose();
});

test('end tokens and sampling come from generation_config.json', async () => {
  const model = await open('llama-gqa');
  expect([...model.endTokens]).toEqual([2, 4]);
  expect(model.sampling).toMatchObject({ temperature: 0.6, topP: 0.9 });
  await model.dispose();
});

test.each(['llama-optimum', 'llama-gqa-packed', 'qwen3-gqa', 'gemma3', 'gpt2-old-merged'])('greedy text of %s is that of transformers.js', async (name) => {
  const { AutoModelForCausalLM, Tensor } = await import('@huggingface/transformers');
  const source = await loadOnnxModel(`${HUB}/${name}`, { localFilesOnly: true });
  const prompt = { text: 'there are 12 apples' };
  const tokens = (await source.loadTokenizer()).encodePrompt(prompt);
  const oracle = await AutoModelForCausalLM.from_pretrained(`${HUB}/${name}`, { local_files_only: true });
  const ids = new Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, tokens.length]);
  const generated = (await oracle.generate({
    inputs: ids,
    attention_mask: new Tensor('int64', new BigInt64Array(tokens.length).fill(1n), [1, tokens.length]),
    max_new_tokens: 20,
    do_sample: false,
  })) as InstanceType<typeof Tensor>;
  const expected = Array.from(generated.data as BigInt64Array, Number).slice(tokens.length);
  const engine = new Decoder({ model: source, thread: 'main' });
  const session = await engine.open(prompt, { sampling: { temperature: 0 } });
  const segments = await Promise.all(session.branch(3).map((branch) => branch.advance({ until: { tokens: 20 } })));
  for (const segment of segments) {
    const isEnd = (await open(name)).endTokens.has(expected[segment.tokens.length]!);
    expect(segment.tokens).toEqual(isEnd ? expected.slice(0, segment.tokens.length) : expected);
  }
  await engine.dispose();
});

test('speculation on a GroupQueryAttention graph writes the text of plain decoding', async () => {
  const target = await loadOnnxModel(`${HUB}/qwen2-gqa`, { localFilesOnly: true });
  const texts: string[][] = [];
  for (const engine of [new Decoder({ model: target, thread: 'main' }), new SpeculativeDecoder({ target, draft: target, draftLength: 3, thread: 'main' })]) {
    const session = await engine.open({ text: 'there are 12 apples' }, { seed: 5, sampling: { temperature: 1 } });
    const branches = session.branch(4);
    await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 16 } })));
    texts.push(branches.map(({ text }) => text));
    await engine.dispose();
  }
  expect(texts[1]).toEqual(texts[0]);
});

const WITHOUT_SPECULATION = {
  'last-logits': 'its head gives the logits of the last token only',
  recurrent: 'it carries the state past_conv.0, which cannot be rolled back',
  'rank3-cache': 'its cache past_key_values.0.key has an unusual shape',
};

test.each(Object.entries(WITHOUT_SPECULATION))('%s decodes without speculation and says why', async (name, reason) => {
  const source = await loadOnnxModel(`${HUB}/${name}`, { localFilesOnly: true });
  const model = await source.load();
  expect(model.cannotVerify).toBe(reason);
  await model.dispose();
  const engine = new Decoder({ model: source, thread: 'main' });
  const session = await engine.open({ text: 'there are 12 apples' }, { sampling: { temperature: 0 } });
  const [alone] = session.branch(1);
  const text = (await alone!.advance({ until: { tokens: 12 } })).text;
  const beside = session.branch(2);
  await Promise.all(beside.map((branch) => branch.advance({ until: { tokens: 12 } })));
  expect(beside.map((branch) => branch.text)).toEqual([text, text]);
  await engine.dispose();
  const speculative = new SpeculativeDecoder({ target: source, thread: 'main' });
  await expect(speculative.ready()).rejects.toThrow(reason);
  await expect(speculative.ready()).rejects.toThrow(InvalidOptionError);
});

test.each([
  ['embeds-only', 'takes embeddings in place of token ids'],
  ['encoder-decoder', 'is an encoder–decoder model (t5)'],
  ['no-such-model', 'check the path and the dtype'],
])('%s is refused with its reason', async (name, reason) => {
  const load = async (): Promise<TokenModel> => (await loadOnnxModel(name, { localModelPath: HUB })).load();
  await expect(load()).rejects.toThrow(reason);
  await expect(load()).rejects.toThrow(ModelLoadError);
});

test('a dtype that is not there is refused by the name of its file', async () => {
  await expect(open('llama-gqa', { dtype: 'q4' })).rejects.toThrow('model_q4.onnx');
});

test('progress of loading arrives from the worker, and the worker decodes', async () => {
  const heard: LoadProgress[] = [];
  const model = await loadPackagedModel('smollm2-fp16', { localModelPath: HUB, dtype: 'fp16', onProgress: (progress) => heard.push(progress) });
  const engine = new Decoder({ model });
  const result = await new SelfConsistency({ branches: 2, maxTokens: 8, forcedAnswer: false }).run({ engine, prompt: 'How many apples?' });
  expect(result.branches.map(({ tokenCount }) => tokenCount)).toEqual([8, 8]);
  const loaded = heard.filter(({ status }) => status === 'done').map((progress) => ('file' in progress ? progress.file : ''));
  expect(loaded).toContain('onnx/model_fp16.onnx');
  await engine.dispose();
});

test('a draft whose vocabulary is padded to another size speculates for its target', async () => {
  const target = await loadOnnxModel(`${HUB}/qwen2-gqa`, { localFilesOnly: true });
  const draft = await loadOnnxModel(`${HUB}/llama-gqa`, { localFilesOnly: true });
  const sizes = await Promise.all([target, draft].map(async (source) => (await source.load()).vocabularySize));
  expect(sizes[0]).not.toBe(sizes[1]);
  const texts: string[] = [];
  for (const engine of [new Decoder({ model: target, thread: 'main' }), new SpeculativeDecoder({ target, draft, draftLength: 2, thread: 'main' })]) {
    const session = await engine.open({ text: 'there are 12 apples' }, { seed: 6 });
    const [branch] = session.branch(1);
    await branch!.advance({ until: { tokens: 16 } });
    texts.push(branch!.text);
    await engine.dispose();
  }
  expect(texts[1]).toBe(texts[0]);
});

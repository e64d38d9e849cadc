/** The fixtures are what they claim to be: through onnxruntime-node and transformers.js alone, nothing of ours. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AutoModelForCausalLM, env, Tensor as HubTensor } from '@huggingface/transformers';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { argmax } from '../../src/maths/sampling.ts';
import { described, signaturesOf } from './hub-signatures.ts';
import { HubText } from './hub-text.ts';
import { assertSameLogits } from './token-model-laws.ts';

env.allowRemoteModels = false;

const ROOT = 'test/fixtures/hub';
const OPTIONS = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
const PROMPT = [1, 30, 80, 9, 120];
/** Where the checks cut the text of `expected.json` in two. */
const CUT = 9;

interface Expected {
  readonly tokens: readonly number[];
  readonly weights: Readonly<Record<string, { readonly best: readonly number[]; readonly logits: readonly number[] }>>;
}

const EXPECTED = JSON.parse(await readFile(join(ROOT, 'expected.json'), 'utf8')) as Expected;
const SIGNATURES = signaturesOf(await readFile(join(ROOT, 'README.md'), 'utf8'));

interface Graph {
  readonly file: string;
  /** Whose logits in `expected.json` it computes. */
  readonly weights: string;
  /** Largest difference to them and between ways of computing them. */
  readonly tolerance: number;
  /** Whether a place whose mask is 0 takes part neither in attention nor in counting positions. */
  readonly masksColumns: boolean;
  /** Whether transformers.js can generate with it. */
  readonly isUsable: boolean;
}

const graph = (path: string, weights: string, more: Partial<Graph> = {}): Graph => {
  const [directory, type] = path.split(' ') as [string, string | undefined];
  const file = `${directory}/onnx/model${type === undefined ? '' : `_${type}`}.onnx`;
  return { file, weights, tolerance: type === 'fp16' ? 0.05 : 5e-4, masksColumns: false, isUsable: true, ...more };
};

const GRAPHS: readonly Graph[] = [
  graph('llama-optimum', 'llama', { masksColumns: true }),
  graph('llama-optimum-fp16 fp16', 'llama', { masksColumns: true }),
  graph('llama-gqa', 'llama'),
  graph('llama-gqa-packed', 'llama'),
  graph('llama-gqa-open-width', 'llama', { isUsable: false }),
  graph('llama-external', 'llama'),
  graph('qwen2-gqa', 'qwen2'),
  graph('qwen3-gqa', 'qwen3'),
  graph('gemma3', 'gemma3'),
  graph('smollm2-fp16', 'smollm2'),
  graph('smollm2-fp16 fp16', 'smollm2'),
  graph('gpt2-old-merged', 'gpt2'),
  graph('opt-old-merged', 'opt', { masksColumns: true }),
  graph('last-logits', 'llama'),
  graph('recurrent', 'lfm2'),
  graph('rank3-cache', 'bloom', { masksColumns: true }),
];

describe('signatures', () => {
  test.each([...SIGNATURES])('%s has the inputs and outputs that the README names, in that order', async (file, signature) => {
    const session = await InferenceSession.create(join(ROOT, file), OPTIONS);
    expect({ in: described(session.inputMetadata), out: described(session.outputMetadata) }).toEqual(signature);
    await session.release();
  });

  test('every graph of the checks below has one', () => {
    expect(GRAPHS.filter(({ file }) => !SIGNATURES.has(file))).toEqual([]);
  });

  test.each(GRAPHS)('$file has the vocabulary of its configuration', async ({ file }) => {
    const { vocab_size: vocabularySize } = JSON.parse(await readFile(join(ROOT, file, '../../config.json'), 'utf8')) as { vocab_size: number };
    expect(SIGNATURES.get(file)!.out[0]).toMatch(`,${vocabularySize}]`);
  });
});

describe.each(GRAPHS)('$file', ({ file, weights, tolerance, masksColumns, isUsable }) => {
  const { tokens } = EXPECTED;
  const best = EXPECTED.weights[weights]!.best;
  const logits = Float32Array.from(EXPECTED.weights[weights]!.logits);
  const isLastOnly = file.startsWith('last-logits');

  test('computes what its weights compute without a graph, appended together or one by one', async () => {
    const text = await HubText.open(join(ROOT, file));
    const together = await text.append(tokens);
    assertSameLogits(together.at(-1)!, logits, tolerance);
    expect(together.map((row) => argmax(row))).toEqual(isLastOnly ? best.slice(-1) : best);

    text.clear();
    for (const [index, token] of tokens.entries()) {
      const [row] = await text.append([token]);
      expect(argmax(row!)).toBe(best[index]);
      if (!isLastOnly) assertSameLogits(row!, together[index]!, tolerance, `at position ${index}`);
    }
    assertSameLogits(await text.lastOf(tokens.slice(0, CUT), tokens.slice(CUT)), logits, tolerance);
    await text.close();
  });

  if (takes(file, 'position_ids'))
    test('new tokens one position too far from their past have other logits', async () => {
      const text = await HubText.open(join(ROOT, file));
      text.clear();
      await text.append(tokens.slice(0, CUT));
      const wrong = await text.append(tokens.slice(CUT), { positionShift: 1 });
      expect(largestDifference(wrong.at(-1)!, logits)).toBeGreaterThan(10 * tolerance);
      await text.close();
    });

  if (turnsInside(file))
    test('a rotary table one position off in the middle of the text is found out', async () => {
      const path = await withShiftedTables(file);
      const text = await HubText.open(path);
      expect(largestDifference(await text.lastOf(tokens), logits)).toBeGreaterThan(10 * tolerance);
      await text.close();
      await rm(join(path, '..'), { recursive: true });
    });

  test('an early token often decides which token is likeliest later', async () => {
    const text = await HubText.open(join(ROOT, file));
    let changed = 0;
    for (let other = 10; other < 50; other++) {
      const after = (second: number) => text.lastOf([1, second, other, 5, 99, 140, other + 100, 33]);
      if (argmax(await after(60)) !== argmax(await after(70))) changed++;
    }
    // A short convolution sees three tokens, and a single layer of attention moves little.
    expect(changed).toBeGreaterThanOrEqual(weights === 'lfm2' ? 1 : 10);
    await text.close();
  });

  test(`a place that the mask hides ${masksColumns ? 'leaves no trace' : 'does not simply disappear'}`, async () => {
    const text = await HubText.open(join(ROOT, file));
    const without = await text.lastOf(PROMPT);
    text.clear();
    const padded = (await text.append([200, ...PROMPT], { hidden: [0] })).at(-1)!;
    if (masksColumns) {
      assertSameLogits(padded, without, tolerance, 'behind padding');
      text.clear();
      await text.append([...PROMPT.slice(0, 3), 200]);
      assertSameLogits((await text.append(PROMPT.slice(3), { hidden: [3] })).at(-1)!, without, tolerance, 'behind a hole');
    } else expect(largestDifference(padded, without)).toBeGreaterThan(10 * tolerance);
    await text.close();
  });

  if (takes(file, 'num_logits_to_keep'))
    test('gives as many of the last logits as asked for, and all for 0', async () => {
      const text = await HubText.open(join(ROOT, file));
      const all = await text.append(PROMPT);
      for (const keep of [1, 3]) {
        text.clear();
        const rows = await text.append(PROMPT, { keep });
        expect(rows.length).toBe(keep);
        for (const [index, row] of rows.entries()) assertSameLogits(row, all[PROMPT.length - keep + index]!, tolerance);
      }
      expect(all.length).toBe(PROMPT.length);
      await text.close();
    });

  if (takes(file, 'use_cache_branch'))
    test('ignores the past unless use_cache_branch is set', async () => {
      const text = await HubText.open(join(ROOT, file));
      const fresh = await text.lastOf(PROMPT);
      await text.append([200, 201]);
      assertSameLogits((await text.append(PROMPT, { usesPast: false })).at(-1)!, fresh, tolerance);
      await text.close();
    });

  if (isUsable)
    test('transformers.js generates the tokens that are likeliest one after the other', async () => {
      const text = await HubText.open(join(ROOT, file));
      const expected: number[] = [];
      for (let next = PROMPT; expected.length < 5; next = [expected.at(-1)!]) expected.push(argmax((await text.append(next)).at(-1)!));
      await text.close();

      const dtype = file.endsWith('_fp16.onnx') ? 'fp16' : 'fp32';
      const model = await AutoModelForCausalLM.from_pretrained(resolve(ROOT, file, '../..'), { dtype, local_files_only: true, session_options: OPTIONS });
      const row = (values: readonly number[]) => new HubTensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
      const options = { do_sample: false, max_new_tokens: 5, repetition_penalty: 1 };
      const generated = (await model.generate({ inputs: row(PROMPT), attention_mask: row(PROMPT.map(() => 1)), ...options })) as HubTensor;
      await model.dispose();
      expect((generated.tolist() as bigint[][])[0]!.slice(PROMPT.length).map(Number)).toEqual(expected);
    });
});

function takes(file: string, input: string): boolean {
  return SIGNATURES.get(file)!.in.some((value) => value.startsWith(`${input}:`));
}

/** Whether the graph has float32 rotary tables and picks their rows by itself. */
function turnsInside(file: string): boolean {
  return /^(llama-(gqa|external)|qwen2|smollm2|last|recurrent)/.test(file) && file.endsWith('model.onnx');
}

/** A copy of the graph in which position p is turned as p + 1 from `CUT` on: the cosines and sines are in the file as they are. */
async function withShiftedTables(file: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hub-fixture-'));
  const { rope_theta: theta, head_dim: width } = JSON.parse(await readFile(join(ROOT, file, '../../config.json'), 'utf8')) as Record<string, number>;
  let found = 0;
  for (const name of await readdir(join(ROOT, file, '..'))) {
    const bytes = await readFile(join(ROOT, file, '..', name));
    for (const turn of [Math.cos, Math.sin]) {
      const row = Buffer.from(Float32Array.from({ length: width! / 2 }, (_, pair) => turn(theta! ** ((-2 * pair) / width!))).buffer);
      const start = bytes.indexOf(row) - row.length;
      if (start < 0) continue;
      bytes.copyWithin(start + CUT * row.length, start + (CUT + 1) * row.length, start + 128 * row.length);
      found++;
    }
    await writeFile(join(directory, name), bytes);
  }
  expect(found).toBe(2);
  return join(directory, 'model.onnx');
}

function largestDifference(left: Float32Array, right: Float32Array): number {
  return left.reduce((largest, value, index) => Math.max(largest, Math.abs(value - right[index]!)), 0);
}

/** Our runtime against another one on the same weights, and the three graph layouts against each other. */
import { join, resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { AutoModelForCausalLM, env, Tensor as HubTensor, type PreTrainedModel } from '@huggingface/transformers';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TokenModel } from '../../src/contracts/token-model.ts';
import type { Tokenizer } from '../../src/contracts/tokenizer.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import type { LocalModel } from '../../src/models/local-model.ts';
import { loadModel } from '../../src/node/load-model.ts';
import { generateProblems, TIERS } from '../../src/problems/generate-problems.ts';
import { assertSameLogits } from './token-model-laws.ts';

env.allowRemoteModels = false;

const OPTIONS = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
/** Different operators sum in different orders. */
const TOLERANCE = 1e-4;
const LONGEST = 90;

const PROBLEMS = TIERS.flatMap((tier) => generateProblems({ seed: 20, tier, count: 4, split: 'test' }));

describe.each(['target', 'draft'])('the %s', (member) => {
  let local: LocalModel;
  let native: TokenModel;
  let tokenizer: Tokenizer;
  /** Prompts with their worked solutions. */
  let texts: readonly (readonly number[])[];

  beforeAll(async () => {
    local = await loadModel(`models/${member}`, { tokenizerPath: 'models/tokenizer', threads: 1 });
    [native, tokenizer] = await Promise.all([local.load(), local.loadTokenizer()]);
    texts = PROBLEMS.map(({ question, solution }) => [...tokenizer.encodePrompt(question), ...tokenizer.encode(solution)]);
    return () => native.dispose();
  });

  describe('against transformers.js', () => {
    let oracle: PreTrainedModel;
    beforeAll(async () => {
      const path = resolve('models/layouts/masked', member);
      oracle = await AutoModelForCausalLM.from_pretrained(path, { dtype: 'fp32', local_files_only: true, session_options: OPTIONS });
      return async () => void (await oracle.dispose());
    });

    test('greedy decoding writes the same tokens', async () => {
      const engine = new Decoder({ model: local, thread: 'main' });
      for (const { question } of PROBLEMS) {
        const prompt = tokenizer.encodePrompt(question);
        const generated = (await oracle.generate({
          inputs: hubRow(prompt),
          attention_mask: hubRow(prompt.map(() => 1)),
          do_sample: false,
          max_new_tokens: LONGEST,
        })) as HubTensor;
        const expected = (generated.tolist() as bigint[][])[0]!.slice(prompt.length).map(Number);
        const session = await engine.open(question, { sampling: { temperature: 0 } });
        const { tokens } = await session.branch(1)[0]!.advance({ until: { tokens: LONGEST } });
        await session.dispose();
        expect(tokens).toEqual(expected);
      }
      await engine.dispose();
    });

    test('every position of a given text has the same logits', async () => {
      for (const tokens of texts) {
        const { logits } = (await oracle({ input_ids: hubRow(tokens), attention_mask: hubRow(tokens.map(() => 1)) })) as { logits: HubTensor };
        compare(await logitsOf(native, tokens), rowsOf(logits.data as Float32Array, native.vocabularySize));
      }
    });
  });

  describe.each(['masked', 'gqa'])('the %s layout', (layout) => {
    test('gives the logits of the native one, whole and in pieces on its cache', async () => {
      const graph = await CachedGraph.open(join('models/layouts', layout, member));
      for (const [index, tokens] of texts.entries()) {
        const expected = await logitsOf(native, tokens);
        const pieces = [[tokens.length], [tokens.length - 9, 5, 1, 3], [1, 1, 7, tokens.length - 9]][index % 3]!;
        graph.clear();
        const rows: Float32Array[] = [];
        for (const count of pieces) rows.push(...(await graph.append(tokens.slice(rows.length, rows.length + count))));
        compare(rows, expected);
      }
    });
  });

  test('the masked layout gives the same logits behind the TokenModel contract', async () => {
    const masked = await (await loadModel(`models/layouts/masked/${member}`, { tokenizerPath: 'models/tokenizer', threads: 1 })).load();
    for (const tokens of texts.slice(0, 5)) compare(await logitsOf(masked, tokens), await logitsOf(native, tokens));
    await masked.dispose();
  });
});

function compare(actual: readonly Float32Array[], expected: readonly Float32Array[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [position, row] of actual.entries()) assertSameLogits(row, expected[position]!, TOLERANCE, `at position ${position}`);
}

async function logitsOf(model: TokenModel, tokens: readonly number[]): Promise<Float32Array[]> {
  const sequence = model.openSequence();
  const logits = await model.forward([{ sequence, tokens, logitCount: tokens.length }]);
  sequence.dispose();
  return rowsOf(logits.slice(), model.vocabularySize);
}

function rowsOf(logits: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: logits.length / size }, (_, row) => logits.subarray(row * size, (row + 1) * size));
}

function hubRow(values: readonly number[]): HubTensor {
  return new HubTensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
}

/** One row on a graph that takes and returns whole caches: nothing of ours but the calls. */
class CachedGraph {
  readonly #session: InferenceSession;
  readonly #empty: ReadonlyMap<string, Tensor>;
  readonly #past = new Map<string, Tensor>();
  #length = 0;

  private constructor(session: InferenceSession, kvHeads: number, headWidth: number) {
    this.#session = session;
    const names = session.inputNames.filter((name) => name.startsWith('past_key_values.'));
    this.#empty = new Map(names.map((name) => [name, new Tensor('float32', new Float32Array(0), [1, kvHeads, 0, headWidth])]));
    this.clear();
  }

  static async open(directory: string): Promise<CachedGraph> {
    const config = JSON.parse(await readFile(join(directory, 'config.json'), 'utf8')) as Readonly<Record<string, number>>;
    const session = await InferenceSession.create(join(directory, 'onnx/model.onnx'), OPTIONS);
    return new CachedGraph(session, config['num_key_value_heads']!, config['head_dim']!);
  }

  clear(): void {
    for (const [name, tensor] of this.#empty) this.#past.set(name, tensor);
    this.#length = 0;
  }

  /** Logits behind each of the tokens. */
  async append(tokens: readonly number[]): Promise<Float32Array[]> {
    const total = this.#length + tokens.length;
    const feeds: Record<string, Tensor> = {
      input_ids: row(tokens),
      attention_mask: row(new Array<number>(total).fill(1)),
      ...Object.fromEntries(this.#past),
    };
    // GroupQueryAttention counts positions itself, from the mask.
    if (this.#session.inputNames.includes('position_ids')) feeds['position_ids'] = row(tokens.map((_, index) => this.#length + index));
    const outputs = await this.#session.run(feeds);
    for (const name of this.#past.keys()) this.#past.set(name, outputs[name.replace('past_key_values.', 'present.')]! as Tensor);
    this.#length = total;
    const logits = outputs['logits']!;
    return rowsOf(logits.data as Float32Array, logits.dims.at(-1)!);
  }
}

function row(values: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
}

/**
 * transformers.js `generate` on the masked layout of the bundled target, given the best of what its interface offers:
 *
 * - all branches in one batch of copies of the prompt: equal lengths, so no padding;
 * - `do_sample`, temperature 1 and `top_k: 0`, which is the model's own distribution, as ours; the default is `top_k: 50`;
 * - a stopping criterion that remembers which rows have ended, for the built-in one looks at the last token only and
 *   lets a batch run on until all rows end in the same step.
 *
 * Its sampler sorts every row's logits in an ONNX Runtime session of its own. The `gumbel` variant goes round that: a
 * logits processor adds Gumbel noise, after which the greedy token is a sample from the same distribution
 * (Maddison, Tarlow and Minka 2014, arXiv:1411.0030). It is the fastest sampling we found with `generate`.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import {
  AutoModelForCausalLM,
  AutoTokenizer,
  env,
  LogitsProcessor,
  LogitsProcessorList,
  random,
  StoppingCriteria,
  Tensor,
  type PreTrainedModel,
  type PreTrainedTokenizer,
} from '@huggingface/transformers';
import type { Candidate, DecodeRequest, DecodeRun, Threads } from './candidate.ts';

env.allowRemoteModels = false;

const MODEL = fileURLToPath(new URL('../../models/layouts/masked/target', import.meta.url));
const TOKENIZER = fileURLToPath(new URL('../../models/tokenizer', import.meta.url));

export class TransformersCandidate implements Candidate {
  readonly name: string;
  readonly #model: PreTrainedModel;
  readonly #tokenizer: PreTrainedTokenizer;
  readonly #sampler: 'built-in' | 'gumbel';
  readonly #endToken: bigint;

  private constructor(model: PreTrainedModel, tokenizer: PreTrainedTokenizer, sampler: 'built-in' | 'gumbel') {
    this.name = sampler === 'built-in' ? 'transformers.js' : 'transformers.js, Gumbel noise';
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#sampler = sampler;
    this.#endToken = BigInt(tokenizer.encode(tokenizer.eos_token!, { add_special_tokens: false })[0]!);
  }

  static async load(sampler: 'built-in' | 'gumbel', threads: Threads): Promise<TransformersCandidate> {
    const [model, tokenizer] = await Promise.all([
      AutoModelForCausalLM.from_pretrained(MODEL, {
        dtype: 'fp32',
        local_files_only: true,
        session_options: { logSeverityLevel: 3, ...(threads !== 'default' && { intraOpNumThreads: threads }) },
      }),
      AutoTokenizer.from_pretrained(TOKENIZER, { local_files_only: true }),
    ]);
    return new TransformersCandidate(model, tokenizer, sampler);
  }

  async run({ question, branches, seed, temperature, maxTokens }: DecodeRequest): Promise<DecodeRun> {
    random.seed(seed);
    const startedAt = performance.now();
    const messages = [{ role: 'user', content: question }];
    const prompt = this.#tokenizer.encode(this.#tokenizer.apply_chat_template(messages, { add_generation_prompt: true, tokenize: false }) as string, {
      add_special_tokens: false,
    });
    const size = [branches, prompt.length];
    const ids = Array.from({ length: branches }, () => prompt.map(BigInt)).flat();
    const firstEnds = new FirstEnds(this.#endToken, branches);
    const isGumbel = temperature === 1 && this.#sampler === 'gumbel';
    const sequences = await this.#model.generate({
      inputs: new Tensor('int64', BigInt64Array.from(ids), size),
      attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), size),
      max_new_tokens: maxTokens,
      do_sample: temperature === 1 && !isGumbel,
      temperature: 1,
      top_k: 0,
      stopping_criteria: [firstEnds],
      ...(isGumbel && { logits_processor: gumbelNoise() }),
    });
    const rows = (sequences as Tensor).tolist() as bigint[][];
    const useful = rows.map((row) => this.#upToEnd(row.slice(prompt.length)));
    const texts = this.#tokenizer.batch_decode(
      useful.map((row) => row.map(Number)),
      { skip_special_tokens: true, clean_up_tokenization_spaces: false },
    );
    const endedAt = performance.now();
    return {
      texts,
      totalMs: endedAt - startedAt,
      decodeMs: endedAt - firstEnds.firstCallAt!,
      usefulTokens: useful.flat().length,
      computedTokens: rows.flat().length - ids.length,
    };
  }

  async dispose(): Promise<void> {
    await this.#model.dispose();
  }

  #upToEnd(tokens: readonly bigint[]): bigint[] {
    const end = tokens.indexOf(this.#endToken);
    return end < 0 ? [...tokens] : tokens.slice(0, end + 1);
  }
}

/** Stops a batch as soon as every row has had its end token. */
class FirstEnds extends StoppingCriteria {
  /** When the first tokens had been sampled: the prompt has been read. */
  firstCallAt: number | undefined;
  readonly #endToken: bigint;
  readonly #hasEnded: boolean[];

  constructor(endToken: bigint, rows: number) {
    super();
    this.#endToken = endToken;
    this.#hasEnded = new Array<boolean>(rows).fill(false);
  }

  override _call(rows: (number | bigint)[][]): boolean[] {
    this.firstCallAt ??= performance.now();
    for (const [index, row] of rows.entries()) this.#hasEnded[index] ||= row.at(-1) === this.#endToken;
    return this.#hasEnded;
  }
}

class GumbelNoise extends LogitsProcessor {
  override _call(_rows: bigint[][], logits: Tensor): Tensor {
    const scores = logits.data as Float32Array;
    for (let index = 0; index < scores.length; index++) scores[index] = scores[index]! - Math.log(-Math.log(1 - random.random()));
    return logits;
  }
}

function gumbelNoise(): LogitsProcessorList {
  const processors = new LogitsProcessorList();
  processors.push(new GumbelNoise());
  return processors;
}

/** Who takes part in `bench:real`, and how each decodes. */
import { join } from 'node:path';
import { loadOnnxModel } from 'latency-tts';
import type { TokenModel } from '../../src/contracts/token-model.ts';
import type { Drafter } from '../../src/contracts/drafter.ts';
import type { Tokenizer } from '../../src/contracts/tokenizer.ts';
import { LocalEngine } from '../../src/engines/local/local-engine.ts';
import { AdaptiveDrafting } from '../../src/engines/speculation/adaptive-drafting.ts';
import { DraftModelDrafter } from '../../src/engines/speculation/draft-model-drafter.ts';
import { fixedDraftLength } from '../../src/engines/speculation/draft-policy.ts';
import { Speculation } from '../../src/engines/speculation/speculation.ts';
import { SuffixDrafter, type SuffixScope } from '../../src/engines/speculation/suffix-drafter.ts';
import { resolveSampling } from '../../src/maths/sampling.ts';
import { loadWhole } from '../../src/models/load-whole.ts';
import { bestThreads, directDecoding, ratesOfRun, type GgufDecoding } from './gguf-decoding.ts';
import { loadGguf } from './load-gguf.ts';
import { exportedGraph, unifiedGraph } from './runtime-alone.ts';

export type Format = 'q4' | 'q8';

/** One measurement: all branches of one prompt. */
export interface RealRun {
  readonly prompt: string;
  readonly branches: number;
  readonly seed: number;
  /** Most new tokens of a branch. */
  readonly tokens: number;
  readonly sampling: { readonly temperature: number; readonly topK: number; readonly topP: number };
}

export interface RealContestant {
  readonly who: string;
  readonly format: string;
  readonly branches: readonly number[];
  /** Tokens per second over all branches, from their first tokens on. */
  rate(run: RealRun): Promise<number>;
}

/** What closes when the measurement is over. */
export type Closers = (() => Promise<unknown>)[];

export function graphOf(directory: string, format: Format): string {
  return join(directory, 'onnx', format === 'q4' ? 'model_q4.onnx' : 'model_quantized.onnx');
}

export interface OurOptions {
  readonly directory: string;
  readonly format: Format;
  readonly branches: readonly number[];
  /** Directory of the draft model. */
  readonly draft: string | undefined;
}

const ALL_TEXTS: readonly SuffixScope[] = ['sibling', 'lookup', 'history'];
const LONGEST = 8;
export const FIXED_LENGTHS = [1, 2, 4];

/**
 * Our engine without drafts, with adaptive and fixed ones, and with each drafter alone: one loaded model for all, since they take
 * turns, and for each a speculation of its own that learns from round to round.
 */
export async function ourContestants({ directory, format, branches, draft }: OurOptions, closers: Closers): Promise<RealContestant[]> {
  const { model, tokenizer } = await loadWhole(await loadOnnxModel(directory, { dtype: format }));
  closers.push(() => model.dispose());
  const draftModel = draft === undefined ? undefined : (await loadWhole(await loadOnnxModel(draft, { dtype: 'q4' }))).model;
  if (draftModel) closers.push(() => draftModel.dispose());
  const shared = { model, tokenizer };
  const adaptive = (drafters: Drafter[]): Speculation => new Speculation({ drafters, policy: new AdaptiveDrafting({ longest: LONGEST, isPadded: false }) });
  const fixed = (drafters: Drafter[], length: number): Speculation => new Speculation({ drafters, policy: fixedDraftLength(length) });
  const one = (who: string, speculation: Speculation | undefined): RealContestant => ours({ who, format, branches }, shared, speculation);
  return [
    one('ours, no drafts', undefined),
    one('ours, adaptive', adaptive([new SuffixDrafter(ALL_TEXTS)])),
    ...FIXED_LENGTHS.map((length) => one(`ours, drafts of ${length}`, fixed([new SuffixDrafter(ALL_TEXTS)], length))),
    ...ALL_TEXTS.map((scope) => one(`ours, ${scope} alone`, adaptive([new SuffixDrafter([scope])]))),
    ...(draftModel
      ? [one('ours, draft model', adaptive([new DraftModelDrafter(draftModel)])), one('ours, draft model of 4', fixed([new DraftModelDrafter(draftModel)], 4))]
      : []),
  ];
}

function ours(
  contestant: Omit<RealContestant, 'rate'>,
  shared: { readonly model: TokenModel; readonly tokenizer: Tokenizer },
  speculation: Speculation | undefined,
): RealContestant {
  const engine = new LocalEngine({ name: contestant.who, ...shared, sampling: resolveSampling(), maxRows: 16, ...(speculation && { speculation }) });
  return {
    ...contestant,
    rate: async ({ prompt, branches, seed, tokens, sampling }) => {
      const session = await engine.open([{ role: 'user', content: prompt }], { seed, sampling });
      const opened = session.branch(branches);
      await Promise.all(opened.map((branch) => branch.advance({ until: { tokens: 1 } })));
      const startedAt = performance.now();
      const segments = await Promise.all(opened.filter(({ ended }) => !ended).map((branch) => branch.advance({ until: { tokens } })));
      const seconds = (performance.now() - startedAt) / 1000;
      await session.dispose();
      return segments.reduce((sum, segment) => sum + segment.tokens.length, 0) / seconds;
    },
  };
}

/** The faster of two ways of calling the runtime; see `runtime-alone.ts`. */
export async function runtimeAlone(directory: string, format: Format, branches: readonly number[], closers: Closers): Promise<RealContestant> {
  const graph = graphOf(directory, format);
  const [flat, batched] = [await unifiedGraph(graph), await exportedGraph(graph)];
  closers.push(() => Promise.all([flat.release(), batched.release()]));
  /** Tokens of a prompt; a run's mean context is this and half of what is written. */
  const promptTokens = 110;
  return {
    who: 'runtime alone',
    format,
    branches,
    rate: async ({ branches: rows, tokens }) => {
      const written = Math.floor(tokens / 2);
      const together = await flat.passMs(rows, promptTokens + rows * written, 6);
      const apart = await batched.passMs(rows, promptTokens + written, 6);
      return (1000 * rows) / Math.min(together, apart);
    },
  };
}

const asText = (prompt: string): string => `<|im_start|>user\n${prompt}<|im_end|>\n<|im_start|>assistant\n`;

/** transformers.js' `generate` on Optimum's export of the same weights, without top-p, which it has not. */
export async function transformersJs(directory: string, branches: readonly number[], closers: Closers): Promise<RealContestant> {
  const { AutoModelForCausalLM, AutoTokenizer } = await import('@huggingface/transformers');
  const root = join(directory, 'masked');
  const tokenizer = await AutoTokenizer.from_pretrained(root, { local_files_only: true });
  const model = await AutoModelForCausalLM.from_pretrained(root, { dtype: 'q4', local_files_only: true, use_external_data_format: true });
  closers.push(() => model.dispose());
  const generate = async ({ prompt, branches: rows, sampling }: RealRun, most: number): Promise<number> => {
    const inputs = tokenizer(Array.from({ length: rows }, () => asText(prompt)));
    const drawn = sampling.temperature === 0 ? { do_sample: false } : { do_sample: true, temperature: sampling.temperature, top_k: sampling.topK };
    const startedAt = performance.now();
    await model.generate({ ...inputs, max_new_tokens: most, min_new_tokens: most, repetition_penalty: 1, ...drawn });
    return performance.now() - startedAt;
  };
  return {
    who: 'transformers.js',
    format: 'q4',
    branches,
    // The prompt and the first token are taken off. Its rate falls with length, so fewer tokens are in its favour.
    rate: async (run) => {
      const tokens = Math.min(run.tokens, 48);
      const first = await generate(run, 1);
      return (1000 * run.branches * (tokens - 1)) / ((await generate(run, tokens)) - first);
    },
  };
}

/** node-llama-cpp with as many sequences as branches and its best number of threads. */
export async function nodeLlamaCpp(directory: string, branches: readonly number[], closers: Closers): Promise<RealContestant> {
  const gguf = await loadGguf(join(directory, 'model.gguf'));
  closers.push(() => gguf.model.dispose());
  const opened = new Map<number, GgufDecoding>();
  const decodingOf = async (run: RealRun, request: Parameters<GgufDecoding['run']>[0]): Promise<GgufDecoding> => {
    const known = opened.get(run.branches);
    if (known) return known;
    const settings = { sequences: run.branches, contextTokens: 512 };
    const threads = await bestThreads(gguf, settings, [1, 2], { ...request, maxTokens: 8 });
    const decoding = await directDecoding(gguf, { ...settings, threads });
    opened.set(run.branches, decoding);
    closers.unshift(() => decoding.dispose());
    return decoding;
  };
  return {
    who: 'node-llama-cpp',
    format: 'gguf',
    branches,
    rate: async (run) => {
      const request = { prompt: asText(run.prompt), sampling: run.sampling, seed: run.seed, maxTokens: Math.min(run.tokens, 48) };
      return ratesOfRun(await (await decodingOf(run, request)).run(request), run.branches).decoding;
    },
  };
}

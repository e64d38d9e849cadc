/**
 * Decoding a GGUF file directly by node-llama-cpp, and by our engine over it: the same weights, contexts of the same settings, the
 * same sampling. Peers of benchmarks on real models.
 *
 * @module
 */
import { llamaCppEngine } from '../../src/adapters/node-llama-cpp/index.ts';
import type { SamplingOptions } from '../../src/contracts/engine.ts';
import type { LoadedGguf } from './load-gguf.ts';

export interface GgufSettings {
  /** Sequences of the context: as many as are decoded together, which suits node-llama-cpp best. */
  readonly sequences: number;
  readonly threads: number;
  readonly contextTokens: number;
}

export interface GgufRequest {
  /** As text, special tokens written out. */
  readonly prompt: string;
  readonly sampling: Required<Pick<SamplingOptions, 'temperature' | 'topK' | 'topP'>>;
  readonly seed: number;
  readonly maxTokens: number;
}

export interface GgufRun {
  /** Tokens of all sequences, end tokens included. */
  readonly tokens: number;
  /** From the prompt to the last token. */
  readonly totalMs: number;
  /** From the moment when every sequence has its first token, to the last. */
  readonly decodeMs: number;
}

export interface GgufDecoding {
  readonly name: string;
  run(request: GgufRequest): Promise<GgufRun>;
  dispose(): Promise<void>;
}

/** The part of node-llama-cpp that its documentation tells users to decode with. */
interface DirectModel {
  tokenize(text: string, specialTokens: boolean): number[];
  createContext(options: object): Promise<{ getSequence(): DirectSequence; dispose(): Promise<void> }>;
}

interface DirectSequence {
  clearHistory(): Promise<void>;
  evaluate(tokens: number[], options: object): AsyncIterable<number>;
}

const contextOptions = ({ sequences, threads, contextTokens }: GgufSettings): object => ({
  sequences,
  threads,
  contextSize: contextTokens,
  batchSize: 512,
  flashAttention: true,
});

/** `sequence.evaluate` on every sequence at once, as its documentation shows. */
export async function directDecoding({ model }: LoadedGguf, settings: GgufSettings): Promise<GgufDecoding> {
  const direct = model as unknown as DirectModel;
  const context = await direct.createContext(contextOptions(settings));
  const sequences = Array.from({ length: settings.sequences }, () => context.getSequence());
  return {
    name: 'node-llama-cpp',
    async run({ prompt, sampling, seed, maxTokens }) {
      await Promise.all(sequences.map((sequence) => sequence.clearHistory()));
      const startedAt = performance.now();
      const promptTokens = direct.tokenize(prompt, true);
      const outputs = await Promise.all(
        sequences.map(async (sequence, index) => {
          const tokens: number[] = [];
          let firstAt = 0;
          for await (const token of sequence.evaluate(promptTokens, { ...sampling, minP: 0, seed: 1000 * seed + index + 1, yieldEogToken: true })) {
            firstAt ||= performance.now();
            if (tokens.push(token) >= maxTokens) break;
          }
          return { tokens: tokens.length, firstAt };
        }),
      );
      const endedAt = performance.now();
      return {
        tokens: outputs.reduce((sum, { tokens }) => sum + tokens, 0),
        totalMs: endedAt - startedAt,
        decodeMs: endedAt - Math.max(...outputs.map(({ firstAt }) => firstAt)),
      };
    },
    dispose: () => context.dispose(),
  };
}

/** The same by `llamaCppEngine`. */
export async function engineDecoding({ model, chatWrapper }: LoadedGguf, settings: GgufSettings): Promise<GgufDecoding> {
  const engine = llamaCppEngine(model, {
    chatWrapper,
    sequences: settings.sequences,
    contextTokens: settings.contextTokens,
    context: { threads: settings.threads, batchSize: 512, flashAttention: true },
  });
  await engine.ready();
  return {
    name: 'latency-tts',
    async run({ prompt, sampling, seed, maxTokens }) {
      const startedAt = performance.now();
      const session = await engine.open({ text: prompt }, { sampling, seed });
      const branches = session.branch(settings.sequences);
      await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 1 } })));
      const firstAt = performance.now();
      await Promise.all(branches.map(async (branch) => !branch.ended && maxTokens > 1 && branch.advance({ until: { tokens: maxTokens - 1 } })));
      const endedAt = performance.now();
      const tokens = session.usage().completionTokens;
      await session.dispose();
      return { tokens, totalMs: endedAt - startedAt, decodeMs: endedAt - firstAt };
    },
    dispose: () => engine.dispose(),
  };
}

/** Tokens a second of a run, over all of it and from the first tokens on. */
export function ratesOfRun({ tokens, totalMs, decodeMs }: GgufRun, sequences: number): { readonly total: number; readonly decoding: number } {
  return { total: (1000 * tokens) / totalMs, decoding: (1000 * (tokens - sequences)) / decodeMs };
}

/** The number of threads at which node-llama-cpp decodes fastest, by one short run with each. */
export async function bestThreads(
  gguf: LoadedGguf,
  settings: Omit<GgufSettings, 'threads'>,
  candidates: readonly number[],
  request: GgufRequest,
): Promise<number> {
  let best = { threads: candidates[0]!, rate: -Infinity };
  for (const threads of candidates) {
    const decoding = await directDecoding(gguf, { ...settings, threads });
    const rate = ratesOfRun(await decoding.run(request), settings.sequences).decoding;
    await decoding.dispose();
    if (rate > best.rate) best = { threads, rate };
  }
  return best.threads;
}

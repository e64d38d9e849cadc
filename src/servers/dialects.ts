/**
 * What servers that speak OpenAI's interface do each in their own way. `docs/servers.md` shows the same table.
 *
 * @module
 */
import type { SamplingOptions } from '../contracts/engine.ts';
import { InvalidOptionError } from '../errors.ts';

/** `other`: a server that is none of these, asked only for what all of them offer. */
export type ServerName =
  'vllm' | 'sglang' | 'llama.cpp' | 'llama-cpp-python' | 'ollama' | 'tgi' | 'lm-studio' | 'openai' | 'openrouter' | 'latency-tts' | 'other';

export interface Dialect {
  readonly name: ServerName;
  readonly label: string;
  /**
   * How a chat goes on behind a text of the assistant. `continue-final-message`: fields of the request say so. `assistant-last`:
   * the server goes on when the last message is the assistant's. `asked`: by a message that asks for it, which is not exact.
   */
  readonly continuation: 'continue-final-message' | 'assistant-last' | 'asked';
  /** Whether there is `/completions`, which continues any text exactly. */
  readonly hasCompletions: boolean;
  /** The field that keeps a stop string in the text. Without it, the client looks for stop strings and ends the request. */
  readonly keepStopField: string | undefined;
  readonly maxTokensField: 'max_tokens' | 'max_completion_tokens';
  /** Fields for ways of sampling beside temperature and top-p. */
  readonly samplingFields: Partial<Record<'topK' | 'minP' | 'repetitionPenalty', string>>;
  /** What stands for "all" as top-k. */
  readonly allTokens: number;
  /** Whether the log-probabilities of the tokens that were written are told. */
  readonly hasLogprobs: boolean;
  /** Most likely tokens told for each place beside them. */
  readonly topLogprobs: number;
  /** Fewest of these to ask for: with none, some tell nothing at all. */
  readonly leastTopLogprobs: number;
  /** The field that has ids in place of texts for these, which texts do not tell apart. */
  readonly tokensAsIdsField: string | undefined;
  /** Log-probabilities of `/completions`, in the form it has there. */
  readonly hasCompletionsLogprobs: boolean;
  /** The field that asks for ids of tokens. */
  readonly tokenIdsField: string | undefined;
  readonly hasSeed: boolean;
  /** What usage in a stream is asked for with: at its end, or with every piece, so that a cut request is counted exactly too. */
  readonly usage: 'end' | 'every-piece';
  /** How prompts are counted beforehand. */
  readonly tokenize: 'vllm' | 'sglang' | 'llama.cpp' | 'llama-cpp-python' | 'tgi' | undefined;
  /** Whether requests share what the server has read of a prompt, once it has been read. */
  readonly sharesPrefixes: boolean;
  /** Requests handled at once, where it is the same number on every such server. */
  readonly slots: number | undefined;
  /** Whether a stream that fails ends without a word: only a request without a stream is told why. */
  readonly failsInSilence: boolean;
  /** Where the server tells what became of its drafts. */
  readonly speculation: 'metrics.speculative_decoding' | 'meta_info' | 'timings' | undefined;
  /** Whether a request may say how long drafts are. Servers may ignore it; what they tell of drafts shows. */
  readonly hasDraftLength: boolean;
  /** The field that says how long a model may think: in tokens, or as OpenAI's effort. */
  readonly thinkingField: 'thinking_token_budget' | 'reasoning_budget_tokens' | 'reasoning' | 'reasoning_effort' | undefined;
  /** Endpoints of reward models. */
  readonly rewards: readonly ('score' | 'classify' | 'pooling')[];
}

const PLAIN: Omit<Dialect, 'name' | 'label'> = {
  continuation: 'asked',
  hasCompletions: true,
  keepStopField: undefined,
  maxTokensField: 'max_tokens',
  samplingFields: {},
  allTokens: 0,
  hasLogprobs: true,
  topLogprobs: 0,
  leastTopLogprobs: 0,
  tokensAsIdsField: undefined,
  hasCompletionsLogprobs: false,
  tokenIdsField: undefined,
  hasSeed: true,
  usage: 'end',
  tokenize: undefined,
  sharesPrefixes: false,
  slots: undefined,
  failsInSilence: false,
  speculation: undefined,
  hasDraftLength: false,
  thinkingField: undefined,
  rewards: [],
};

const REPETITION = { topK: 'top_k', minP: 'min_p', repetitionPenalty: 'repetition_penalty' } as const;
const REPEAT = { topK: 'top_k', minP: 'min_p', repetitionPenalty: 'repeat_penalty' } as const;

export const DIALECTS: Readonly<Record<ServerName, Dialect>> = {
  vllm: {
    ...PLAIN,
    name: 'vllm',
    label: 'vLLM',
    continuation: 'continue-final-message',
    keepStopField: 'include_stop_str_in_output',
    samplingFields: REPETITION,
    allTokens: -1,
    topLogprobs: 20,
    tokensAsIdsField: 'return_tokens_as_token_ids',
    hasCompletionsLogprobs: true,
    tokenIdsField: 'return_token_ids',
    usage: 'every-piece',
    tokenize: 'vllm',
    sharesPrefixes: true,
    speculation: 'metrics.speculative_decoding',
    thinkingField: 'thinking_token_budget',
    rewards: ['score', 'classify', 'pooling'],
  },
  sglang: {
    ...PLAIN,
    name: 'sglang',
    label: 'SGLang',
    continuation: 'continue-final-message',
    keepStopField: 'no_stop_trim',
    samplingFields: REPETITION,
    allTokens: -1,
    topLogprobs: 20,
    hasCompletionsLogprobs: true,
    usage: 'every-piece',
    tokenize: 'sglang',
    sharesPrefixes: true,
    speculation: 'meta_info',
    rewards: ['classify', 'score'],
  },
  'llama.cpp': {
    ...PLAIN,
    name: 'llama.cpp',
    label: 'llama.cpp',
    continuation: 'assistant-last',
    samplingFields: REPEAT,
    topLogprobs: 20,
    tokenize: 'llama.cpp',
    sharesPrefixes: true,
    speculation: 'timings',
    thinkingField: 'reasoning_budget_tokens',
    hasDraftLength: true,
  },
  'llama-cpp-python': {
    ...PLAIN,
    name: 'llama-cpp-python',
    label: 'llama-cpp-python',
    samplingFields: REPEAT,
    topLogprobs: 20,
    leastTopLogprobs: 1,
    hasCompletionsLogprobs: true,
    tokenize: 'llama-cpp-python',
    slots: 1,
    failsInSilence: true,
  },
  ollama: { ...PLAIN, name: 'ollama', label: 'Ollama', continuation: 'assistant-last', topLogprobs: 20, thinkingField: 'reasoning_effort' },
  tgi: { ...PLAIN, name: 'tgi', label: 'TGI', topLogprobs: 5, tokenize: 'tgi' },
  'lm-studio': { ...PLAIN, name: 'lm-studio', label: 'LM Studio', continuation: 'assistant-last', samplingFields: REPEAT, hasLogprobs: false },
  openai: { ...PLAIN, name: 'openai', label: 'OpenAI', maxTokensField: 'max_completion_tokens', topLogprobs: 20, thinkingField: 'reasoning_effort' },
  openrouter: { ...PLAIN, name: 'openrouter', label: 'OpenRouter', samplingFields: REPETITION, topLogprobs: 20, thinkingField: 'reasoning' },
  'latency-tts': {
    ...PLAIN,
    name: 'latency-tts',
    label: 'latency-tts serve',
    continuation: 'continue-final-message',
    keepStopField: 'include_stop_str_in_output',
    samplingFields: REPETITION,
    topLogprobs: 20,
    tokensAsIdsField: 'return_tokens_as_token_ids',
    hasCompletionsLogprobs: true,
    tokenIdsField: 'return_token_ids',
  },
  other: { ...PLAIN, name: 'other', label: 'another server', hasLogprobs: false },
};

/** @throws {InvalidOptionError} for sampling that a server has no field for. */
export function requireSupportedSampling({ samplingFields, label }: Dialect, sampling: Required<SamplingOptions>): void {
  const neutral = { topK: 0, minP: 0, repetitionPenalty: 1 } as const;
  for (const field of ['topK', 'minP', 'repetitionPenalty'] as const) {
    if (sampling[field] === neutral[field] || samplingFields[field]) continue;
    throw new InvalidOptionError(`sampling.${field}`, `${neutral[field]} on ${label}, which has no such field`, sampling[field]);
  }
}

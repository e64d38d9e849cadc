import * as v from 'valibot';
import type { Prompt } from '../../contracts/prompt.ts';
import type { Sampling } from '../../maths/sampling.ts';
import { number, wholeNumber, type OptionsOf } from '../../option-schemas.ts';
import { isPlainText, messagesOf } from '../../servers/count-tokens.ts';
import type { Dialect } from '../../servers/dialects.ts';

/** How long drafts are, for servers that let a request say so. */
export const serverDraftEntries = {
  /** Most tokens of a draft; 0 for none. Whole number ≥ 0. */
  maxTokens: v.optional(wholeNumber()),
  /** Shorter drafts are not verified. Whole number ≥ 0. */
  minTokens: v.optional(wholeNumber()),
  /** A draft ends before a token less likely than this to the draft model. In [0, 1]. */
  minProbability: v.optional(number(0, 1)),
};

export interface ServerDraftOptions extends OptionsOf<typeof serverDraftEntries> {}

/** How long a model may think, in the words that servers have for it. */
export interface ThinkingBudget {
  readonly maxTokens: number | undefined;
  readonly effort: 'low' | 'medium' | 'high' | undefined;
}

/** What a server turned out not to take, and is asked for no more. */
export type OptionalField = 'logprobs' | 'thinking' | 'seed' | 'usage' | 'token-ids' | 'sampling' | 'max_tokens' | 'max_completion_tokens';

export interface CompletionRequest {
  readonly model: string;
  readonly prompt: Prompt;
  /** What the branch has written so far. */
  readonly prefix: string;
  readonly sampling: Sampling;
  readonly seed: number;
  readonly maxTokens: number | undefined;
  /** Sent where the server keeps them in the text. */
  readonly stop: readonly string[];
  /** How long a model may think; `undefined` for as long as it likes. */
  readonly thinking: ThinkingBudget | undefined;
  /** `undefined` for none. */
  readonly topLogprobs: number | undefined;
  readonly drafts: ServerDraftOptions | undefined;
  readonly without: ReadonlySet<OptionalField>;
  /** Fields of the user's own. */
  readonly extraBody: Readonly<Record<string, unknown>>;
}

/** What asks for the rest where a server cannot be made to go on behind a text. */
const GO_ON = 'Continue your last message exactly where it ends. Do not repeat any of it, and do not comment.';

/** Path and body of the request that continues a branch. */
export function completionRequest(dialect: Dialect, request: CompletionRequest): { readonly path: string; readonly body: Record<string, unknown> } {
  const { prompt, prefix, extraBody } = request;
  const isText = isPlainText(prompt);
  const body = {
    model: request.model,
    ...(isText ? { prompt: prompt.text + prefix } : chatFields(dialect, messagesOf(prompt), prefix)),
    stream: true,
    ...usageFields(dialect, request),
    ...samplingFields(dialect, request),
    ...limitFields(isText ? 'max_tokens' : dialect.maxTokensField, request),
    ...(request.stop.length > 0 && dialect.keepStopField !== undefined && { stop: request.stop, [dialect.keepStopField]: true }),
    ...logprobFields(dialect, request, isText),
    ...draftFields(dialect, request.drafts),
    ...thinkingFields(dialect, request),
    ...extraBody,
  };
  return { path: isText ? '/completions' : '/chat/completions', body };
}

/** The same limit has two names, of which servers take either or both. */
function limitFields(usual: Dialect['maxTokensField'], { maxTokens, without }: CompletionRequest): object {
  const name = ([usual, 'max_completion_tokens', 'max_tokens'] as const).find((field) => !without.has(field));
  return maxTokens === undefined || name === undefined ? {} : { [name]: maxTokens };
}

function chatFields({ name, continuation }: Dialect, messages: readonly { readonly role: string; readonly content: string }[], prefix: string): object {
  if (prefix === '') return { messages };
  const written = [...messages, { role: 'assistant', content: prefix }];
  if (continuation === 'asked') return { messages: [...written, { role: 'user', content: GO_ON }] };
  if (continuation === 'assistant-last') return { messages: written };
  return { messages: written, continue_final_message: true, ...(name === 'vllm' && { add_generation_prompt: false }) };
}

function usageFields({ usage, tokenIdsField, speculation }: Dialect, { without }: CompletionRequest): object {
  return {
    ...(!without.has('usage') && { stream_options: { include_usage: true, ...(usage === 'every-piece' && { continuous_usage_stats: true }) } }),
    ...(tokenIdsField !== undefined && !without.has('token-ids') && { [tokenIdsField]: true }),
    ...(speculation === 'meta_info' && { return_meta_info: true }),
  };
}

/** Every field that the server has is sent: a server's own defaults come from the model's files. */
function samplingFields({ samplingFields: fields, allTokens, hasSeed }: Dialect, { sampling, seed, without }: CompletionRequest): object {
  return {
    ...(!without.has('sampling') && { temperature: sampling.temperature, top_p: sampling.topP }),
    ...(fields.topK !== undefined && { [fields.topK]: sampling.topK === 0 ? allTokens : sampling.topK }),
    ...(fields.minP !== undefined && { [fields.minP]: sampling.minP }),
    ...(fields.repetitionPenalty !== undefined && { [fields.repetitionPenalty]: sampling.repetitionPenalty }),
    ...(hasSeed && !without.has('seed') && { seed }),
  };
}

function logprobFields(
  { hasLogprobs, topLogprobs: most, leastTopLogprobs: least, tokensAsIdsField, hasCompletionsLogprobs }: Dialect,
  { topLogprobs, without }: CompletionRequest,
  isText: boolean,
): object {
  if (topLogprobs === undefined || !hasLogprobs || without.has('logprobs')) return {};
  const asked = Math.max(least, Math.min(topLogprobs, most));
  const ids = asked > 0 && tokensAsIdsField !== undefined && !without.has('token-ids') && { [tokensAsIdsField]: true };
  if (isText) return hasCompletionsLogprobs ? { logprobs: asked, ...ids } : {};
  return { logprobs: true, ...(asked > 0 && { top_logprobs: asked }), ...ids };
}

function thinkingFields({ thinkingField }: Dialect, { thinking, without }: CompletionRequest): object {
  if (!thinking || thinkingField === undefined || without.has('thinking')) return {};
  const { maxTokens, effort } = thinking;
  if (thinkingField === 'reasoning_effort') return effort === undefined ? {} : { reasoning_effort: effort };
  if (thinkingField === 'reasoning') return { reasoning: maxTokens === undefined ? { effort } : { max_tokens: maxTokens } };
  return maxTokens === undefined ? {} : { [thinkingField]: maxTokens };
}

function draftFields({ hasDraftLength }: Dialect, drafts: ServerDraftOptions | undefined): object {
  if (!hasDraftLength || !drafts) return {};
  const { maxTokens, minTokens, minProbability } = drafts;
  return {
    ...(maxTokens !== undefined && { 'speculative.n_max': maxTokens }),
    ...(minTokens !== undefined && { 'speculative.n_min': minTokens }),
    ...(minProbability !== undefined && { 'speculative.p_min': minProbability }),
  };
}

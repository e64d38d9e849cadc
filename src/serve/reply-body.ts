/** The JSON of replies, as OpenAI's endpoints write it, with one field of our own: `latency_tts`. */
import type { Clock } from '../contracts/clock.ts';
import type { EngineUsage } from '../contracts/engine.ts';
import type { Choice, Completion, ServedBranch } from './completion.ts';
import type { CompletionTask } from './completion-task.ts';
import type { LikelyToken, NamedToken } from './token-texts.ts';

/** What identifies a reply. */
export interface ReplyHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
}

/** The system clock counts from 1970; any other has a time of its own, and then so have its replies. */
export function secondsOf(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}

/** Where the time of a request went. */
export interface ReplyTiming {
  readonly queuedMs: number;
  readonly totalMs: number;
}

/** The whole reply to a request that is not streamed. */
export function replyBody(task: CompletionTask, head: ReplyHead, completion: Completion, timing: ReplyTiming): object {
  const isChat = task.endpoint === 'chat';
  return {
    id: head.id,
    object: isChat ? 'chat.completion' : 'text_completion',
    created: head.created,
    model: task.modelId,
    choices: completion.choices.map((choice) => (isChat ? chatChoice(choice, task) : textChoice(choice, task))),
    usage: usageBody(completion.usage),
    latency_tts: extensionBody(task, completion, timing),
  };
}

function chatChoice({ index, text, reasoning, tokens = [], ...choice }: Choice, task: CompletionTask): object {
  return {
    index,
    message: { role: 'assistant', content: text, ...(reasoning !== undefined && { reasoning_content: reasoning }), refusal: null },
    ...tokenFields(tokens, task),
    ...finishFields(choice),
  };
}

function textChoice({ index, text, tokens = [], ...choice }: Choice, task: CompletionTask): object {
  return { index, text, ...tokenFields(tokens, task), ...finishFields(choice) };
}

/** What was asked for of tokens. `token_ids` as vLLM has it. */
export function tokenFields(tokens: readonly NamedToken[], task: CompletionTask): object {
  const { endpoint, logprobs, tokenIds } = task;
  const isTold = logprobs && tokens.length > 0;
  return {
    logprobs: isTold ? (endpoint === 'chat' ? chatLogprobs(tokens, task) : textLogprobs(tokens, task)) : null,
    ...(tokenIds && { token_ids: tokens.map(({ id }) => id) }),
  };
}

/** `stop_reason` as vLLM has it: the stop string met. */
export function finishFields({ finish, stop }: Pick<Choice, 'finish' | 'stop'>): object {
  return { finish_reason: finish, stop_reason: stop ?? null };
}

/** How log-probabilities call a token: by its text, or by its id as vLLM writes it. */
function nameOf({ id, text }: LikelyToken, { namesByIds }: CompletionTask): string {
  return namesByIds ? `token_id:${id}` : text;
}

function chatLogprobs(tokens: readonly NamedToken[], task: CompletionTask): object {
  const encoder = new TextEncoder();
  const told = (token: LikelyToken): object => ({ token: nameOf(token, task), logprob: token.logprob, bytes: [...encoder.encode(token.text)] });
  return { content: tokens.map((token) => ({ ...told(token), top_logprobs: token.top.map(told) })), refusal: null };
}

function textLogprobs(tokens: readonly NamedToken[], task: CompletionTask): object {
  return {
    tokens: tokens.map((token) => nameOf(token, task)),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    text_offset: tokens.map(({ offset }) => offset),
    top_logprobs: task.topLogprobs > 0 ? tokens.map((token) => likeliestByName(token, task)) : null,
  };
}

/** With the token that was drawn, as OpenAI has it. Of tokens with one name, such as those without a text, the likeliest counts. */
function likeliestByName(token: NamedToken, task: CompletionTask): Record<string, number> {
  const ascending = [...token.top, token].sort((left, right) => left.logprob - right.logprob);
  return Object.fromEntries(ascending.map((one) => [nameOf(one, task), one.logprob]));
}

/** Over all branches, those not returned included. */
export function usageBody({ promptTokens, completionTokens, forcedTokens, cachedPromptTokens }: EngineUsage): object {
  const completion = completionTokens + forcedTokens;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
    ...(cachedPromptTokens !== undefined && { prompt_tokens_details: { cached_tokens: cachedPromptTokens } }),
  };
}

/** What a reply says beyond OpenAI's fields. */
export function extensionBody(task: CompletionTask, { report, usage }: Completion, { queuedMs, totalMs }: ReplyTiming): object {
  const { speculation } = usage;
  return {
    strategy: report.strategy,
    seed: report.seed,
    stop_reason: report.stopReason,
    answer: report.answer ?? null,
    confidence: report.confidence ?? null,
    ...(report.votes && { votes: report.votes }),
    branches: report.branches.map((branch) => branchBody(branch, task.includesBranchText)),
    usage: {
      sampled_tokens: usage.completionTokens,
      forced_tokens: usage.forcedTokens,
      forward_count: usage.forwardCount,
      ...(speculation && { drafted_tokens: speculation.proposed, accepted_draft_tokens: speculation.accepted }),
    },
    timing: {
      deadline_ms: task.deadlineMs < Infinity ? task.deadlineMs : null,
      queued_ms: rounded(queuedMs),
      open_ms: rounded(report.openMs),
      work_ms: rounded(report.workMs),
      total_ms: rounded(totalMs),
    },
    ...(report.warnings.length > 0 && { warnings: report.warnings }),
    ...(task.ignored.length > 0 && { ignored: task.ignored }),
  };
}

function branchBody({ branch, text, answer, tokenCount, meanLogprob, finish, isForced, error, startMs, endMs }: ServedBranch, includesText: boolean): object {
  return {
    branch,
    answer: answer ?? null,
    finish,
    token_count: tokenCount,
    mean_logprob: meanLogprob ?? null,
    is_forced: isForced,
    start_ms: rounded(startMs),
    end_ms: rounded(endMs),
    ...(includesText && { text }),
    ...(finish === 'failed' && { error: error instanceof Error ? error.message : String(error) }),
  };
}

/** Microseconds are as much as clocks tell. */
export function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

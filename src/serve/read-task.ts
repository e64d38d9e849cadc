import * as v from 'valibot';
import type { SamplingOptions } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import { ApiError, badRequest } from './api-error.ts';
import type { CompletionTask, Endpoint } from './completion-task.ts';
import { chatSchema, completionSchema, INERT_FIELDS, MOST_TOP_LOGPROBS, REFUSED_FIELDS, type ChatBody, type CompletionBody } from './request-schema.ts';
import { SINGLE, type ServedModel, type StrategyChoice } from './served-model.ts';

/** What the server allows and presumes. */
export interface TaskPolicy {
  readonly models: Readonly<Record<string, ServedModel>>;
  readonly maxChoices: number;
  /** Most tokens of one branch, and the default; `undefined` for what the context holds. */
  readonly maxTokens: number | undefined;
  /** For requests without a deadline. */
  readonly defaultDeadlineMs: number;
  readonly maxDeadlineMs: number;
}

/**
 * Reads a request's body and headers.
 *
 * @throws {ApiError} for anything that is wrong or cannot be honoured.
 */
export function readTask(endpoint: Endpoint, json: unknown, headers: Headers, policy: TaskPolicy): CompletionTask {
  const body = endpoint === 'chat' ? checked(chatSchema, json) : checked(completionSchema, json);
  refuseFields(body);
  const model = modelOf(body.model, policy);
  const strategy = strategyOf(body, headers, model);
  const task: CompletionTask = {
    endpoint,
    modelId: body.model,
    model,
    prompt: promptOf(body),
    strategy,
    choices: body.n ?? 1,
    stop: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    keepsStop: body.include_stop_str_in_output ?? false,
    logprobs: wantsLogprobs(body),
    topLogprobs: topLogprobsOf(body),
    namesByIds: body.return_tokens_as_token_ids ?? false,
    tokenIds: body.return_token_ids ?? false,
    maxTokens: maxTokensOf(body, policy),
    sampling: samplingOf(body),
    seed: body.seed ?? undefined,
    deadlineMs: deadlineOf(body, headers, policy),
    isStreamed: body.stream ?? false,
    includesUsage: body.stream_options?.include_usage ?? false,
    includesBranchText: body.include_branch_text ?? false,
    ignored: Object.keys(body).filter((field) => !(field in knownFields(endpoint)) && !(field in REFUSED_FIELDS) && !INERT_FIELDS.has(field)),
  };
  refuseCombinations(task, policy);
  return task;
}

function knownFields(endpoint: Endpoint): object {
  return endpoint === 'chat' ? chatSchema.entries : completionSchema.entries;
}

/** @throws {ApiError} that names the first thing wrong. */
function checked<Schema extends v.GenericSchema>(schema: Schema, json: unknown): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const { path, issue } = innermost(parsed.issues[0], []);
  const field = path.join('.') || 'body';
  const isMissing = issue.input === undefined && issue.kind === 'schema';
  throw badRequest(isMissing ? `The request has no \`${field}\`.` : `\`${field}\` is wrong. ${issue.message}.`, field);
}

/** Where one of several shapes was expected, what is wrong with the one that was meant: the first of the value's own type. */
function innermost(issue: v.BaseIssue<unknown>, above: readonly string[]): { readonly path: readonly string[]; readonly issue: v.BaseIssue<unknown> } {
  const path = [...above, ...(issue.path ?? []).map(({ key }) => String(key))];
  const meant = issue.issues?.find((inner) => inner.path !== undefined || inner.kind === 'validation');
  return meant ? innermost(meant, path) : { path, issue };
}

function refuseFields(body: Readonly<Record<string, unknown>>): void {
  for (const [field, asksForNothing] of Object.entries(REFUSED_FIELDS)) {
    const value = body[field];
    if (value === undefined || value === null || asksForNothing(value)) continue;
    throw badRequest(`This server cannot honour \`${field}\`. Leave it out.`, field, 'unsupported_parameter');
  }
}

function modelOf(id: string, { models }: TaskPolicy): ServedModel {
  if (Object.hasOwn(models, id)) return models[id]!;
  throw new ApiError(404, 'model_not_found', `There is no model \`${id}\` here. There is: ${Object.keys(models).join(', ')}.`, { param: 'model' });
}

function isChat(body: ChatBody | CompletionBody): body is ChatBody {
  return 'messages' in body;
}

/** A last message of the assistant is continued: that is what a `Prompt` means by it. */
function promptOf(body: ChatBody | CompletionBody): Prompt {
  if (!isChat(body)) return { text: typeof body.prompt === 'string' ? body.prompt : body.prompt[0]! };
  const messages = body.messages.map(({ role, content }) => ({
    role: role === 'developer' ? ('system' as const) : role,
    content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
  }));
  const isContinued = messages.at(-1)!.role === 'assistant';
  const continues = body.continue_final_message;
  if (continues === true && !isContinued) {
    throw badRequest('`continue_final_message` needs a last message of the assistant.', 'continue_final_message');
  }
  if (isContinued && (continues === false || body.add_generation_prompt === true)) {
    const field = continues === false ? 'continue_final_message' : 'add_generation_prompt';
    throw badRequest('A last message of the assistant is always continued here. End with a message of the user for a new one.', field, 'unsupported_parameter');
  }
  return messages;
}

function wantsLogprobs(body: ChatBody | CompletionBody): boolean {
  return isChat(body) ? (body.logprobs ?? false) : typeof body.logprobs === 'number';
}

function topLogprobsOf(body: ChatBody | CompletionBody): number {
  const top = (isChat(body) ? body.top_logprobs : body.logprobs) ?? 0;
  if (top > 0 && !wantsLogprobs(body)) throw badRequest('`top_logprobs` needs `logprobs: true`.', 'top_logprobs');
  return top;
}

function maxTokensOf(body: ChatBody | CompletionBody, { maxTokens }: TaskPolicy): number | undefined {
  const asked = (isChat(body) ? body.max_completion_tokens : undefined) ?? body.max_tokens ?? undefined;
  return asked !== undefined && maxTokens !== undefined ? Math.min(asked, maxTokens) : (asked ?? maxTokens);
}

function samplingOf({ temperature, top_p: topP, top_k: topK, min_p: minP, repetition_penalty: penalty }: ChatBody | CompletionBody): SamplingOptions {
  return {
    ...(typeof temperature === 'number' && { temperature }),
    ...(typeof topP === 'number' && { topP }),
    ...(typeof topK === 'number' && { topK: Math.max(0, topK) }),
    ...(typeof minP === 'number' && { minP }),
    ...(typeof penalty === 'number' && { repetitionPenalty: penalty }),
  };
}

/** The body's deadline, else the header's, else the server's. */
function deadlineOf({ deadline_ms: inBody }: ChatBody | CompletionBody, headers: Headers, { defaultDeadlineMs, maxDeadlineMs }: TaskPolicy): number {
  const header = headers.get('x-deadline-ms');
  const inHeader = header === null ? undefined : Number(header);
  if (inHeader !== undefined && !(Number.isFinite(inHeader) && inHeader > 0)) {
    throw badRequest(`The header X-Deadline-Ms has to be a number of milliseconds above 0, got ${JSON.stringify(header)}.`, 'X-Deadline-Ms');
  }
  return Math.min(inBody ?? inHeader ?? defaultDeadlineMs, maxDeadlineMs);
}

/** The body's strategy, else the header's, else the model's. */
function strategyOf({ strategy: inBody }: ChatBody | CompletionBody, headers: Headers, { defaultStrategy }: ServedModel): StrategyChoice {
  if (inBody) return typeof inBody === 'string' ? { name: inBody } : { name: inBody.name, ...(inBody.options && { options: inBody.options }) };
  const header = headers.get('x-strategy');
  return header ? { name: header } : (defaultStrategy ?? { name: SINGLE });
}

/** Whether log-probabilities can be given a name each. */
export function canNameTokens({ engine: { capabilities }, tokenizer }: ServedModel): boolean {
  return tokenizer !== undefined && (!capabilities || (capabilities.tokenIds && capabilities.logprobs));
}

/** Most of the likeliest tokens that a model tells with their names. */
export function mostTopLogprobs(model: ServedModel): number {
  const { capabilities } = model.engine;
  if (!canNameTokens(model)) return 0;
  return capabilities ? (capabilities.topTokens ? Math.min(MOST_TOP_LOGPROBS, capabilities.topLogprobs) : 0) : MOST_TOP_LOGPROBS;
}

/** What is right by itself and still cannot be done together. */
function refuseCombinations(task: CompletionTask, policy: TaskPolicy): void {
  const { choices, logprobs, tokenIds, strategy, model } = task;
  if (choices > policy.maxChoices) throw badRequest(`\`n\` is ${choices}; this server gives at most ${policy.maxChoices} choices.`, 'n');
  const named = logprobs ? 'logprobs' : tokenIds ? 'return_token_ids' : undefined;
  if (named && !canNameTokens(model)) {
    throw badRequest(`This model cannot name its tokens. Leave \`${named}\` out.`, named, 'unsupported_parameter');
  }
  refuseTopLogprobs(task);
  if (strategy.name === SINGLE) {
    if (Object.keys(strategy.options ?? {}).length > 0) throw badRequest('The strategy `single` has no options.', 'strategy.options');
    return;
  }
  const field = choices > 1 ? 'n' : named;
  if (field === undefined) return;
  throw badRequest(
    `The strategy \`${strategy.name}\` comes to one text out of many branches and cannot honour \`${field}\`. Leave it out, or ask for \`single\`.`,
    field,
    'unsupported_parameter',
  );
}

function refuseTopLogprobs({ topLogprobs, endpoint, model }: CompletionTask): void {
  const most = mostTopLogprobs(model);
  if (topLogprobs <= most) return;
  const [param, advice] = endpoint === 'chat' ? ['top_logprobs', `Leave it out, or ask for ${most}`] : ['logprobs', `Ask for ${most}`];
  const message = `\`${param}\` is ${topLogprobs}; this model names at most ${most} of the likeliest tokens. ${advice} at most.`;
  throw badRequest(message, param, 'unsupported_parameter');
}

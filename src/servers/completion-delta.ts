import * as v from 'valibot';
import { ServerError } from '../errors.ts';
import { readFinish, type ToldFinish } from './finish-reason.ts';
import type { Redact } from './read-events.ts';
import { errorInStream } from './server-errors.ts';
import { errorOfEvent } from './told-failure.ts';

/** What one event of a completion brought. Only its text must be readable: any other field of an odd form counts as not sent. */
export interface CompletionDelta {
  readonly text: string;
  /** Thoughts that the server keeps apart from the text. */
  readonly reasoning: string;
  /** Tokens that were told one by one. */
  readonly places: number;
  /** One for each token of `text`, where the server tells. */
  readonly tokenIds: readonly number[];
  /** One for each token of `text`, where the server tells them; `undefined` for a single token it has none for. */
  readonly logprobs: readonly (number | undefined)[];
  readonly topLogprobs: readonly (readonly number[])[];
  /** Of the same tokens, where the server tells ids; one list a place, empty where it does not. */
  readonly topTokens: readonly (readonly number[])[];
  /** How the server ended, where it did. */
  readonly finish: ToldFinish | undefined;
  /** The stop string that ended it, where the server tells. */
  readonly stop: string | undefined;
  readonly usage: CompletionUsage | undefined;
  readonly drafts: Drafts | undefined;
}

/** Tokens of a request; `undefined` for what the server does not tell. */
export interface CompletionUsage {
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
  readonly cachedPromptTokens: number | undefined;
  readonly reasoningTokens: number | undefined;
}

/** Drafted tokens of a request. */
export interface Drafts {
  readonly proposed: number;
  readonly accepted: number;
}

/** A field that counts as not sent where it is of another form. */
function maybe<Output>(schema: v.GenericSchema<unknown, Output>): v.GenericSchema<unknown, Output | undefined> {
  return v.fallback(v.optional(schema), undefined);
}

/** Rounding takes a certain token a little above 0. */
const GREATEST_LOGPROB = 1e-3;

const text = maybe(v.string());
/** Gateways send counts as text. */
const count = maybe(v.pipe(v.union([v.number(), v.pipe(v.string(), v.digits(), v.transform(Number))]), v.safeInteger(), v.minValue(0)));
const logprob = maybe(
  v.pipe(
    v.number(),
    v.maxValue(GREATEST_LOGPROB),
    v.transform((value) => Math.min(0, value)),
  ),
);
const Likely = maybe(v.looseObject({ token: text, logprob }));
const Place = maybe(v.looseObject({ logprob, top_logprobs: maybe(v.array(Likely)) }));
const Logprobs = maybe(
  v.looseObject({
    content: maybe(v.array(Place)),
    token_logprobs: maybe(v.array(logprob)),
    top_logprobs: maybe(v.array(maybe(v.record(v.string(), logprob)))),
  }),
);
const Choice = v.looseObject({
  delta: v.optional(v.unknown()),
  message: v.optional(v.unknown()),
  text: v.optional(v.unknown()),
  finish_reason: v.optional(v.unknown()),
  stop_reason: text,
  matched_stop: text,
  token_ids: maybe(v.array(v.number())),
  logprobs: Logprobs,
  meta_info: maybe(v.looseObject({ spec_accept_token_num: count, spec_draft_token_num: count })),
});
const Event = v.looseObject({
  choices: v.nullish(v.array(v.nullable(Choice))),
  usage: maybe(
    v.looseObject({
      prompt_tokens: count,
      completion_tokens: count,
      prompt_tokens_details: maybe(v.looseObject({ cached_tokens: count })),
      completion_tokens_details: maybe(v.looseObject({ reasoning_tokens: count })),
      reasoning_tokens: count,
    }),
  ),
  timings: maybe(v.looseObject({ draft_n: count, draft_n_accepted: count })),
  metrics: maybe(v.looseObject({ speculative_decoding: maybe(v.looseObject({ num_draft_tokens: count, num_accepted_tokens: count })) })),
});
type EventOutput = v.InferOutput<typeof Event>;
type LogprobsOutput = v.InferOutput<typeof Logprobs>;

export const NOTHING: CompletionDelta = {
  text: '',
  reasoning: '',
  places: 0,
  tokenIds: [],
  logprobs: [],
  topLogprobs: [],
  topTokens: [],
  finish: undefined,
  stop: undefined,
  usage: undefined,
  drafts: undefined,
};

/**
 * Reads one event of `/chat/completions` or `/completions`, streamed or whole.
 *
 * @throws {ServerError} where the server tells of a failure, or where its text cannot be read.
 * @throws {ContextLengthError} where that is the failure.
 */
export function readDelta(value: unknown, redact: Redact): CompletionDelta {
  // Some gateways put the event into a list.
  const event = Array.isArray(value) ? (value[0] as unknown) : value;
  // Signs of life: `null`, a word, a figure.
  if (!isRecord(event)) return NOTHING;
  const failure = errorOfEvent(event);
  if (failure !== undefined) throw errorInStream(failure, redact);
  const result = v.safeParse(Event, event);
  if (!result.success) throw unreadable(v.getDotPath(result.issues[0]) ?? '', redact(result.issues[0].message));
  const { choices, usage } = result.output;
  const told = { usage: readUsage(usage), drafts: readDrafts(result.output) };
  const choice = choices?.find((one) => one !== null) ?? undefined;
  if (!choice) return { ...NOTHING, ...told };
  const said = readContent(choice);
  const tokenIds = choice.token_ids ?? [];
  const likelihoods = readLogprobs(choice.logprobs);
  return {
    ...said,
    places: Math.max(tokenIds.length, likelihoods.logprobs.length),
    tokenIds,
    ...likelihoods,
    finish: readFinish(choice.finish_reason),
    stop: choice.stop_reason ?? choice.matched_stop ?? matchedOf(choice.finish_reason),
    ...told,
  };
}

function unreadable(path: string, why: string): ServerError {
  return new ServerError('protocol', `The server sent an event of another form than expected at \`${path}\`: ${why}.`, { isRetryable: true });
}

/** SGLang's own interface tells the stop string with the reason. */
function matchedOf(finish: unknown): string | undefined {
  const matched = isRecord(finish) ? finish['matched'] : undefined;
  return typeof matched === 'string' ? matched : undefined;
}

/** @throws {ServerError} where the text is there and cannot be read. */
function readContent({ delta, message: whole, text: completion }: v.InferOutput<typeof Choice>): Pick<CompletionDelta, 'text' | 'reasoning'> {
  const message = [delta, whole].find(isRecord);
  const plain = [completion, delta, whole].find((one) => typeof one === 'string');
  const content = message?.['content'] ?? plain ?? '';
  let said = '';
  let thought = '';
  for (const part of [content].flat()) {
    if (part === null) continue;
    if (typeof part === 'string') said += part;
    else if (!isRecord(part)) throw unreadable('choices.0', `expected text, received a value of type ${typeof part}`);
    else if (isThought(part)) thought += wordsOf(part);
    else said += wordsOf(part);
  }
  // Some servers send the same thought under two names.
  const names = ['reasoning', 'reasoning_content', 'thinking', 'reasoning_details'];
  const apart = names.map((name) => wordsOf(message?.[name])).find((words) => words !== '') ?? '';
  return { text: said, reasoning: thought + apart };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isThought({ type, thinking, reasoning }: Readonly<Record<string, unknown>>): boolean {
  return thinking !== undefined || reasoning !== undefined || (typeof type === 'string' && /think|reason|thought/i.test(type));
}

/** The words in a text, in a part, or in a list of either; none in anything else. */
function wordsOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(wordsOf).join('');
  if (!isRecord(value)) return '';
  const { text: words, thinking, reasoning, content, summary, value: inner } = value;
  return wordsOf(words ?? thinking ?? reasoning ?? content ?? summary ?? inner);
}

type LikelyToken = readonly [token: string, logprob: number];

function readLogprobs(logprobs: LogprobsOutput): Pick<CompletionDelta, 'logprobs' | 'topLogprobs' | 'topTokens'> {
  if (logprobs?.content) {
    return {
      logprobs: logprobs.content.map((place) => place?.logprob),
      ...readTop(logprobs.content.map((place) => (place?.top_logprobs ?? []).map((likely) => [likely?.token ?? '', likely?.logprob] as const))),
    };
  }
  return {
    logprobs: logprobs?.token_logprobs ?? [],
    ...readTop((logprobs?.top_logprobs ?? []).map((place) => Object.entries(place ?? {}))),
  };
}

function readTop(places: readonly (readonly (readonly [string, number | undefined])[])[]): Pick<CompletionDelta, 'topLogprobs' | 'topTokens'> {
  const sorted = places.map((place) => place.filter((likely): likely is LikelyToken => likely[1] !== undefined).sort(([, left], [, right]) => right - left));
  return {
    topLogprobs: sorted.map((place) => place.map(([, value]) => value)),
    topTokens: sorted.map((place) => place.flatMap(([token]) => idOf(token) ?? [])),
  };
}

/** Servers that are asked for ids in place of texts write them so. */
function idOf(token: string): number | undefined {
  const [, id] = /^token_id:(\d+)$/.exec(token) ?? [];
  return id === undefined ? undefined : Number(id);
}

function readUsage(usage: EventOutput['usage']): CompletionUsage | undefined {
  if (!usage) return undefined;
  return {
    promptTokens: usage.prompt_tokens,
    completionTokens: usage.completion_tokens,
    cachedPromptTokens: usage.prompt_tokens_details?.cached_tokens,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? usage.reasoning_tokens,
  };
}

function readDrafts({ timings, metrics, choices }: EventOutput): Drafts | undefined {
  const speculative = metrics?.speculative_decoding;
  const meta = choices?.[0]?.meta_info;
  const proposed = timings?.draft_n ?? speculative?.num_draft_tokens ?? meta?.spec_draft_token_num;
  const accepted = timings?.draft_n_accepted ?? speculative?.num_accepted_tokens ?? meta?.spec_accept_token_num;
  if (proposed === undefined || accepted === undefined) return undefined;
  return { proposed, accepted: Math.min(accepted, proposed) };
}

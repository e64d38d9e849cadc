import * as v from 'valibot';
import { ServerError } from '../errors.ts';
import { errorInStream } from './server-errors.ts';
import type { Redact } from './read-events.ts';

/** What one event of a completion brought. */
export interface CompletionDelta {
  readonly text: string;
  /** Thoughts that the server keeps apart from the text. */
  readonly reasoning: string;
  /** One for each token of `text`, where the server tells. */
  readonly tokenIds: readonly number[];
  readonly logprobs: readonly number[];
  readonly topLogprobs: readonly (readonly number[])[];
  /** Of the same tokens, where the server tells ids; one list a place, empty where it does not. */
  readonly topTokens: readonly (readonly number[])[];
  /** Why the server ended, as it says. */
  readonly finish: string | undefined;
  /** The stop string that ended it, where the server tells. */
  readonly stop: string | undefined;
  readonly usage: CompletionUsage | undefined;
  readonly drafts: Drafts | undefined;
}

export interface CompletionUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedPromptTokens: number;
  /** `undefined` where the server does not tell them apart. */
  readonly reasoningTokens: number | undefined;
}

/** Drafted tokens of a request. */
export interface Drafts {
  readonly proposed: number;
  readonly accepted: number;
}

const text = v.nullish(v.string());
const count = v.nullish(v.number());
const Message = v.nullish(v.looseObject({ content: text, reasoning: text, reasoning_content: text, thinking: text }));
const Place = v.looseObject({ logprob: v.number(), top_logprobs: v.nullish(v.array(v.looseObject({ token: text, logprob: v.number() }))) });
const Logprobs = v.nullish(
  v.looseObject({
    content: v.nullish(v.array(Place)),
    token_logprobs: v.nullish(v.array(v.nullable(v.number()))),
    top_logprobs: v.nullish(v.array(v.nullish(v.record(v.string(), v.number())))),
  }),
);
const Choice = v.looseObject({
  delta: Message,
  message: Message,
  text,
  finish_reason: text,
  stop_reason: v.nullish(v.union([v.string(), v.number()])),
  matched_stop: v.nullish(v.union([v.string(), v.number()])),
  token_ids: v.nullish(v.array(v.number())),
  logprobs: Logprobs,
  meta_info: v.nullish(v.looseObject({ spec_verify_ct: count, spec_accept_token_num: count, spec_draft_token_num: count })),
});
const Event = v.looseObject({
  error: v.optional(v.unknown()),
  choices: v.nullish(v.array(Choice)),
  usage: v.nullish(
    v.looseObject({
      prompt_tokens: count,
      completion_tokens: count,
      prompt_tokens_details: v.nullish(v.looseObject({ cached_tokens: count })),
      completion_tokens_details: v.nullish(v.looseObject({ reasoning_tokens: count })),
      reasoning_tokens: count,
    }),
  ),
  timings: v.nullish(v.looseObject({ draft_n: count, draft_n_accepted: count })),
  metrics: v.nullish(v.looseObject({ speculative_decoding: v.nullish(v.looseObject({ num_draft_tokens: count, num_accepted_tokens: count })) })),
});
type EventOutput = v.InferOutput<typeof Event>;
type LogprobsOutput = v.InferOutput<typeof Logprobs>;

/** Reads one event of `/chat/completions` or `/completions`, streamed or whole. @throws {ServerError} */
export function readDelta(value: unknown, redact: Redact): CompletionDelta {
  const result = v.safeParse(Event, value);
  if (!result.success) {
    const [issue] = result.issues;
    throw new ServerError('protocol', `The server sent an event of another form than expected at \`${v.getDotPath(issue) ?? ''}\`: ${redact(issue.message)}.`, {
      isRetryable: true,
    });
  }
  const event = result.output;
  if (event.error !== undefined && event.error !== null) throw errorInStream(event.error, redact);
  const choice = event.choices?.[0];
  const message = choice?.delta ?? choice?.message;
  const stop = choice?.stop_reason ?? choice?.matched_stop;
  return {
    text: message?.content ?? choice?.text ?? '',
    reasoning: message?.reasoning ?? message?.reasoning_content ?? message?.thinking ?? '',
    tokenIds: choice?.token_ids ?? [],
    ...readLogprobs(choice?.logprobs),
    finish: choice?.finish_reason ?? undefined,
    stop: typeof stop === 'string' ? stop : undefined,
    usage: readUsage(event.usage),
    drafts: readDrafts(event),
  };
}

type LikelyToken = readonly [token: string, logprob: number];

function readLogprobs(logprobs: LogprobsOutput): Pick<CompletionDelta, 'logprobs' | 'topLogprobs' | 'topTokens'> {
  if (logprobs?.content) {
    return {
      logprobs: logprobs.content.map(({ logprob }) => logprob),
      ...readTop(logprobs.content.map((place) => (place.top_logprobs ?? []).map(({ token, logprob }) => [token ?? '', logprob] as const))),
    };
  }
  return {
    // Only the first token of an echo has none.
    logprobs: (logprobs?.token_logprobs ?? []).map((logprob) => logprob ?? 0),
    ...readTop((logprobs?.top_logprobs ?? []).map((place) => Object.entries(place ?? {}))),
  };
}

function readTop(places: readonly (readonly LikelyToken[])[]): Pick<CompletionDelta, 'topLogprobs' | 'topTokens'> {
  const sorted = places.map((place) => [...place].sort(([, left], [, right]) => right - left));
  return {
    topLogprobs: sorted.map((place) => place.map(([, logprob]) => logprob)),
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
    promptTokens: usage.prompt_tokens ?? 0,
    completionTokens: usage.completion_tokens ?? 0,
    cachedPromptTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? usage.reasoning_tokens ?? undefined,
  };
}

function readDrafts({ timings, metrics, choices }: EventOutput): Drafts | undefined {
  const speculative = metrics?.speculative_decoding;
  const meta = choices?.[0]?.meta_info;
  const proposed = timings?.draft_n ?? speculative?.num_draft_tokens ?? meta?.spec_draft_token_num;
  const accepted = timings?.draft_n_accepted ?? speculative?.num_accepted_tokens ?? meta?.spec_accept_token_num;
  if (typeof proposed !== 'number' || typeof accepted !== 'number') return undefined;
  return { proposed, accepted: Math.min(accepted, proposed) };
}

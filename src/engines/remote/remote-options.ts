import * as v from 'valibot';
import { DEFAULT_SAMPLING, samplingSchema, type Sampling } from '../../maths/sampling.ts';
import {
  flag,
  number,
  numberOrInfinity,
  oneOf,
  optionsSchema,
  plainObject,
  readOptions,
  value,
  wholeNumber,
  type OptionsOf,
  type SettingsOf,
} from '../../option-schemas.ts';
import { DIALECTS, type ServerName } from '../../servers/dialects.ts';
import { serverEntries } from '../../servers/server-client.ts';
import { serverDraftEntries, type ServerDraftOptions } from './request-body.ts';

/** When a request that is slow to begin is sent a second time. The faster one counts, the other is ended. */
export const hedgeEntries = {
  /** Milliseconds without a first token. At least 0. @default what `quantile` of earlier requests took */
  afterMs: v.optional(number(0)),
  /** Of the times of earlier requests. In (0, 1]. @default 0.95 */
  quantile: v.optional(number(Number.MIN_VALUE, 1), 0.95),
  /** Most hedges as a share of all requests, at least one. In (0, 1]. @default 0.1 */
  atMostShare: v.optional(number(Number.MIN_VALUE, 1), 0.1),
};

export interface HedgeOptions extends OptionsOf<typeof hedgeEntries> {}

const thinkingEntries = {
  /** Most tokens of thoughts. Whole number ≥ 0. */
  maxTokens: v.optional(wholeNumber()),
  /** How much a model thinks, where a server has levels. */
  effort: v.optional(oneOf(['low', 'medium', 'high'])),
};

export interface ThinkingOptions extends OptionsOf<typeof thinkingEntries> {}

const hedgeSchema: v.GenericSchema<HedgeOptions, SettingsOf<typeof hedgeEntries>> = /* @__PURE__ */ optionsSchema(hedgeEntries);
const thinkingSchema: v.GenericSchema<ThinkingOptions> = /* @__PURE__ */ optionsSchema(thinkingEntries);
const draftsSchema: v.GenericSchema<ServerDraftOptions> = /* @__PURE__ */ optionsSchema(serverDraftEntries);

/** Of whatever answers requests as a server does. */
export const requestEntries = {
  /** How tokens are chosen where a session does not say. @default the server's own way */
  sampling: v.optional(samplingSchema, {}),
  /** Most tokens of prompt and text together. Whole number ≥ 2. @default what the server says, where it does */
  contextTokens: v.optional(wholeNumber(2)),
  /** Most tokens of a request where neither the call nor the context limits it. Whole number ≥ 1. @default the server's own limit; 4096 after plain text, where servers stop after a few */
  maxTokens: v.optional(wholeNumber(1)),
  /** Requests open at once; further branches wait. Fewer where the server says that it handles fewer, or turns out to. Whole number ≥ 1. @default 64 */
  maxConcurrency: v.optional(wholeNumber(1), 64),
  /** Times a request that failed is sent again, while there is time. Whole number ≥ 0. @default 3 */
  maxRetries: v.optional(wholeNumber(), 3),
  /** Milliseconds until a request's first token; less where the deadline is near: half of what is left, so that there is time for another try. Above 0. @default 60_000 */
  firstTokenTimeoutMs: v.optional(numberOrInfinity(Number.MIN_VALUE), 60_000),
  /** Milliseconds between two events of an answer. Above 0. @default 30_000 */
  stallTimeoutMs: v.optional(numberOrInfinity(Number.MIN_VALUE), 30_000),
  /** Whether a request that is slow to begin is sent a second time; `true` for the defaults. @default false */
  hedge: v.optional(v.union([flag, hedgeSchema], 'true, false or an object'), false),
};

export const openaiCompatibleEntries = {
  ...serverEntries,
  /** The model as the server names it. */
  model: value<string>('the name of a model', (given) => typeof given === 'string' && given !== ''),
  /** Which server it is. @default found out by asking it */
  server: v.optional(oneOf(Object.keys(DIALECTS) as ServerName[])),
  ...requestEntries,
  /**
   * Whether the first branch of a prompt leads and the others start at its first token, so that the server reads the prompt
   * once and not once for each. @default true for servers that share what they have read: vLLM, SGLang, llama.cpp
   */
  leadRequest: v.optional(flag),
  /** Whether log-probabilities are asked for where the server has them. @default true */
  logprobs: v.optional(flag, true),
  /** Milliseconds to reach the server and ask what it is. Above 0. @default 10_000 */
  connectTimeoutMs: v.optional(numberOrInfinity(Number.MIN_VALUE), 10_000),
  /**
   * How long a model may think where the server lets a request say: no more than `maxTokens`, or with an effort. A deadline and a
   * limit of tokens leave a quarter for the answer once the model is known to think, which `{}` says beforehand.
   */
  thinking: v.optional(thinkingSchema),
  /** Length of the server's drafts, where it lets requests say. */
  drafts: v.optional(draftsSchema),
  /** Further fields of every request, over those made here. @default {} */
  extraBody: v.optional(plainObject<Readonly<Record<string, unknown>>>(), {}),
};

export interface OpenAICompatibleOptions extends OptionsOf<typeof openaiCompatibleEntries> {}

export type ResolvedRemoteOptions = Omit<SettingsOf<typeof openaiCompatibleEntries>, 'hedge' | 'sampling'> & {
  readonly sampling: Sampling;
  readonly hedge: SettingsOf<typeof hedgeEntries> | undefined;
};

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveRemoteOptions(options: OpenAICompatibleOptions): ResolvedRemoteOptions {
  const { hedge, sampling, ...settings } = readOptions(openaiCompatibleEntries, options);
  const hedging = hedge === true ? readOptions(hedgeEntries, {}) : hedge;
  return { ...settings, sampling: { ...DEFAULT_SAMPLING, ...sampling }, hedge: hedging === false ? undefined : hedging };
}

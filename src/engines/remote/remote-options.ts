import type { SamplingOptions } from '../../contracts/engine.ts';
import { InvalidOptionError } from '../../errors.ts';
import { resolveSampling, type Sampling } from '../../maths/sampling.ts';
import { requireNumber, requireWholeNumber } from '../../options.ts';
import { DIALECTS, type ServerName } from '../../servers/dialects.ts';
import type { ServerOptions } from '../../servers/server-client.ts';
import type { ServerDraftOptions } from './request-body.ts';

/** When a request that is slow to begin is sent a second time. The faster one counts, the other is ended. */
export interface HedgeOptions {
  /** Milliseconds without a first token. @default what `quantile` of earlier requests took */
  readonly afterMs?: number;
  /** In (0, 1). @default 0.95 */
  readonly quantile?: number;
  /** Most hedges as a share of all requests, at least one. In (0, 1]. @default 0.1 */
  readonly atMostShare?: number;
}

export interface OpenAICompatibleOptions extends ServerOptions {
  /** The model as the server names it. */
  readonly model: string;
  /** Which server it is. @default found out by asking it */
  readonly server?: ServerName;
  /** How tokens are chosen where a session does not say. */
  readonly sampling?: SamplingOptions;
  /** Most tokens of prompt and text together. @default what the server says, where it does */
  readonly contextTokens?: number;
  /** Most tokens of a request where neither the call nor the context limits it. @default the server's own limit; 4096 behind plain text, where servers stop after a few */
  readonly maxTokens?: number;
  /** Requests open at once; further branches wait. Fewer where the server says that it handles fewer, or turns out to. @default 64 */
  readonly maxConcurrency?: number;
  /**
   * Whether the first branch of a prompt leads and the others start at its first token, so that the server reads the prompt
   * once and not once for each. @default true for servers that share what they have read: vLLM, SGLang, llama.cpp
   */
  readonly leadRequest?: boolean;
  /** Whether log-probabilities are asked for where the server has them. @default true */
  readonly logprobs?: boolean;
  /** Times a request that failed is sent again, while there is time. @default 3 */
  readonly maxRetries?: number;
  /** Milliseconds to reach the server and ask what it is. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until a request's first token; less where the deadline is near: half of what is left, so that there is time for another try. @default 60_000 */
  readonly firstTokenTimeoutMs?: number;
  /** Milliseconds between two events of an answer. @default 30_000 */
  readonly stallTimeoutMs?: number;
  /** `true` for the defaults. @default false */
  readonly hedge?: boolean | HedgeOptions;
  /**
   * How long a model may think where the server lets a request say: no more than `maxTokens`, or with an effort. A deadline and a
   * limit of tokens leave a quarter for the answer once the model is known to think, which `{}` says beforehand.
   */
  readonly thinking?: { readonly maxTokens?: number; readonly effort?: 'low' | 'medium' | 'high' };
  /** Length of the server's drafts, where it lets requests say. */
  readonly drafts?: ServerDraftOptions;
  /** Further fields of every request, over those made here. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}

type Defaulted = 'maxConcurrency' | 'logprobs' | 'maxRetries' | 'connectTimeoutMs' | 'firstTokenTimeoutMs' | 'stallTimeoutMs' | 'extraBody';

export interface ResolvedRemoteOptions
  extends Omit<OpenAICompatibleOptions, Defaulted | 'hedge' | 'sampling'>, Required<Pick<OpenAICompatibleOptions, Defaulted>> {
  readonly sampling: Sampling;
  readonly hedge: { readonly afterMs: number | undefined; readonly quantile: number; readonly atMostShare: number } | undefined;
}

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveRemoteOptions(options: OpenAICompatibleOptions): ResolvedRemoteOptions {
  const { model, server, contextTokens, maxTokens, drafts = {}, thinking = {} } = options;
  if (typeof model !== 'string' || model === '') throw new InvalidOptionError('model', 'the name of a model', model);
  if (server !== undefined && !Object.hasOwn(DIALECTS, server)) {
    throw new InvalidOptionError('server', `one of ${Object.keys(DIALECTS).join(', ')}`, server, 'Leave it out to have the server asked.');
  }
  const { maxConcurrency = 64, maxRetries = 3, connectTimeoutMs = 10_000, firstTokenTimeoutMs = 60_000, stallTimeoutMs = 30_000 } = options;
  requireWholeNumber('maxConcurrency', maxConcurrency, 1);
  requireWholeNumber('maxRetries', maxRetries);
  if (contextTokens !== undefined) requireWholeNumber('contextTokens', contextTokens, 2);
  if (maxTokens !== undefined) requireWholeNumber('maxTokens', maxTokens, 1);
  for (const [name, value] of Object.entries({ connectTimeoutMs, firstTokenTimeoutMs, stallTimeoutMs })) {
    if (value !== Infinity) requireNumber(name, value, Number.MIN_VALUE);
  }
  if (thinking.maxTokens !== undefined) requireWholeNumber('thinking.maxTokens', thinking.maxTokens);
  if (thinking.effort !== undefined && !['low', 'medium', 'high'].includes(thinking.effort)) {
    throw new InvalidOptionError('thinking.effort', "'low', 'medium' or 'high'", thinking.effort);
  }
  if (drafts.maxTokens !== undefined) requireWholeNumber('drafts.maxTokens', drafts.maxTokens);
  if (drafts.minTokens !== undefined) requireWholeNumber('drafts.minTokens', drafts.minTokens);
  if (drafts.minProbability !== undefined) requireNumber('drafts.minProbability', drafts.minProbability, 0, 1);
  return {
    ...options,
    sampling: resolveSampling(options.sampling),
    hedge: resolveHedge(options.hedge ?? false),
    maxConcurrency,
    maxRetries,
    connectTimeoutMs,
    firstTokenTimeoutMs,
    stallTimeoutMs,
    logprobs: options.logprobs ?? true,
    extraBody: options.extraBody ?? {},
  };
}

function resolveHedge(hedge: boolean | HedgeOptions): ResolvedRemoteOptions['hedge'] {
  if (hedge === false) return undefined;
  const { afterMs, quantile = 0.95, atMostShare = 0.1 } = hedge === true ? {} : hedge;
  if (afterMs !== undefined) requireNumber('hedge.afterMs', afterMs, 0);
  requireNumber('hedge.quantile', quantile, Number.MIN_VALUE, 1);
  requireNumber('hedge.atMostShare', atMostShare, Number.MIN_VALUE, 1);
  return { afterMs, quantile, atMostShare };
}

import type { Clock } from '../../contracts/clock.ts';
import type { EngineCapabilities } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { DisposedError } from '../../errors.ts';
import { ServerError } from '../../errors.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { within } from '../../runtime/wait-until.ts';
import { countText, estimateTokens, isPlainText } from '../../servers/count-tokens.ts';
import { detectServer } from '../../servers/detect-server.ts';
import { DIALECTS, type Dialect } from '../../servers/dialects.ts';
import { tryMs } from '../../servers/retries.ts';
import { ServerClient } from '../../servers/server-client.ts';
import { EndpointLatency } from './endpoint-latency.ts';
import type { ResolvedRemoteOptions } from './remote-options.ts';
import type { OptionalField, ServerDraftOptions, ThinkingBudget } from './request-body.ts';
import { RequestQueue } from './request-queue.ts';
import type { Writing } from './writing.ts';

/** Completions without a limit end after 16 tokens on many servers. */
const FALLBACK_MAX_TOKENS = 4_096;

/** Fields that a server may refuse, and what is then left out. */
const OPTIONAL_FIELDS: Readonly<Record<string, OptionalField>> = {
  logprobs: 'logprobs',
  top_logprobs: 'logprobs',
  stream_options: 'usage',
  include_usage: 'usage',
  continuous_usage_stats: 'usage',
  return_token_ids: 'token-ids',
  return_tokens_as_token_ids: 'token-ids',
  seed: 'seed',
  temperature: 'sampling',
  top_p: 'sampling',
  max_tokens: 'max_tokens',
  max_completion_tokens: 'max_completion_tokens',
  thinking_token_budget: 'thinking',
  reasoning_budget_tokens: 'thinking',
  reasoning_effort: 'thinking',
  reasoning: 'thinking',
};
/** Milliseconds that a forced text is counted for, and how many texts are remembered. */
const FORCED_COUNT_MS = 300;
const MOST_FORCED_COUNTS = 64;
/** Of the time that is left, what a model may think; the rest is for the answer. */
const THINKING_SHARE = 0.75;
/** Tokens of thought that OpenAI's efforts come to, by and large. */
const LOW_EFFORT = 1_024;
const MEDIUM_EFFORT = 8_192;

/** What answers requests in place of a server that is asked over HTTP. */
export interface RemoteService {
  readonly client: ServerClient;
  readonly dialect: Dialect;
}

/** One server as an engine uses it: what it is, what it takes, how fast it is, and how many requests may be open. */
export class RemoteHost {
  readonly client: ServerClient;
  readonly latency = new EndpointLatency();
  readonly queue: RequestQueue;
  /** What the server has turned out not to take. */
  readonly without = new Set<OptionalField>();
  readonly #options: ResolvedRemoteOptions;
  readonly #life = new AbortScope();
  #dialect: Dialect;
  #contextTokens: number | undefined;
  #detection: Promise<void> | undefined;
  #requestCount = 0;
  #hedgeCount = 0;
  #givesLogprobs = true;
  #givesTokenIds = true;
  #namesLikeliest = true;
  #countsExactly = true;
  readonly #forcedCounts = new Map<string, Promise<number | undefined>>();
  #thinksApart = false;
  #opensThought = false;
  #disposed: DisposedError | undefined;

  /** @param service - Which needs no finding out. @default the server that the options name */
  constructor(options: ResolvedRemoteOptions, service?: RemoteService) {
    this.client = service?.client ?? new ServerClient(options);
    this.#options = options;
    this.#dialect = service?.dialect ?? DIALECTS[options.server ?? 'other'];
    if (service) this.#detection = Promise.resolve();
    this.#contextTokens = options.contextTokens;
    this.queue = new RequestQueue(options.maxConcurrency);
  }

  get model(): string {
    return this.#options.model;
  }

  get dialect(): Dialect {
    return this.#dialect;
  }

  get contextTokens(): number | undefined {
    return this.#contextTokens;
  }

  get maxTokens(): number | undefined {
    return this.#options.maxTokens;
  }

  get maxRetries(): number {
    return this.#options.maxRetries;
  }

  get stallMs(): number {
    return this.#options.stallTimeoutMs;
  }

  get drafts(): ServerDraftOptions | undefined {
    return this.#options.drafts;
  }

  get extraBody(): Readonly<Record<string, unknown>> {
    return this.#options.extraBody;
  }

  get wantsLogprobs(): boolean {
    return this.#options.logprobs;
  }

  get capabilities(): EngineCapabilities {
    const { topLogprobs, tokensAsIdsField, tokenIdsField } = this.#dialect;
    const hasLogprobs = this.#options.logprobs && this.#dialect.hasLogprobs && this.#givesLogprobs && !this.without.has('logprobs');
    return {
      tokenIds: tokenIdsField !== undefined && this.#givesTokenIds && !this.without.has('token-ids'),
      logprobs: hasLogprobs,
      topLogprobs: hasLogprobs ? topLogprobs : 0,
      topTokens: hasLogprobs && tokensAsIdsField !== undefined && this.#namesLikeliest && !this.without.has('token-ids'),
      selfCertainty: false,
      tokenCounts: this.#countsExactly && !this.without.has('usage') ? 'exact' : 'estimated',
    };
  }

  requireOpen(): void {
    if (this.#disposed) throw this.#disposed;
  }

  close(error: DisposedError): void {
    this.#disposed ??= error;
    this.#life.end(error);
  }

  /** Aborted when the engine is disposed. */
  get life(): AbortSignal {
    return this.#life.signal;
  }

  /** Finds out which server this is, once for all who ask. @throws {ServerError} */
  async detect(clock: Clock): Promise<void> {
    this.#detection ??= this.#detect();
    try {
      await within(clock, this.#options.connectTimeoutMs, this.#detection, tooSlow);
    } catch (error) {
      this.#detection = undefined;
      throw error;
    }
  }

  /** Whether one request of a prompt leads, and the others start once the server has read it. */
  get hasLead(): boolean {
    return !this.queue.isSerial && (this.#options.leadRequest ?? this.#dialect.sharesPrefixes);
  }

  /** Whether stop strings are sent. A server that keeps thoughts apart looks for them in the thoughts too, and ends there. */
  get sendsStop(): boolean {
    return this.#dialect.keepStopField !== undefined && !this.#thinksApart;
  }

  /** Whether texts begin within a thought: the chat template has opened it, and no parser takes it out of the text. */
  get opensThought(): boolean {
    return this.#opensThought;
  }

  /** Looks at a text from its beginning: one that closes a thought without having opened it tells of the template. */
  noticeText(text: string): void {
    const end = text.indexOf('</think>');
    if (end >= 0 && !text.slice(0, end).includes('<think>')) this.#opensThought = true;
  }

  /** A rejection has told how much the model holds. */
  learnContext(tokens: number): void {
    this.#contextTokens = Math.min(this.#contextTokens ?? Infinity, tokens);
  }

  /** The model thinks, and the server keeps that apart. */
  noticeThoughts(): void {
    this.#thinksApart = true;
  }

  /**
   * How long a model that thinks may do so, so that its answer comes in time and within its limit.
   *
   * @param most - Tokens of thoughts and text together.
   */
  thinking(leftMs: number, most: number): ThinkingBudget | undefined {
    const { thinking } = this.#options;
    if (!this.#thinksApart && !thinking) return undefined;
    const tokenMs = this.latency.openTokenMs ?? this.latency.tokenMs(this.queue.openCount + 1);
    const inTime = tokenMs === undefined || leftMs === Infinity ? Infinity : leftMs / tokenMs;
    const budget = Math.max(0, Math.min(thinking?.maxTokens ?? Infinity, Math.floor(THINKING_SHARE * Math.min(inTime, most))));
    if (budget === Infinity) return thinking?.effort && { maxTokens: undefined, effort: thinking.effort };
    const effort = budget < LOW_EFFORT ? 'low' : budget < MEDIUM_EFFORT ? 'medium' : 'high';
    return { maxTokens: budget, effort: thinking?.effort ?? effort };
  }

  /** Milliseconds that others wait for the request that leads: on a server not known yet no longer than costs little. */
  leadMs(leftMs: number): number {
    const usualMs = this.latency.firstTokenMs();
    return Math.min(this.#options.firstTokenTimeoutMs, usualMs === undefined ? leftMs / 8 : Math.min(leftMs / 2, 2 * usualMs));
  }

  /** Milliseconds that a request has to begin; the last try may take all there are. */
  firstTokenMs(leftMs: number, attempt: number): number {
    const { firstTokenTimeoutMs: timeoutMs } = this.#options;
    return tryMs({ timeoutMs, leftMs, usualMs: this.latency.firstTokenMs(), isLast: attempt >= this.maxRetries });
  }

  /**
   * Milliseconds to keep free for a further request that writes this many tokens, by what is known now: how the open requests
   * are getting on, else how earlier ones did. Where not all can be open at once, those that wait need their time as well.
   */
  reserveMs(steps: number): number {
    if (steps === 0) return 0;
    const tokenMs = this.latency.openTokenMs ?? this.latency.tokenMs(this.queue.openCount) ?? 0;
    return this.queue.turns * (steps * tokenMs + (this.latency.firstTokenMs() ?? 0));
  }

  hedgeMs(): number {
    const { hedge } = this.#options;
    // A second request breaks the first one off where there is room for one.
    if (!hedge || this.queue.isSerial) return Infinity;
    return hedge.afterMs ?? this.latency.firstTokenMs(hedge.quantile) ?? Infinity;
  }

  /** Hedges are for stragglers: where all are slow, twice the requests make it worse. */
  takeHedge(): boolean {
    const { hedge } = this.#options;
    if (!hedge || this.#hedgeCount + 1 > Math.max(1, hedge.atMostShare * this.#requestCount)) return false;
    this.#hedgeCount++;
    return true;
  }

  countRequest(): void {
    this.#requestCount++;
  }

  /**
   * Tokens of a forced text: as the server counts them, else an estimate. Counted once for all branches, and not waited for long:
   * texts are forced when time is short, and a server whose connections are all taken answers nobody else.
   */
  async countForced(text: string, clock: Clock): Promise<number> {
    let counting = this.#forcedCounts.get(text);
    if (!counting) {
      if (this.#forcedCounts.size >= MOST_FORCED_COUNTS) this.#forcedCounts.clear();
      const counted = countText(this.client, this.#dialect, this.model, text, false, this.life);
      counting = within(clock, FORCED_COUNT_MS, counted, tooSlow).catch(() => undefined);
      this.#forcedCounts.set(text, counting);
    }
    const count = await counting;
    if (count === undefined) this.#countsExactly = false;
    return count ?? estimateTokens(text);
  }

  fallbackMaxTokens(prompt: Prompt): number | undefined {
    return isPlainText(prompt) ? FALLBACK_MAX_TOKENS : undefined;
  }

  /**
   * Whether an error says that the server does not take a field that can be done without; it is then left out for good.
   *
   * @param sentWithout - What the request that failed had left out already.
   */
  takesLess(error: unknown, sentWithout: ReadonlySet<OptionalField>): boolean {
    if (!(error instanceof ServerError) || error.refusedField === undefined) return false;
    const field = OPTIONAL_FIELDS[error.refusedField];
    if (field === undefined || sentWithout.has(field)) return false;
    this.without.add(field);
    return true;
  }

  /** Looks at what a finished request has brought of what it was asked for. */
  learn(writing: Writing): void {
    const { tokenIds, logprobs, namesLikeliest, isExact, pieces } = writing.told();
    if (pieces === 0) return;
    this.#givesTokenIds &&= tokenIds > 0;
    this.#givesLogprobs &&= logprobs > 0 || !this.#options.logprobs;
    this.#namesLikeliest &&= namesLikeliest;
    this.#countsExactly &&= isExact;
  }

  async #detect(): Promise<void> {
    const { dialect, contextTokens, slots } = await detectServer(this.client, this.model, this.#options, this.#life.signal);
    this.#dialect = dialect;
    this.#contextTokens = contextTokens;
    if (slots !== undefined) this.queue.limitTo(slots);
  }
}

function tooSlow(): ServerError {
  return new ServerError('timeout', 'The server did not answer in time when it was asked what it is. Is it up, and is the base URL right?', {
    isRetryable: true,
  });
}

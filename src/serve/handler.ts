/**
 * Models behind an OpenAI-compatible HTTP interface: a function from `Request` to `Response`, for every runtime that has them.
 *
 * @module
 */
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Clock } from '../contracts/clock.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireNumber, requireWholeNumber, requireKnownNames } from '../options.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { Admission, type Load } from './admission.ts';
import { ApiError, toApiError } from './api-error.ts';
import { ApiKey } from './api-key.ts';
import { CompletionService, type ServeEnv } from './completion-service.ts';
import type { Endpoint } from './completion-task.ts';
import { LoopLag } from './loop-lag.ts';
import type { RequestRecord, ServeMetrics } from './metrics.ts';
import { modelBody } from './model-body.ts';
import { secondsOf } from './reply-body.ts';
import { ReplyReserve } from './reply-reserve.ts';
import { SINGLE, type ServedModel, type StrategyRegistry } from './served-model.ts';
import { ServiceTimes } from './service-times.ts';
import { standardStrategies } from './standard-strategies.ts';

export interface HandlerOptions {
  /** By the id that clients name. At least one. */
  readonly models: Readonly<Record<string, ServedModel>>;
  /** Requests carry it as `Authorization: Bearer …`. @default none is needed */
  readonly apiKey?: string;
  /** Requests worked on at once; a local engine decodes their branches together. Whole number ≥ 1. @default 4 */
  readonly maxRunning?: number;
  /** Requests that may wait for their turn. Whole number ≥ 0. @default 64 */
  readonly maxQueued?: number;
  /** Largest body of a request. Whole number ≥ 1. @default 1 MiB */
  readonly maxBodyBytes?: number;
  /** Most choices (`n`) of a request. Whole number ≥ 1. @default 16 */
  readonly maxChoices?: number;
  /** Most tokens of one branch, also for requests that name no number. Whole number ≥ 1. @default what the context holds */
  readonly maxTokens?: number;
  /** Milliseconds for requests without a deadline. Above 0. @default none */
  readonly defaultDeadlineMs?: number;
  /** Longest deadline; longer ones are cut to it. Above 0. @default none */
  readonly maxDeadlineMs?: number;
  /**
   * Milliseconds kept free before a deadline for the reply's way to the client, beside what replies were seen to be late and
   * what delays of this process take; at most half of the time together. At least 0. @default 5
   */
  readonly replyReserveMs?: number;
  /** Requests without a seed take this one, counted up by one each. Whole number ≥ 0. @default 0 */
  readonly seed?: number;
  readonly metrics?: ServeMetrics;
  /** Called with every request to a completion endpoint when it is over, for logs. Must not throw. */
  readonly onRequest?: (record: RequestRecord) => void;
  /** @default the system clock */
  readonly clock?: Clock;
  /** Makes the ids of replies. @default random UUIDs */
  readonly newId?: () => string;
}

export interface ServeHandler {
  /** Replies to a request. Never rejects. */
  fetch(request: Request): Promise<Response>;
  /** Loads every model and scorer. Until then `/health/ready` says no; requests wait for their model. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Requests that wait and that are worked on, now. */
  readonly load: Load;
  /**
   * Takes no further requests, lets those under way end, and cuts what is left after `graceMs`. Resolves when nothing is left.
   * Safe to call twice; a shorter grace of a later call counts.
   *
   * @param options.graceMs - Milliseconds. @default Infinity
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** @throws {InvalidOptionError} */
export function createHandler(options: HandlerOptions): ServeHandler {
  return new Handler(options);
}

const OPTIONS: Readonly<Record<keyof HandlerOptions, true>> = {
  models: true,
  apiKey: true,
  maxRunning: true,
  maxQueued: true,
  maxBodyBytes: true,
  maxChoices: true,
  maxTokens: true,
  defaultDeadlineMs: true,
  maxDeadlineMs: true,
  replyReserveMs: true,
  seed: true,
  metrics: true,
  onRequest: true,
  clock: true,
  newId: true,
};

const ENDPOINTS: readonly (readonly [path: string, endpoint: Endpoint])[] = [
  ['/v1/chat/completions', 'chat'],
  ['/v1/completions', 'completions'],
];

class Handler implements ServeHandler {
  readonly #options: HandlerOptions;
  readonly #models: Readonly<Record<string, ServedModel>>;
  readonly #clock: Clock;
  readonly #admission: Admission;
  readonly #service: CompletionService;
  readonly #key: ApiKey | undefined;
  readonly #app: Hono<ServeEnv>;
  readonly #createdAt: number;
  #isReady = false;

  constructor(options: HandlerOptions) {
    requireKnownNames(options, Object.keys(OPTIONS));
    const { clock = systemClock, maxRunning = 4, maxQueued = 64, maxBodyBytes = 2 ** 20, metrics } = options;
    checkOptions({ ...options, maxRunning, maxQueued, maxBodyBytes });
    this.#options = options;
    this.#clock = clock;
    this.#createdAt = secondsOf(clock);
    this.#models = withDefaults(options.models);
    this.#key = options.apiKey === undefined ? undefined : new ApiKey(options.apiKey);
    const times = new ServiceTimes(clock);
    const lag = new LoopLag(clock);
    this.#admission = new Admission({ clock, times, maxRunning, maxQueued, onLoad: (load) => metrics?.onLoad(load) });
    this.#service = new CompletionService({
      clock,
      times,
      admission: this.#admission,
      lag,
      reserve: new ReplyReserve(options.replyReserveMs ?? 5, lag),
      policy: {
        models: this.#models,
        maxChoices: options.maxChoices ?? 16,
        maxTokens: options.maxTokens,
        defaultDeadlineMs: options.defaultDeadlineMs ?? Infinity,
        maxDeadlineMs: options.maxDeadlineMs ?? Infinity,
      },
      seed: options.seed ?? 0,
      newId: options.newId ?? (() => crypto.randomUUID()),
      onRequest: (record) => {
        metrics?.onRequest(record);
        options.onRequest?.(record);
      },
    });
    this.#app = this.#routes(maxBodyBytes);
  }

  get load(): Load {
    return this.#admission.load;
  }

  async fetch(request: Request): Promise<Response> {
    return this.#app.fetch(request);
  }

  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const loads = Object.values(this.#models).flatMap(({ engine, scorer }) => [engine, scorer]);
    await Promise.all(loads.map(async (part) => part?.ready?.(options)));
    this.#isReady = true;
  }

  async close({ graceMs = Infinity }: { readonly graceMs?: number } = {}): Promise<void> {
    if (graceMs !== Infinity) requireNumber('graceMs', graceMs, 0);
    this.#admission.close();
    const ended = new AbortScope();
    const idle = this.#service.idle().then(() => ended.end());
    if (graceMs < Infinity) {
      await this.#clock.wait?.(graceMs, ended.signal);
      if (!ended.isOver) this.#service.cut(new ApiError(503, 'shutting_down', 'The server is shutting down and had no more time for this.'));
    }
    await idle;
  }

  #routes(maxBodyBytes: number): Hono<ServeEnv> {
    const app = new Hono<ServeEnv>();
    app.use(async (context, next) => {
      context.set('arrivedAt', this.#clock.now());
      await next();
      if (this.#admission.isClosed) context.header('connection', 'close');
    });
    app.get('/health', () => this.#health());
    app.get('/health/ready', () => this.#health());
    app.get('/health/live', () => Response.json({ status: 'ok' }));
    app.use(async (context, next) => {
      await this.#key?.check(context.req.raw.headers);
      await next();
    });
    app.get('/metrics', () => this.#metrics());
    app.get('/v1/models', () => Response.json({ object: 'list', data: Object.keys(this.#models).map((id) => this.#model(id)) }));
    app.get('/v1/models/:id{.+}', ({ req }) => Response.json(this.#model(req.param('id'))));
    const limit = bodyLimit({
      maxSize: maxBodyBytes,
      onError: () => {
        throw new ApiError(413, 'body_too_large', `The body of a request may have at most ${maxBodyBytes} bytes.`);
      },
    });
    for (const [path, endpoint] of ENDPOINTS) {
      app.post(path, limit, (context) => this.#service.reply(endpoint, context));
      app.all(path, () => {
        throw new ApiError(405, 'method_not_allowed', 'Use POST.');
      });
    }
    app.notFound(({ req }) => new ApiError(404, 'not_found', `There is no ${req.method} ${req.path} here.`).toResponse());
    app.onError((error, context) => this.#refuse(error, context));
    return app;
  }

  /** What fails before a request is read counts as a request all the same. */
  #refuse(error: unknown, context: Context<ServeEnv>): Response {
    const [, endpoint] = ENDPOINTS.find(([path]) => path === context.req.path) ?? [];
    return endpoint ? this.#service.refuse(endpoint, context, error) : toApiError(error).toResponse();
  }

  #health(): Response {
    const isReady = this.#isReady && !this.#admission.isClosed;
    const status = this.#admission.isClosed ? 'shutting_down' : isReady ? 'ok' : 'loading';
    return Response.json({ status, ready: isReady, ...this.load }, { status: isReady ? 200 : 503 });
  }

  async #metrics(): Promise<Response> {
    const { metrics } = this.#options;
    if (!metrics) throw new ApiError(404, 'not_found', 'This server keeps no metrics.');
    const { contentType, body } = await metrics.expose();
    return new Response(body, { headers: { 'content-type': contentType } });
  }

  /** @throws {ApiError} */
  #model(id: string): object {
    if (!Object.hasOwn(this.#models, id)) throw new ApiError(404, 'model_not_found', `There is no model \`${id}\` here.`, { param: 'model' });
    return modelBody(id, this.#models[id]!, this.#createdAt);
  }
}

function withDefaults(models: HandlerOptions['models']): Readonly<Record<string, ServedModel>> {
  return Object.fromEntries(Object.entries(models).map(([id, model]) => [id, { strategies: strategiesOf(model), ...model }]));
}

function strategiesOf({ scorer }: ServedModel): StrategyRegistry {
  return standardStrategies(scorer && { scorer });
}

function checkOptions(options: HandlerOptions & Required<Pick<HandlerOptions, 'maxRunning' | 'maxQueued' | 'maxBodyBytes'>>): void {
  const { models, apiKey, maxChoices, maxTokens, defaultDeadlineMs, maxDeadlineMs, replyReserveMs, seed } = options;
  requireWholeNumber('maxRunning', options.maxRunning, 1);
  requireWholeNumber('maxQueued', options.maxQueued);
  requireWholeNumber('maxBodyBytes', options.maxBodyBytes, 1);
  if (maxChoices !== undefined) requireWholeNumber('maxChoices', maxChoices, 1);
  if (maxTokens !== undefined) requireWholeNumber('maxTokens', maxTokens, 1);
  if (defaultDeadlineMs !== undefined) requireNumber('defaultDeadlineMs', defaultDeadlineMs, Number.MIN_VALUE);
  if (maxDeadlineMs !== undefined) requireNumber('maxDeadlineMs', maxDeadlineMs, Number.MIN_VALUE);
  if (replyReserveMs !== undefined) requireNumber('replyReserveMs', replyReserveMs, 0);
  if (seed !== undefined) requireWholeNumber('seed', seed);
  // The key itself is not told: errors are logged.
  if (apiKey !== undefined && (typeof apiKey !== 'string' || apiKey.trim() === '')) {
    throw new InvalidOptionError('apiKey', 'text that is not empty', typeof apiKey === 'string' ? '' : apiKey);
  }
  if (typeof models !== 'object' || models === null || Object.keys(models).length === 0) throw new InvalidOptionError('models', 'at least one model', models);
  for (const [id, model] of Object.entries(models)) {
    const { engine, strategies, defaultStrategy } = model;
    if (typeof engine?.open !== 'function') throw new InvalidOptionError(`models.${id}.engine`, 'an engine', engine);
    const name = defaultStrategy?.name ?? SINGLE;
    const names = [SINGLE, ...Object.keys(strategies ?? strategiesOf(model))];
    if (!names.includes(name)) throw new InvalidOptionError(`models.${id}.defaultStrategy.name`, `one of ${names.join(', ')}`, name);
    if (strategies && Object.hasOwn(strategies, SINGLE)) {
      throw new InvalidOptionError(`models.${id}.strategies`, `without \`${SINGLE}\`, which is plain sampling`, SINGLE);
    }
  }
}

import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Clock } from '../contracts/clock.ts';
import type { Admission } from './admission.ts';
import { NoCandidateError } from '../errors.ts';
import { ApiError } from './api-error.ts';
import type { Completion, WorkListener } from './completion.ts';
import type { CompletionTask, Endpoint } from './completion-task.ts';
import type { LoopLag } from './loop-lag.ts';
import type { RequestRecord } from './metrics.ts';
import { readTask, type TaskPolicy } from './read-task.ts';
import { replyBody, secondsOf, type ReplyHead } from './reply-body.ts';
import type { ReplyReserve } from './reply-reserve.ts';
import { RequestLife } from './request-life.ts';
import { makeStrategy, runStrategy, type ReadyStrategy } from './run-strategy.ts';
import { sampleChoices } from './sample-choices.ts';
import { SINGLE } from './served-model.ts';
import type { ServiceTimes, Work } from './service-times.ts';
import { StreamedReply } from './streamed-reply.ts';
import { sizeOf } from './work-size.ts';

export interface CompletionServiceOptions {
  readonly clock: Clock;
  readonly times: ServiceTimes;
  readonly admission: Admission;
  readonly lag: LoopLag;
  readonly reserve: ReplyReserve;
  readonly policy: TaskPolicy;
  /** Of the first request without a seed. */
  readonly seed: number;
  readonly newId: () => string;
  readonly onRequest: (record: RequestRecord) => void;
}

/** What requests carry through the routes. */
export interface ServeEnv {
  readonly Variables: {
    /** Time on the clock. */
    arrivedAt: number;
  };
}

/** A task that has its turn. */
interface Turn {
  readonly task: CompletionTask;
  readonly ready: ReadyStrategy | undefined;
  readonly head: ReplyHead;
  readonly seed: number;
  /** Time on the clock at which work has to be over: before the deadline. */
  readonly workDeadlineAt: number;
}

/** Replies to the completion endpoints: from the body of a request to the last byte of its reply. */
export class CompletionService {
  readonly #options: CompletionServiceOptions;
  readonly #open = new Set<RequestLife>();
  #idle: (() => void)[] = [];
  #nextSeed: number;

  constructor(options: CompletionServiceOptions) {
    this.#options = options;
    this.#nextSeed = options.seed;
  }

  async reply(endpoint: Endpoint, context: Context<ServeEnv>): Promise<Response> {
    const life = this.#begin(endpoint, context);
    try {
      const turn = await this.#takeTurn(endpoint, context, life);
      if (turn.task.isStreamed) return this.#stream(context, turn, life);
      const completion = await this.#work(turn, life, undefined);
      const response = Response.json(replyBody(turn.task, turn.head, completion, life.timing()), { headers: { 'x-request-id': life.id } });
      this.#end(turn, life, completion);
      return response;
    } catch (error) {
      return life.fail(error).toResponse();
    }
  }

  /** Replies to a request that failed before it was read. */
  refuse(endpoint: Endpoint, context: Context<ServeEnv>, error: unknown): Response {
    return this.#begin(endpoint, context).fail(error).toResponse();
  }

  /** Resolves once every request has its reply. */
  async idle(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Ends what is under way. */
  cut(reason: ApiError): void {
    for (const life of this.#open) life.abort(reason);
  }

  #begin(endpoint: Endpoint, context: Context<ServeEnv>): RequestLife {
    const { clock, newId } = this.#options;
    const life = new RequestLife({
      id: `${endpoint === 'chat' ? 'chatcmpl' : 'cmpl'}-${newId()}`,
      endpoint,
      clock,
      startedAt: context.get('arrivedAt'),
      signal: context.req.raw.signal,
      onEnd: (record) => {
        this.#open.delete(life);
        this.#options.onRequest(record);
        this.#tellIdle();
      },
    });
    this.#open.add(life);
    this.#options.lag.watch();
    return life;
  }

  #tellIdle(): void {
    if (this.#open.size > 0) return;
    this.#options.lag.rest();
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  async #takeTurn(endpoint: Endpoint, { req }: Context<ServeEnv>, life: RequestLife): Promise<Turn> {
    const { clock, admission, policy, reserve } = this.#options;
    const task = readTask(endpoint, await readJson(req), req.raw.headers, policy);
    const ready = task.strategy.name === SINGLE ? undefined : makeStrategy(task, task.model.strategies ?? {});
    life.understand(task);
    const workDeadlineAt = (): number => life.startedAt + task.deadlineMs - reserve.of(task.deadlineMs);
    life.release = await admission.admit({ work: workOf(task), deadlineAt: workDeadlineAt(), signal: life.signal });
    life.signal.throwIfAborted();
    // Anew: the machine may have become slower while the request waited.
    const head = { id: life.id, created: secondsOf(clock) };
    return { task, ready, head, seed: task.seed ?? this.#nextSeed++, workDeadlineAt: workDeadlineAt() };
  }

  async #work({ task, ready, seed, workDeadlineAt }: Turn, life: RequestLife, listener: WorkListener | undefined): Promise<Completion> {
    const { clock, times } = this.#options;
    const startedAt = clock.now();
    const context = { clock, deadlineAt: workDeadlineAt, seed, signal: life.signal, listener };
    const note = (isCut: boolean, hasAnswer: boolean): void => times.add(workOf(task), clock.now() - startedAt, { isCut, hasAnswer });
    try {
      const completion = await (ready ? runStrategy(ready, task, context) : sampleChoices(task, context));
      const isCut = completion.report.stopReason === 'deadline';
      note(isCut, !isCut || completion.report.answer !== undefined);
      return completion;
    } catch (error) {
      if (error instanceof NoCandidateError && error.stopReason === 'deadline') {
        note(true, false);
        this.#noteLateness(workDeadlineAt, true);
      }
      throw error;
    }
  }

  #end({ workDeadlineAt }: Turn, life: RequestLife, completion: Completion): void {
    this.#noteLateness(workDeadlineAt, completion.report.stopReason === 'deadline');
    life.end({ completion });
  }

  /** @param isCut - Whether all the time was used, so that an early end says something, too. */
  #noteLateness(workDeadlineAt: number, isCut: boolean): void {
    const { clock, reserve } = this.#options;
    const latenessMs = clock.now() - workDeadlineAt;
    if (isCut || latenessMs > 0) reserve.add(latenessMs);
  }

  #stream(context: Context<ServeEnv>, turn: Turn, life: RequestLife): Response {
    context.header('x-request-id', life.id);
    // Proxies such as nginx collect a reply unless told otherwise.
    context.header('x-accel-buffering', 'no');
    return streamSSE(context, async (stream) => {
      const reply = new StreamedReply(stream, turn.task, turn.head);
      stream.onAbort(() => life.abort(CLIENT_GONE));
      void reply.keepAlive(this.#options.clock);
      try {
        const completion = await this.#work(turn, life, reply);
        // The work is over: who waits may start while this one's last words are on their way.
        life.giveBack();
        await reply.complete(completion, life.timing());
        life.signal.throwIfAborted();
        this.#end(turn, life, completion);
      } catch (error) {
        await reply.fail(life.fail(error));
      }
    });
  }
}

/** What work it is, to the service times. */
function workOf(task: CompletionTask): Work {
  return { kind: `${task.modelId}\n${task.strategy.name}`, size: sizeOf(task) };
}

/** @throws {ApiError} */
async function readJson(req: Context<ServeEnv>['req']): Promise<unknown> {
  // Pages of other origins can send plain text without asking; JSON they cannot.
  const type = req.header('content-type') ?? '';
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new ApiError(415, 'unsupported_media_type', `Send JSON as \`content-type: application/json\`, not \`${type}\`.`);
  }
  try {
    return await req.json();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new ApiError(400, 'invalid_json', 'The body of the request is no JSON.', { cause });
  }
}

/** Why a request is aborted. Made once: an error keeps the stack it was made on, with the request and its connection. */
const CLIENT_GONE = new Error('The client has closed its connection.');

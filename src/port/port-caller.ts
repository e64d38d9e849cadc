import { ModelError } from '../errors.ts';
import type { WorkerPort } from '../models/local-model.ts';
import { onAbort } from '../runtime/on-abort.ts';
import { StepTimer } from '../runtime/step-timer.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { CallAnswer, HostRequest } from './call-messages.ts';
import { Outbox } from './outbox.ts';
import { receiveError } from './transferred-error.ts';

interface OpenCall {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Of a union of requests, those that are answered, before they have a number. */
export type CallOf<Request> = Request extends { readonly call: number } ? Omit<Request, 'call'> : never;
type Untold<Request> = Request extends { readonly call: number } ? never : Request;

export interface StartedCall<Result> {
  readonly answer: Promise<Result>;
  cancel(): void;
}

/** The answer, or the signal's reason as soon as it is aborted; the other side is then told to give up. */
export function untilAborted<Result>({ answer, cancel }: StartedCall<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return answer;
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(signal.reason);
      cancel();
    };
    const forget = onAbort(signal, giveUp);
    void answer.then(resolve, reject).then(forget);
  });
}

/** Calls over a port, with answers matched by number and aborts passed on. A `CallHost` answers. */
export class PortCaller<Request extends object, Notice> {
  readonly #outbox: Outbox<object>;
  readonly #calls = new Map<number, OpenCall>();
  readonly #crossings = new StepTimer();
  #nextCall = 0;
  #closedBy: Error | undefined;

  /** @param onNotice - Hears what the other side tells unasked. */
  constructor(port: WorkerPort, onNotice: (notice: Notice) => void) {
    this.#outbox = new Outbox(
      (requests) => port.post(requests),
      (request, error) => isNumbered(request) && this.#take(request.call)?.reject(error),
    );
    port.onMessage((messages) => {
      for (const message of messages as readonly (CallAnswer<unknown> | Notice)[]) {
        if (isAnswer(message)) this.#settle(message);
        else onNotice(message);
      }
    });
    port.onClose((error) => this.close(new ModelError('The worker that runs the model has stopped.', { cause: error })));
  }

  /** Rejects everything open and everything to come, but for the request to end, whose answer it waits for. */
  async end(error: Error): Promise<void> {
    if (this.#closedBy) return;
    const open = [...this.#calls.values()];
    const { answer } = this.#send({ type: 'dispose' });
    this.#closedBy = error;
    for (const call of open) call.reject(error);
    // A worker that has stopped, or that fails to free its models, is ended all the same.
    await answer.catch(() => undefined);
  }

  /** Rejects everything open and everything to come. */
  close(error: Error): void {
    this.#closedBy ??= error;
    for (const call of this.#calls.values()) call.reject(this.#closedBy);
    this.#calls.clear();
  }

  get isClosed(): boolean {
    return this.#closedBy !== undefined;
  }

  /** @throws what closed the port, once it is. */
  requireOpen(): void {
    if (this.#closedBy) throw this.#closedBy;
  }

  /** Milliseconds that so many messages, one answering the other, should take to cross; 0 as long as none has come. */
  crossingMs(messages: number): number {
    return this.#crossings.allowance(1, messages);
  }

  tell(request: Untold<Request>): void {
    this.requireOpen();
    this.#outbox.add(request);
  }

  /** Sends a request whose answer settles `answer`; `cancel` tells the other side to give it up. */
  start<Result>(request: CallOf<Request>): StartedCall<Result> {
    this.requireOpen();
    return this.#send<Result>(request);
  }

  /** Rejects with the signal's reason as soon as it is aborted; the other side is told to give up. */
  async ask<Result>(request: CallOf<Request>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    return untilAborted(this.start<Result>(request), signal);
  }

  #send<Result>(request: object): StartedCall<Result> {
    const call = this.#nextCall++;
    const answer = new Promise<Result>((resolve, reject) => {
      this.#calls.set(call, { resolve: resolve as (value: unknown) => void, reject });
      this.#outbox.add({ ...request, call });
    });
    return { answer, cancel: () => this.#outbox.add({ type: 'cancel', target: call } satisfies HostRequest) };
  }

  #settle(answer: CallAnswer<unknown>): void {
    this.#crossings.record(1, Math.max(0, systemClock.now() - answer.sentAt));
    const call = this.#take(answer.call);
    if (answer.type === 'result') call?.resolve(answer.value);
    else call?.reject(receiveError(answer.error));
  }

  /** The open call of this number, which is no longer open. */
  #take(number: number): OpenCall | undefined {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    return call;
  }
}

function isAnswer(message: unknown): message is CallAnswer<unknown> {
  const { type } = message as { readonly type: unknown };
  return type === 'result' || type === 'error';
}

function isNumbered(message: object): message is { readonly call: number } {
  return 'call' in message;
}

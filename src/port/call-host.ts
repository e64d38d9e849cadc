import type { WorkerPort } from '../models/local-model.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { CallAnswer } from './call-messages.ts';
import { Outbox } from './outbox.ts';
import { transferError } from './transferred-error.ts';

/** The side of a port that answers the calls of a `PortCaller`, which can be cancelled until they are. */
export class CallHost<Request, Value, Notice> {
  readonly #outbox: Outbox<CallAnswer<Value> | Notice>;
  readonly #calls = new Map<number, AbortScope>();

  /** @param receive - Called with every request, in order. */
  constructor(port: WorkerPort, receive: (request: Request) => void) {
    this.#outbox = new Outbox<CallAnswer<Value> | Notice>(
      (messages) => port.post(messages),
      (message, error) => isResult(message) && this.#fail(message.call, error),
    );
    port.onMessage((requests) => {
      for (const request of requests as readonly Request[]) receive(request);
    });
  }

  /** @param work - Its signal is aborted when the caller gives up. */
  async answer(call: number, work: (signal: AbortSignal) => Promise<Value>): Promise<void> {
    const scope = new AbortScope();
    this.#calls.set(call, scope);
    try {
      const value = await work(scope.signal);
      this.#outbox.add({ type: 'result', call, sentAt: systemClock.now(), value });
    } catch (error) {
      this.#fail(call, error);
    } finally {
      this.#calls.delete(call);
    }
  }

  cancel(call: number): void {
    this.#calls.get(call)?.end();
  }

  /** Tells the other side what nobody has asked. */
  tell(notice: Notice): void {
    this.#outbox.add(notice);
  }

  #fail(call: number, error: unknown): void {
    this.#outbox.add({ type: 'error', call, sentAt: systemClock.now(), error: transferError(error) });
  }
}

function isResult(message: unknown): message is CallAnswer<unknown> {
  return (message as { readonly type: unknown }).type === 'result';
}

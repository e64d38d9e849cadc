import type { Clock } from '../../contracts/clock.ts';
import { ServerError } from '../../errors.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { expiry, within } from '../../runtime/wait-until.ts';
import { NOTHING, readDelta, type CompletionDelta } from '../../servers/completion-delta.ts';
import type { ServerClient } from '../../servers/server-client.ts';

export interface RequestPlan {
  readonly client: ServerClient;
  readonly path: string;
  readonly body: object;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Most milliseconds until the first token. */
  readonly firstTokenMs: number;
  /** Most milliseconds between two events. */
  readonly stallMs: number;
  /** Milliseconds after which the request is sent once more, beside the first; Infinity for never. */
  readonly hedgeMs: number;
  /** Whether a hedge may still be sent when its time has come. */
  takeHedge(): boolean;
  /** A request is on its way. */
  onRequest(): void;
  /** Tokens of a request that another one has overtaken. */
  onDiscard(tokens: number): void;
}

/** One request that may be overtaken by its twin. */
interface Runner {
  readonly deltas: AsyncGenerator<CompletionDelta, boolean>;
  readonly ending: AbortScope;
  /** Resolves to the first delta that has something in it. */
  readonly first: Promise<IteratorResult<CompletionDelta, boolean>>;
}

/**
 * What a server writes, as it comes, of the faster of two requests where one is slow to begin. Returns whether the server said
 * that it is done. Ends its requests when nobody listens any more.
 *
 * @throws {ServerError}
 * @throws the signal's reason when it is aborted.
 */
export async function* requestStream(plan: RequestPlan): AsyncGenerator<CompletionDelta, boolean> {
  const runners = [startRunner(plan)];
  try {
    const winner = await firstToBegin(plan, runners);
    for (const runner of runners) {
      if (runner === winner) continue;
      // It may have begun in the same moment.
      void runner.first.then(
        ({ done, value }) => void (!done && plan.onDiscard(Math.max(1, value.places))),
        () => undefined,
      );
      end(runner);
    }
    let next = await winner.first;
    while (!next.done) {
      yield next.value;
      next = await within(
        plan.clock,
        plan.stallMs,
        winner.deltas.next(),
        () => new ServerError('timeout', `The server fell silent for ${plan.stallMs} ms within its answer.`, { isRetryable: true }),
      );
    }
    return next.value;
  } finally {
    for (const runner of runners) end(runner);
  }
}

async function firstToBegin(plan: RequestPlan, runners: Runner[]): Promise<Runner> {
  const { clock, firstTokenMs, hedgeMs } = plan;
  const tooSlow = (): ServerError => new ServerError('timeout', `The server gave no token within ${Math.round(firstTokenMs)} ms.`, { isRetryable: true });
  const [first] = runners as [Runner];
  if (hedgeMs >= firstTokenMs) return within(clock, firstTokenMs, begun(first), tooSlow);
  const isSlow = Symbol('slow');
  const early = await Promise.race([begun(first), expiry(clock, hedgeMs, first.ending.signal).then(() => isSlow)]);
  if (typeof early !== 'symbol') return early;
  if (!plan.takeHedge()) return within(clock, firstTokenMs - hedgeMs, begun(first), tooSlow);
  const second = startRunner(plan);
  runners.push(second);
  // One that fails leaves the race to the other.
  return within(
    clock,
    firstTokenMs - hedgeMs,
    Promise.any([begun(first), begun(second)]).catch(() => begun(first)),
    tooSlow,
  );
}

async function begun(runner: Runner): Promise<Runner> {
  await runner.first;
  return runner;
}

function startRunner({ client, path, body, signal, onRequest }: RequestPlan): Runner {
  const ending = new AbortScope(signal);
  onRequest();
  const deltas = deltasOf(client, path, body, ending.signal);
  const first = firstWithContent(deltas);
  // Whoever loses the race is not listened to.
  first.catch(() => undefined);
  return { deltas, ending, first };
}

function end({ ending, deltas }: Runner): void {
  ending.end();
  void deltas.return(false).catch(() => undefined);
}

async function* deltasOf(client: ServerClient, path: string, body: object, signal: AbortSignal): AsyncGenerator<CompletionDelta, boolean> {
  const events = client.stream(path, body, signal);
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) return next.value;
      yield 'isPing' in next.value ? NOTHING : readDelta(next.value.value, client.redact);
    }
  } finally {
    await events.return(false);
  }
}

/** Roles and comments are no beginning: a server sends them while the request waits. */
async function firstWithContent(deltas: AsyncGenerator<CompletionDelta, boolean>): Promise<IteratorResult<CompletionDelta, boolean>> {
  for (;;) {
    const next = await deltas.next();
    if (next.done) return next;
    const { text, reasoning, places, finish } = next.value;
    if (text !== '' || reasoning !== '' || places > 0 || finish !== undefined) return next;
  }
}

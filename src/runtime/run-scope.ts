import type { RunEventMap, RunEventTarget } from '../contracts/event.ts';
import type { Clock } from '../contracts/clock.ts';
import type { StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireDeadlineMs } from '../option-schemas.ts';
import { requireKnownNames, requirePrompt, requireWholeNumber } from '../options.ts';
import { requireCallOptions } from './call-options.ts';
import { systemClock } from './system-clock.ts';

type EventFields<Name extends keyof RunEventMap> = Omit<Parameters<RunEventMap[Name]>[0], 'atMs'>;

const REQUEST = ['engine', 'prompt', 'deadlineMs', 'seed', 'signal', 'events', 'clock'] as const satisfies readonly (keyof StrategyRequest)[];

/** One run's deadline, abort, seed and events, on the run's clock. */
export class RunScope {
  readonly clock: Clock;
  readonly startedAt: number;
  readonly deadlineMs: number;
  /** Absolute time on the clock; Infinity without a deadline. */
  readonly deadlineAt: number;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
  readonly listenerErrors: unknown[] = [];
  readonly #events: RunEventTarget | undefined;

  /**
   * Starts the run's time.
   *
   * @throws {InvalidOptionError} for a deadline that is not positive, a bad seed, an empty prompt or what is no engine.
   * @throws the signal's reason when it is already aborted.
   */
  constructor(request: StrategyRequest) {
    requireKnownNames(request, REQUEST, 'request');
    const { deadlineMs = Infinity, seed = 0, clock = systemClock } = request;
    requireDeadlineMs(deadlineMs);
    requireWholeNumber('seed', seed);
    requireCallOptions(request);
    requireQuestion(request.prompt);
    if (typeof request.engine?.open !== 'function') {
      throw new InvalidOptionError(
        'engine',
        'an engine',
        request.engine,
        'Pass a `Decoder` or another engine; a model becomes one by `new Decoder({ model })`.',
      );
    }
    request.signal?.throwIfAborted();
    this.clock = clock;
    this.startedAt = clock.now();
    this.deadlineMs = deadlineMs;
    this.deadlineAt = this.startedAt + deadlineMs;
    this.seed = seed;
    this.signal = request.signal;
    this.#events = request.events;
  }

  elapsedMs(): number {
    return this.clock.now() - this.startedAt;
  }

  isPastDeadline(): boolean {
    return this.clock.now() >= this.deadlineAt;
  }

  /** Whether anyone listens, so that costly events need not be made for nobody. */
  hasListeners(name: keyof RunEventMap): boolean {
    return (this.#events?.listenerCount(name) ?? 0) > 0;
  }

  /** Delivers an event at once and in order to every listener. What listeners throw is kept and ends nothing. */
  emit<Name extends keyof RunEventMap>(name: Name, fields: EventFields<Name>): void {
    const events = this.#events;
    if (!events?.listenerCount(name)) return;
    const event = { ...fields, atMs: this.elapsedMs() };
    for (const { fn, context, once } of registrationsOf(events, name)) {
      if (once) events.removeListener(name, fn, undefined, true);
      try {
        fn.call(context, event);
      } catch (error) {
        this.listenerErrors.push(error);
      }
    }
  }
}

/** A listener as eventemitter3 keeps it. */
interface Registration {
  readonly fn: (event: unknown) => void;
  readonly context: unknown;
  readonly once: boolean;
}

/**
 * The listeners of an event as they stand now. eventemitter3's own `emit` stops at the first listener that throws, and its
 * `listeners()` tells neither the context of a listener nor whether it wants to be called once, hence its inner table.
 */
function registrationsOf(events: RunEventTarget, name: keyof RunEventMap): readonly Registration[] {
  const { _events } = events as unknown as { readonly _events: Readonly<Record<string, Registration | readonly Registration[] | undefined>> };
  return [_events[name] ?? []].flat();
}

function requireQuestion(prompt: unknown): void {
  if (requirePrompt(prompt).join('').trim() === '') throw new InvalidOptionError('prompt', 'text that is not empty', prompt);
}

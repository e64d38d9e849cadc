import type { Clock } from '../contracts/clock.ts';
import { quantile } from '../maths/quantile.ts';

const KEPT = 32;
/** Share of what was enough that is taken for luck. */
const LUCKY = 0.1;
/** What is older says little of the load of today, and a server that refuses all must try again one day. */
const FORGOTTEN_AFTER_MS = 60_000;

interface ServiceTime {
  readonly milliseconds: number;
  readonly at: number;
  readonly hasAnswer: boolean;
}

/** How long recent work of one kind took: a model and a strategy. */
export class ServiceTimes {
  readonly #clock: Clock;
  readonly #times = new Map<string, ServiceTime[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param hasAnswer - Whether the work came to something whole, not cut in the middle. */
  add(kind: string, milliseconds: number, hasAnswer: boolean): void {
    const times = this.#recent(kind);
    times.push({ milliseconds, at: this.#clock.now(), hasAnswer });
    if (times.length > KEPT) times.shift();
    this.#times.set(kind, times);
  }

  /** The median; 0 where nothing is known, so that the first are let in. */
  typicalMs(kind: string): number {
    const times = this.#recent(kind).map(({ milliseconds }) => milliseconds);
    return times.length > 0 ? quantile(times, 0.5) : 0;
  }

  /** What work that has taken so long is likely to take yet: as much as what took longer did. */
  remainingMs(kind: string, elapsedMs: number): number {
    const times = this.#recent(kind).map(({ milliseconds }) => milliseconds);
    const longer = times.filter((milliseconds) => milliseconds > elapsedMs);
    if (longer.length > 0) return quantile(longer, 0.5) - elapsedMs;
    // Longer than any: where nothing tells, half as long again.
    return times.length > 0 ? elapsedMs / 2 : 0;
  }

  /** What has been enough, but for a lucky few; 0 where nothing is known. */
  leastMs(kind: string): number {
    const times = this.#recent(kind).filter(({ hasAnswer }) => hasAnswer);
    const milliseconds = times.map((time) => time.milliseconds);
    return milliseconds.length > 0 ? quantile(milliseconds, LUCKY) : 0;
  }

  #recent(kind: string): ServiceTime[] {
    const oldest = this.#clock.now() - FORGOTTEN_AFTER_MS;
    return (this.#times.get(kind) ?? []).filter(({ at }) => at >= oldest);
  }
}
